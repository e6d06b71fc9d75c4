"""What delivery adds to a message: that it comes late, that it may be a repeat, that it was never taken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

import structlog

from bot.chat import Message, Tone
from bot.format import clock, plain, span
from monitor.alerts.alert import PAGES, Kind, Notification
from monitor.model import Severity
from monitor.ports import StoreError

log = structlog.get_logger()

Draw = Callable[[Notification], Awaitable[Message | None]]
"""What a notification says now; None when there is nothing left to tell."""

LOOK = 1.0
"""Seconds between two looks at the outbox when nobody wakes it (retries fall due by themselves)."""
MARGIN = 0.5
"""Seconds waited beyond what a platform asked for."""
LATE = 60.0
"""Seconds after it was due from which on a message says so."""
HUSH = 300.0
"""Seconds within which the others are told of a channel's dead letters once: a chat that is gone loses many."""
LONGEST_WAIT = 60.0
"""Seconds between two tries at most."""
IN_A_ROW = 3
"""Messages in a row that are not taken before the trouble counts as the chat's, and not as theirs."""
LONGEST_PAUSE = 5.0
"""Seconds between two tries at a chat in trouble at most; the first that is taken lets all others go."""
_LATE = (*PAGES, Kind.RECOVERY, Kind.NOTICE)
_REPEAT = "May be a repeat: the chat did not say whether it took the first."


def backoff(attempts: int) -> float:
    """Seconds to wait after `attempts` tries that were not taken: 1, 2, 4 ... up to a minute."""
    return min(LONGEST_WAIT, 2.0 ** min(attempts, 10))


def pause(failures: int) -> float:
    """Seconds to leave a chat alone after so many messages in a row that were not taken: 0, 0, 1, 2, 4, 5 ..."""
    return 0.0 if failures < IN_A_ROW else min(LONGEST_PAUSE, backoff(failures - IN_A_ROW))


async def surely(store: Callable[[], Awaitable[None]]) -> None:
    """Store what came of a message, however long the store is broken: else it would be told again."""
    while True:
        try:
            return await store()
        except StoreError as error:
            log.warning("what came of a message was not stored", error=str(error))
            await asyncio.sleep(LOOK)


def lateness(row: Notification, now: float) -> float | None:
    """Seconds that a message is late; None when that is not worth a word, or when it tells how things are now."""
    late = now - row.created
    return late if late > LATE and row.kind in _LATE else None


def marked(message: Message, row: Notification, now: float) -> Message:
    """The message with what must be known of it: that it is late, or may be a repeat."""
    late = lateness(row, now)
    notes = [f"Delayed by {span(late)}: it is from {clock(row.created, now)}."] if late is not None else []
    notes += [_REPEAT] if row.uncertain else []
    return replace(message, text="\n".join(filter(None, (*notes, message.text)))) if notes else message


def short(message: Message) -> Message:
    """Say the same in a few plain words, without tables, fields and buttons."""
    text = f"{message.text[:200]}\nIn short, since the chat did not take the whole: /alerts tells more.".lstrip()
    return Message(message.title[:100], text, tone=message.tone, loud=message.loud)


def undrawn(row: Notification) -> Message:
    """What is told in place of a message that cannot be drawn."""
    critical = row.severity is Severity.CRITICAL
    return Message(
        title=f"{row.severity.name}: alert {row.alert or ''} ({row.kind})",
        text="Its card could not be drawn; the log says why. Ask /alerts for what is open.",
        tone=Tone.CRITICAL if critical else Tone.WARN,
        loud=critical,
    )


def obituary(row: Notification, why: str, channels: Iterable[str], now: float) -> tuple[Notification, ...]:
    """What the other channels are told of a message that its channel will never take.

    Told of pages and recoveries; of one channel once in HUSH seconds, since the keys are the same until then.
    """
    if row.kind not in (*PAGES, Kind.RECOVERY):
        return ()
    what = "recovery" if row.kind is Kind.RECOVERY else "page"
    title = f"A {what} was not delivered in {row.platform}"
    body = {"title": title, "text": f"{plain(why, 300).rstrip('.')}. Alert {row.alert}; /outbox shows it."}
    key = f"dead:{row.platform}:{int(now // HUSH)}"
    return tuple(
        Notification(f"{key}:{each}", each, Kind.NOTICE, row.severity, now, body=body)
        for each in channels
        if each != row.platform
    )
