"""A chat in trouble is told of in the others, a store in trouble everywhere: once at the beginning, once at the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from bot.chat import Message, Tone
from bot.format import plain, span
from monitor.alerts.alert import Notification
from monitor.alerts.pipeline import notices

GRACE = 10.0
"""Seconds of trouble before anybody is told: a connection that comes back by itself is no news."""


class Watch:
    """Remembers since when something is in trouble, and whether that has been told."""

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._since: float | None = None
        self._told = False

    def look(self, why: str | None, now: float) -> float | None:
        """Seconds of trouble that are to be told now: with `why` that it stands, without that it is over."""
        since, told = self._since, self._told
        if why is None:
            self._since, self._told = None, False
            return now - since if since is not None and told else None
        if since is None:
            self._since = since = now
            return None
        self._told = now - since >= self._grace
        return now - since if self._told and not told else None


class Minder:
    """Watches every platform."""

    def __init__(self, grace: float = GRACE) -> None:
        self._watches: defaultdict[str, Watch] = defaultdict(lambda: Watch(grace))

    def look(self, troubles: Mapping[str, str | None], now: float) -> tuple[Notification, ...]:
        """What is to be told now; `troubles`: platform -> why it cannot be relied on, None while all is well."""
        rows: list[Notification] = []
        for name, why in troubles.items():
            lasted = self._watches[name].look(why, now)
            if lasted is None:
                continue
            title, text = f"{name} is back after {span(lasted)}", "What waited for it is on its way."
            if why is not None:
                title, text = f"{name} is in trouble for {span(lasted)}: pages wait for it", plain(why, 300)
            others = [each for each in troubles if each != name]
            rows += notices(f"{name}:{'down' if why else 'back'}", others, {"title": title, "text": text}, now)
        return tuple(rows)


class Blindness:
    """Watches the store: whoever is not told that the desk is blind believes that all is well."""

    def __init__(self, grace: float = GRACE) -> None:
        self._watch = Watch(grace)

    def look(self, why: str | None, now: float) -> Message | None:
        """What is to be told now; `why`: the store's trouble, None while all is well."""
        lasted = self._watch.look(why, now)
        if lasted is None:
            return None
        if why is None:
            title = f"✅ The desk stores again what it sees, after {span(lasted)}"
            return Message(title, "What it saw meanwhile is being worked through.", tone=Tone.GOOD)
        text = f"{plain(why, 300)} Until that is mended nobody is paged, and /status shows old figures."
        return Message("🚨 The desk cannot store what it sees", text, tone=Tone.CRITICAL, loud=True)
