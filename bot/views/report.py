"""A digest is one message: what was made and lost, what came near its limit, what paged whom and for what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from bot.chat import Button, Field, Message, Table, Tone
from bot.format import UNKNOWN, count, number, plain, share, span
from bot.line import button
from bot.views.alerts import BADGES, few
from monitor.digest import Depth, Digest, Gain, Place, Profit, Standing
from monitor.model import Trade
from monitor.noise import Budget, Noise, Spans
from monitor.rule import Rule

_PLACES, _DEPTHS, _GAINS, _RULES, _OPEN, _DAYS = 5, 5, 5, 7, 4, 3
"""Rows of each part that are told one by one: as many as go into one message of every chat."""
_NAME = 14
"""Characters of a name in a table that a phone shows in columns."""


def report(found: Digest, what: str, rules: Mapping[str, Rule], currency: str, zone: dt.tzinfo) -> Message:
    """Every part of a digest that has anything to say; `what`: of when and of whom, in words."""
    pages = sum(each.pages for each in found.rules)
    net = f"{number(found.live.total.net, signed=True)} {currency} net" if found.live.total.trades else "no trades"
    return Message(
        title=f"{what}: {net}, {count(pages, 'page')}",
        text="\n".join((f"{_when(found.since, zone)} to {_when(found.until, zone)}.", *_words(found, zone))),
        fields=(
            *_extremes(found.live, ""),
            *_extremes(found.paper, ", paper"),
            *((_taken("Acknowledged", found.acknowledge), _taken("Recovered", found.recover)) if pages else ()),
            *_statistical(found.statistical, found.until - found.since),
            *_open(found.standing, found.hidden, rules),
        ),
        tables=tuple(_tables(found, rules)),
        buttons=(*button("P&L by strategy", "pnl", "by", "strategy"), *button("Open alerts", "alerts")),
        footer="Net of fees, slippage and funding. Noise: share of the pages that nobody needed.",
        tone=Tone.WARN if found.near or found.standing else Tone.PLAIN,
    )


def _when(time: float, zone: dt.tzinfo) -> str:
    return dt.datetime.fromtimestamp(time, zone).strftime("%Y-%m-%d %H:%M %Z")


def _words(found: Digest, zone: dt.tzinfo) -> Iterator[str]:
    if found.left_out:
        many, times = len(found.left_out), [_when(each, zone) for each in found.left_out[:_DAYS]]
        yield f"{count(many, 'digest')} before this never sent: {few(times, _DAYS, many)}."
    if found.near:
        yield f"{count(len(found.near), 'drawdown')} at 60% of the limit or beyond."
    more = [
        f"{len(rows) - most} {name}"
        for name, rows, most in (
            ("strategies", found.live.strategies, _PLACES),
            ("paper strategies", found.paper.strategies, _PLACES),
            ("agents", _gains(found, paper=False), _GAINS),
            ("paper agents", _gains(found, paper=True), _GAINS),
            ("rules", found.rules, _RULES),
        )
        if len(rows) > most
    ]
    if more:
        yield f"Not shown one by one: {', '.join(more)}."


def _tables(found: Digest, rules: Mapping[str, Rule]) -> Iterator[Table]:
    for head, made in (("Strategy", found.live), ("Paper strategy", found.paper)):
        if made.total.trades:
            rows = tuple(_place(each) for each in (*made.strategies[:_PLACES], made.total))
            yield Table((head, "Net", "Trades", "Won"), rows)
    deep = found.near[:_DEPTHS] or found.depths[:1]
    if any(each.worst is not None or each.last is not None for each in deep):
        yield Table(("Drawdown", "Now", "Worst", "Limit"), tuple(_depth(each) for each in deep))
    for head, paper in (("Equity", False), ("Paper equity", True)):
        gains = _gains(found, paper=paper)
        if gains:
            yield Table((head, "Now", "Change"), tuple(_gain(each) for each in gains[:_GAINS]))
    if found.rules:
        heads = ("Alerts by rule", "fired", "pages", "acknowledged", "flapping", "noise")
        yield Table(heads, tuple(_rule(each, rules) for each in found.rules[:_RULES]))


def _gains(found: Digest, *, paper: bool) -> Sequence[Gain]:
    """Agents whose equity is known, those first whose equity changed most."""
    known = [each for each in found.gains if each.paper is paper and each.equity is not None]
    return sorted(known, key=lambda each: abs(each.change or Decimal(0)), reverse=True)


def _place(of: Place) -> tuple[str, ...]:
    return plain(of.key, _NAME) or "(none)", number(of.net, signed=True), f"{of.trades:,}", share(of.win_rate, 0)


def _depth(of: Depth) -> tuple[str, ...]:
    return _named(of), share(of.last), share(of.worst), UNKNOWN if of.limit is None else share(of.limit)


def _named(of: Depth) -> str:
    return f"{plain(of.agent, _NAME)}{' (paper)' if of.paper else ''}"


def _gain(of: Gain) -> tuple[str, ...]:
    return plain(of.agent, _NAME), number(of.equity), number(of.change, signed=True)


def _rule(of: Noise, rules: Mapping[str, Rule]) -> tuple[str, ...]:
    title = plain(rules[of.rule].title if of.rule in rules else of.rule, 60)
    said = [f"{many:,} {word}" for many, word in ((of.real, "real"), (of.false, "false")) if many]
    noise = ", ".join((share(of.score, 0), *said))
    return title, f"{of.fired:,}", f"{of.pages:,}", f"{of.acknowledged:,}", f"{of.flapping:,}", noise


def _extremes(of: Profit, mark: str) -> Iterator[Field]:
    """The best and the worst strategy, asset and trade, where there is more than one of them."""
    if of.best is None or of.worst is None or of.best == of.worst:
        return
    for label, at, trade in ((f"Best{mark}", 0, of.best), (f"Worst{mark}", -1, of.worst)):
        parts = [
            f"{what} {plain(places[at].key, 20) or '(none)'} {number(places[at].net, signed=True)}"
            for what, places in (("strategy", of.strategies), ("asset", of.assets))
            if len(places) > 1
        ]
        yield Field(label, ", ".join((*parts, _trade(trade))))


def _trade(of: Trade) -> str:
    return f"trade {plain(of.id, 20)} of {plain(of.agent, 20)} ({plain(of.asset, 20)}) {number(of.net, signed=True)}"


def _taken(label: str, of: Spans) -> Field:
    """How long it took, against the guide's 5 minutes."""
    if of.median is None or of.p90 is None:
        return Field(label, f"{UNKNOWN} (0 of {count(of.of, 'page')})")
    return Field(
        label,
        f"median {span(of.median)}, p90 {span(of.p90)}: {of.n:,} of {count(of.of, 'page')}, {of.within:,} within 5 m",
    )


