"""What waits in the outbox and what was never taken, for people to see and to decide about."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat import Button, Field, Message, Tone
from bot.format import clock, count, plain, span
from bot.line import button
from monitor.alerts.alert import Kind, Notification
from monitor.mail import Letter, Waiting

SHOWN = 10
"""Dead letters told one by one; the rest are counted."""
_BUTTONS = 3


def outbox(waiting: Sequence[Waiting], dead: int, letters: Sequence[Letter], now: float) -> Message:
    """What waits, by channel, and the newest dead letters; `dead`: how many there are."""
    if not waiting and not dead:
        return Message("The outbox is empty", "Everything was told.", tone=Tone.GOOD)
    waits = sum(each.count for each in waiting)
    rest = f" The {len(letters)} newest are shown." if dead > len(letters) else ""
    return Message(
        title=f"{count(waits, 'message')} waiting, {count(dead, 'dead letter')}",
        text=f"A dead letter is what a chat will never take; send it again once that is mended.{rest}" if dead else "",
        fields=(*(_waits(each, now) for each in waiting), *(_letter(each, now) for each in letters)),
        buttons=tuple(made for each in letters[:_BUTTONS] for made in _again(each)),
        tone=Tone.WARN if dead else Tone.PLAIN,
    )


def _again(each: Letter) -> tuple[Button, ...]:
    return button(f"Resend {each.id}", "outbox", "resend", str(each.id))


def _waits(each: Waiting, now: float) -> Field:
    closed = f", which takes nothing until {clock(each.closed, now)}" if each.closed is not None else ""
    why = f"\n{plain(each.why, 300)}" if each.why is not None else ""
    said = f"{count(each.count, 'message')}, the oldest for {span(now - each.oldest)}{closed}{why}"
    return Field(f"Waiting for {plain(each.channel, 60)}", said)


def _letter(each: Letter, now: float) -> Field:
    row = each.notification
    said = f"{_what(row)}\n{plain(each.why, 300)}"
    age = f"due {clock(row.created, now)}, given up {span(now - each.ended)} ago"
    return Field(f"Dead letter {each.id} to {plain(row.platform, 60)}", f"{said}\n{age}")


def _what(row: Notification) -> str:
    """What a message would have told: a notice's title, else its kind and incident."""
    title = row.body.get("title")
    if row.kind is Kind.NOTICE and isinstance(title, str):
        return plain(title, 120)
    about = f" of alert {row.alert}" if row.alert is not None else ""
    return f"{row.severity.name} {row.kind}{about}"


def resent(many: int) -> Message:
    """Confirm that dead letters are on their way again."""
    if not many:
        return Message("No dead letter was sent again", "There is none whose channel is still set up.")
    return Message(f"Sending {count(many, 'dead letter')} again", "Each says when it was due.", tone=Tone.GOOD)


def dropped(many: int) -> Message:
    """Confirm that dead letters are forgotten."""
    return Message(f"{count(many, 'dead letter')} dropped", tone=Tone.OVER)
