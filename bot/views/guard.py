"""What the desk does to agents by itself is said before and after, with its cause."""

from __future__ import annotations

from collections.abc import Mapping

from bot.chat import Button, Message, Tone
from bot.format import plain, span
from bot.line import button
from monitor.model import Severity
from monitor.order import OrderState

_WHEN = {"drawdown": "its drawdown", "daily_loss": "its loss", "unacknowledged": "a page that nobody acknowledged"}


def guard(body: Mapping[str, object], severity: Severity) -> Message | None:
    """The message for one of the desk's own acts; None for one that is not known."""
    what, agent = str(body.get("guard")), str(body.get("agent", ""))
    name, cause = plain(agent, 64), plain(str(body.get("cause") or ""), 200)
    loud = severity is Severity.CRITICAL
    dry = "Dry run: " if body.get("dry") else ""
    why = _WHEN.get(str(body.get("when")), "its stop")
    if what == "announced":
        notice = body.get("notice")
        within = span(float(notice)) if isinstance(notice, int | float) else "n/a"
        return Message(
            f"{dry}{name} {'would be' if dry else 'will be'} paused in {within}, without a person, for {why}",
            f"Cause: {cause}. Its settings say so.",
            buttons=() if dry else (*button("Pause now", "pause", agent), *_look(agent)),
            tone=Tone.CRITICAL if loud and not dry else Tone.WARN,
            loud=loud and not dry,
        )
    if what == "called off":
        over = "Somebody has paused it meanwhile." if body.get("held") else f"It is no longer so: {why}."
        return Message(f"{dry}{name} is not paused by its stop after all", over, tone=Tone.OVER)
    if what == "would act":
        return Message(f"Dry run: {name} would have been paused now, for {why}", f"Cause: {cause}.", tone=Tone.WARN)
    if what == "ended":
        return _ended(body, name, agent)
    return _done(body, name, agent, cause, loud=loud) if what in ("acted", "kept") else None


def _ended(body: Mapping[str, object], name: str, agent: str) -> Message:
    by, reason = plain(str(body.get("by", "")), 40), plain(str(body.get("reason") or ""), 200)
    still = "It is still paused: nobody resumes it for you." if body.get("paused") else "It does not report paused."
    return Message(
        f"The time of the pause of {name} by {by} is over",
        f"{still}{f' The pause said: {reason}.' if reason else ''}",
        buttons=(*button("Resume", "resume", agent), *button("Pause on", "pause", agent), *_look(agent)),
        tone=Tone.WARN,
    )


def _done(body: Mapping[str, object], name: str, agent: str, cause: str, *, loud: bool) -> Message:
    """What came of an order that the desk gave by itself."""
    action = "stopped" if body.get("action") == "stop" else "paused"
    took, said = body.get("took"), plain(str(body.get("detail") or ""), 200)
    again = " again" if body.get("guard") == "kept" else ""
    if body.get("outcome") == OrderState.CONFIRMED.value:
        after = f" after {span(took)}" if isinstance(took, int | float) else ""
        return Message(
            f"{name} is {action}{again}, without a person: confirmed{after}",
            f"Cause: {cause}.",
            buttons=(*button("Resume", "resume", agent), *_look(agent)),
            tone=Tone.WARN,
            loud=loud,
        )
    told = f" It {said}." if said else ""
    return Message(
        f"{name} was to be {action}{again}, without a person, and is NOT: {plain(str(body.get('outcome')), 40)}",
        f"Cause: {cause}.{told} Act now: /stop {agent}, or on its machine.",
        buttons=(*button("Pause", "pause", agent), *button("Runbook", "runbook", "order_unconfirmed", agent)),
        tone=Tone.CRITICAL,
        loud=True,
    )


def _look(agent: str) -> tuple[Button, ...]:
    return button("Status", "status", agent)
