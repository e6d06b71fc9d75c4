"""A silence says what it hides, by whom and why, and until when; its beginning and its end are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bot.chat import Field, Message, Tone
from bot.format import clock, count, plain, span
from bot.line import button
from bot.views.alerts import few, headline
from monitor.alerts.alert import Alert
from monitor.alerts.plan import DEPLOYS
from monitor.alerts.silence import Silence
from monitor.rule import Rule

Covered = Callable[[Silence], Sequence[Alert]]
"""The open alerts that a silence fits."""
_SHOWN = 20
_VALUES = 5
"""Values of one matcher, and alerts, that are named."""


def about(silence: Silence, alerts: Sequence[Alert], rules: Mapping[str, Rule]) -> str:
    """What a silence hides: "rule drawdown, venue binance or kraken"; `alerts`: those that it covers."""
    if silence.kind == "deploy":
        return f"what a deploy of {_agent(silence)} causes"
    known = {alert.fingerprint: headline(alert, rules.get(alert.rule)) for alert in alerts}
    return ", ".join(
        " or ".join(known.get(each, "an alert that is over") for each in value.split("|"))
        if name == "alert"
        else f"{plain(name, 40)} {_values(value)}"
        for name, value in silence.matchers
    )


def _agent(silence: Silence) -> str:
    return _values(dict(silence.matchers).get("agent", ""))


def _values(text: str) -> str:
    values = [plain(each, 64) for each in text.split("|")]
    return few(values, _VALUES) if len(values) > _VALUES else " or ".join(values)


def _author(silence: Silence) -> str:
    """Whose it is: "the silence of ana", "the deploy of ana", "the maintenance weekly"."""
    by = plain(silence.by, 40)
    return f"the maintenance {by}" if silence.kind == "maintenance" else f"the {plain(silence.kind, 20)} of {by}"


def in_force(silences: Sequence[Silence], now: float) -> str:
    """A line about what is silenced now; empty when nothing is."""
    if not silences:
        return ""
    first = silences[0]
    return (
        f"{count(len(silences), 'silence')} in force; the first ends {clock(first.ends, now)} "
        f"({plain(first.by, 40)}: {plain(first.reason, 80)})."
    )


def silenced(silence: Silence, alerts: Sequence[Alert], rules: Mapping[str, Rule], now: float) -> Message:
    """Confirm a silence to who made it: what is held back, until when, and that it is still watched."""
    until, lasts = clock(silence.ends, now), span(silence.ends - now)
    title = f"Silenced until {until}: {about(silence, alerts, rules)}"
    text = f"No pages about it for {lasts}. It is still watched, and /alerts all still shows it."
    if silence.kind == "deploy":
        named = few([rules[each].title.lower() for each in DEPLOYS if each in rules], len(DEPLOYS))
        title = f"Deploy of {_agent(silence)} announced until {until}"
        text = f"For {lasts} these are not paged: {named}. Everything else is, and what still stands then is."
    return Message(
        title=title,
        text=text,
        fields=(
            Field("Covers", _covers(alerts, rules)),
            Field("By", plain(silence.by, 40)),
            *((Field("Reason", plain(silence.reason, 200)),) if silence.reason else ()),
        ),
        buttons=button("End it now", "unsilence", silence.id),
        footer=f"silence {silence.id}",
    )


def _covers(alerts: Sequence[Alert], rules: Mapping[str, Rule]) -> str:
    if not alerts:
        return "no alert that is open now"
    named = few([headline(each, rules.get(each.rule)) for each in alerts[:3]], 3, len(alerts))
    return f"{count(len(alerts), 'open alert')}: {named}"


def silences(found: Sequence[Silence], covered: Covered, rules: Mapping[str, Rule], now: float) -> Message:
    """What is silenced now, the one that ends first first."""
    shown = found[:_SHOWN]
    return Message(
        title=f"{count(len(found), 'silence')} in force" if found else "Nothing is silenced",
        text=f"The first {_SHOWN} are shown." if len(found) > _SHOWN else "",
        fields=tuple(_entry(each, covered(each), rules, now) for each in shown),
        buttons=tuple(made for each in shown for made in button(f"End {each.id} now", "unsilence", each.id)),
        tone=Tone.WARN if found else Tone.GOOD,
    )


def _entry(silence: Silence, alerts: Sequence[Alert], rules: Mapping[str, Rule], now: float) -> Field:
    left = span(silence.ends - now)
    why = f": {plain(silence.reason, 120)}" if silence.reason else ""
    return Field(
        f"{about(silence, alerts, rules)} · until {clock(silence.ends, now)} ({left})",
        f"{_author(silence)}{why}\n{silence.id}, covers {_covers(alerts, rules)}",
    )


def ended(silence: Silence, alerts: Sequence[Alert], rules: Mapping[str, Rule]) -> Message:
    """Say that a silence is over before its time, and what comes of it."""
    still = f"{count(len(alerts), 'alert')} of it still open: told again unless somebody has it in hand."
    return Message(
        f"Ended: {about(silence, alerts, rules)}",
        still if alerts else "Nothing that it covered stands.",
        tone=Tone.WARN if alerts else Tone.GOOD,
    )


def announced(what: str, silence: Silence, alerts: Sequence[Alert], rules: Mapping[str, Rule], now: float) -> Message:
    """Tell everybody that a silence has begun, will end (`ending`) or has ended."""
    of, whose, covers = about(silence, alerts, rules), _author(silence), _covers(alerts, rules)
    title, text = _begun(silence, of, now), f"Covers {covers}."
    if what == "ending":
        title = f"In {span(silence.ends - now)} {whose} ends: {of}"
        text = f"Covers {covers}. What still stands then is told again."
    elif what == "ended":
        title = f"{whose[:1].upper()}{whose[1:]} has ended: {of}"
        text = f"Still open: {covers}." if alerts else "Nothing that it covered stands."
    return Message(
        title=title,
        text=text,
        fields=(Field("Reason", plain(silence.reason, 200)),) if silence.reason else (),
        buttons=() if what == "ended" else button("End it now", "unsilence", silence.id),
        footer=f"silence {silence.id}",
        tone=Tone.PLAIN if what == "ended" else Tone.WARN,
    )


def _begun(silence: Silence, of: str, now: float) -> str:
    by, until = plain(silence.by, 40), clock(silence.ends, now)
    if silence.kind == "deploy":
        return f"{by} announced a deploy of {_agent(silence)} until {until}"
    if silence.kind == "maintenance":
        return f"Maintenance {by} until {until}: {of} is silenced"
    return f"{by} silenced {of} until {until}"
