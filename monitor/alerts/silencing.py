"""Silences begin, warn of their end and end: what still stands then is told; windows of the settings are silences."""

from __future__ import annotations

from dataclasses import replace

from monitor.alerts import paging, pipeline, routing
from monitor.alerts.alert import Alert, State, short_id
from monitor.alerts.draft import Draft
from monitor.alerts.silence import WARN_BEFORE, Silence, matches
from monitor.model import Severity


def covered(draft: Draft, silence: Silence) -> list[Alert]:
    """The open alerts that a silence fits."""
    return [each for each in draft.alerts.values() if each.open and matches(silence.matchers, draft.known(each))]


def announce(draft: Draft, silence: Silence, what: str, heard: str | None = None) -> None:
    """Say in every chat that a silence has begun, will end or has ended, but not where it was heard."""
    names = [each for each in routing.usual(Severity.CRITICAL, draft.plan.channels) if each != heard]
    body = {
        "silence": silence.id,
        "what": what,
        "kind": silence.kind,
        "matchers": [list(each) for each in silence.matchers],
        "by": silence.by,
        "reason": silence.reason,
    }
    draft.notice(f"silence:{silence.id}:{what}", names, body)


def pass_time(draft: Draft) -> None:
    """Begin the windows that open, warn of silences that will end, and end those whose time has come."""
    _windows(draft)
    for silence in draft.silences:
        if silence.over is not None:
            continue
        if silence.ends <= draft.now:
            end(draft, silence)
        elif _warns(silence, draft.now):
            draft.silence(replace(silence, warned=draft.now))
            if covered(draft, silence):
                announce(draft, silence, "ending")
    draft.forget_silences(lambda each: each.over is None or each.ends > draft.now or _of_a_window(each, draft))


def _of_a_window(silence: Silence, draft: Draft) -> bool:
    """Whether a window would begin anew if the silence that it was were forgotten."""
    longest = max((each.duration for each in draft.plan.maintenance), default=0.0)
    return silence.kind == "maintenance" and draft.now < silence.starts + longest


def _warns(silence: Silence, now: float) -> bool:
    long = silence.ends - silence.starts >= 3 * WARN_BEFORE
    return long and silence.warned is None and silence.ends - now <= WARN_BEFORE


def end(draft: Draft, silence: Silence) -> None:
    """End a silence: what it hid is paged if it still stands, and what was told before is told once more."""
    draft.silence(replace(silence, over=draft.now))
    standing = covered(draft, silence)
    again: dict[str, None] = {}
    for alert in standing:
        if alert.state is State.FIRING and alert.incident is None:
            draft.undecided[alert.fingerprint] = None
        elif alert.state is State.FIRING and alert.incident is not None:
            again[alert.incident] = None
    for of in again:
        _tell_again(draft, of, silence)
    if not standing:
        announce(draft, silence, "ended")


def _tell_again(draft: Draft, of: str, silence: Silence) -> None:
    incident = draft.incidents.get(of)
    if incident is None or incident.paged is None:
        return
    if all(pipeline.suppressed(each, draft) is not None for each in draft.of(of) if each.state is State.FIRING):
        return
    incident = replace(incident, told=draft.now, version=incident.version + 1)
    paging.again(draft, incident, "silence", f"the silence of {silence.by} has ended", ())
    draft.note(of, incident.version, "silence_ended", f"{silence.by}: {silence.reason}; it still stands")


def _windows(draft: Draft) -> None:
    for window in draft.plan.maintenance:
        began = window.starts(draft.now)
        if began is None or began + window.duration <= draft.now:
            continue
        of = short_id(window.name, f"{began:.0f}")
        if any(each.id == of for each in draft.silences):
            continue
        silence = Silence(
            of, window.match, began, began + window.duration, window.name, window.reason, kind="maintenance"
        )
        draft.silence(silence)
        announce(draft, silence, "begun")