def _statistical(of: Budget, lasted: float) -> Iterator[Field]:
    """Pages that count on the budget of false ones, and how people answered them; `lasted`: seconds."""
    if of.pages or of.allowed is not None:
        budget = "no budget" if of.allowed is None else f"budget {_allowed(of.allowed)}"
        said = [f"{of.real:,} real"] if of.real else []
        said += [count(of.false, "false alarm")] if of.false else []
        answers = ", ".join(said) or "none"
        yield Field("Statistical pages", f"{of.pages:,} in {span(lasted)}, {budget}, answered: {answers}")


def _allowed(pages: float) -> str:
    """Three figures of a number of pages that is seldom whole."""
    return f"{pages:,.0f}" if pages >= 100 else f"{pages:.3g}"  # noqa: PLR2004 -- from there on whole ones will do


def _open(found: Sequence[Standing], hidden: int, rules: Mapping[str, Rule]) -> Iterator[Field]:
    lines = [_stands(each, rules) for each in found[:_OPEN]]
    lines += [f"and {len(found) - _OPEN} more"] if len(found) > _OPEN else []
    lines += [f"{count(hidden, 'alert')} hidden"] if hidden else []
    if lines:
        yield Field("Open at the end", "\n".join(lines))


def _stands(of: Standing, rules: Mapping[str, Rule]) -> str:
    incident = of.incident
    title = plain(rules[incident.rule].title if incident.rule in rules else incident.rule, 60)
    whose = few([plain(each, 20) for each in of.agents[:3]], 3, len(of.agents)) or UNKNOWN
    held = f", {plain(incident.acknowledged_by, 20)} has it" if incident.acknowledged_by else ", nobody has it"
    return f"{BADGES[incident.severity]} · {whose} · {title}{held} ({incident.id})"


def packed(message: Message) -> Mapping[str, object]:
    """A message as the outbox keeps it, so that it says later what was reckoned now."""
    return {
        "title": message.title,
        "text": message.text,
        "fields": [[each.label, each.value] for each in message.fields],
        "tables": [[list(each.columns), *map(list, each.rows)] for each in message.tables],
        "buttons": [[each.label, each.line] for each in message.buttons],
        "footer": message.footer,
        "tone": message.tone.value,
    }


def unpacked(body: Mapping[str, object]) -> Message:
    """The message out of the outbox."""
    tables = [[tuple(map(str, row)) for row in _lists(each)] for each in _lists(body.get("tables"))]
    return Message(
        title=str(body.get("title", "")),
        text=str(body.get("text", "")),
        fields=tuple(Field(str(label), str(value)) for label, value in _lists(body.get("fields"))),
        tables=tuple(Table(each[0], tuple(each[1:])) for each in tables if each),
        buttons=tuple(Button(str(label), str(line)) for label, line in _lists(body.get("buttons"))),
        footer=str(body.get("footer", "")),
        tone=Tone(str(body.get("tone", Tone.PLAIN.value))),
    )


def _lists(value: object) -> list[list[object]]:
    return [each for each in value if isinstance(each, list)] if isinstance(value, list) else []
