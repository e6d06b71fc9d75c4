"""A chat in trouble is told of in the others, a store in trouble everywhere: once at the beginning, once at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.chat import Message, Tone
from bot.format import plain, span
from monitor.alerts.alert import Kind, Notification
from monitor.model import Severity

GRACE = 10.0
"""Seconds of trouble before anybody is told: a connection that comes back by itself is no news."""


@dataclass(slots=True)
class _Trouble:
    since: float
    told: bool = False


class Minder:
    """Remembers which platform is in trouble since when."""

    def __init__(self, grace: float = GRACE) -> None:
        self._grace = grace
        self._troubles: dict[str, _Trouble] = {}

    def look(self, troubles: Mapping[str, str | None], now: float) -> tuple[Notification, ...]:
        """What is to be told now; `troubles`: platform -> why it cannot be relied on, None while all is well."""
        rows: list[Notification] = []
        for name, why in troubles.items():
            others = [each for each in troubles if each != name]
            known = self._troubles.get(name)
            if why is None:
                if known is not None and known.told:
                    title = f"{name} is back after {span(now - known.since)}"
                    rows += _notices(others, f"{name}:back", title, "What waited for it is on its way.", now)
                self._troubles.pop(name, None)
            elif known is None:
                self._troubles[name] = _Trouble(now)
            elif not known.told and now - known.since >= self._grace:
                known.told = True
                title = f"{name} is in trouble for {span(now - known.since)}: pages wait for it"
                rows += _notices(others, f"{name}:down", title, plain(why, 300), now)
        return tuple(rows)


def _notices(platforms: list[str], what: str, title: str, text: str, now: float) -> list[Notification]:
    body = {"title": title, "text": text}
    return [
        Notification(f"{what}:{round(now * 1e6)}:{name}", name, Kind.NOTICE, Severity.WARN, now, body=body)
        for name in platforms
    ]


class Blindness:
    """Remembers since when the desk cannot store what it sees: whoever is not told of that believes all is well."""

    def __init__(self, grace: float = GRACE) -> None:
        self._grace = grace
        self._trouble: _Trouble | None = None

    def look(self, why: str | None, now: float) -> Message | None:
        """What is to be told now; `why`: the store's trouble, None while all is well."""
        known = self._trouble
        if why is None:
            self._trouble = None
            if known is None or not known.told:
                return None
            title = f"✅ The desk stores again what it sees, after {span(now - known.since)}"
            return Message(title, "What it saw meanwhile is being worked through.", tone=Tone.GOOD)
        if known is None:
            self._trouble = _Trouble(now)
        elif not known.told and now - known.since >= self._grace:
            known.told = True
            text = f"{plain(why, 300)} Until that is mended nobody is paged, and /status shows old figures."
            return Message("🚨 The desk cannot store what it sees", text, tone=Tone.CRITICAL, loud=True)
        return None
