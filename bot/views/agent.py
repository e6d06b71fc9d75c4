"""Everything known of one agent now, in four layers with its limits; what its source cannot know has no row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from bot.chat import Button, Field, Message, Table
from bot.format import UNKNOWN, clock, count, money, number, plain, share, span
from bot.line import button
from bot.views.alerts import acknowledged, headline, tone
from bot.views.closing import positions
from bot.views.status import mislabelled, paused, statistics, word, z
from monitor.desk import AgentStatus
from monitor.detectors.zscore import RECENT
from monitor.model import LIVE, PAPER, AmountOrShare, Position, Sample, Severity
from monitor.recent import WINDOW
from monitor.rule import Rule

Row = tuple[str, str, str]
_ENDPOINTS = 8
_POSITIONS = 10
_SHOWN = "shown, never paged"


def one(status: AgentStatus, rules: Mapping[str, Rule], currency: str, now: float) -> Message:
    """Everything known of one agent: machine, venue, strategy, money, and what is open."""
    agent, seen = status.agent, status.answered
    shown = seen or Sample(agent.id, now)
    state = word(status, now)
    said = paused(status.pause, now) if status.pause else ""
    pause = f" · {said}" if said and not state.startswith(said) else ""
    layers = (
        ("Machine", _machine(status, shown)),
        ("Venue", _venue(shown)),
        ("Strategy", _strategy(status, shown, currency)),
        ("Money", _money(status, shown, currency)),
    )
    tables = tuple(Table((name, "Now", "Limit"), tuple(rows)) for name, rows in layers)
    least = [Severity.WARN] if mislabelled(status) else []
    return Message(
        title=f"{plain(agent.id, 64)} · {state}{pause}",
        text="\n".join(_lines(status, now)),
        fields=tuple(
            Field(
                headline(alert, rules.get(alert.rule)),
                f"{plain(alert.reason, 300)} ({acknowledged(alert, now) if alert.acknowledged_by else alert.state})",
            )
            for alert in status.alerts
        ),
        tables=(*tables, _positions(shown.positions)) if shown.positions else tables,
        buttons=_buttons(status),
        footer=" · ".join(f"{plain(name, 40)}: {plain(value, 40)}" for name, value in agent.labels.items()),
        tone=tone(max((*least, *(alert.severity for alert in status.alerts)), default=None)),
    )


def _lines(status: AgentStatus, now: float) -> Iterable[str]:
    sample, seen, pause = status.sample, status.answered, status.pause
    if mislabelled(status):
        yield "It is labelled paper and says that it trades with money: it is treated as live."
    if pause is not None and pause.reason:
        yield f"The {pause.action} says: {plain(pause.reason, 200)}."
    if sample is not None and sample.error is not None:
        yield f"The last poll, {clock(sample.time, now)}: {plain(sample.error, 300)}"
    if seen is None:
        yield "It has not answered yet."
        return
    yield f"Figures of {clock(seen.time, now)}, {span(now - seen.time)} ago."
    failing = [check for check in seen.checks if not check.ok]
    if failing:
        named = "; ".join(f"{plain(each.name, 40)}: {plain(each.detail, 120) or 'not ok'}" for each in failing[:10])
        yield f"{len(failing)} of {count(len(seen.checks), 'check')} failing. {named}"
    elif seen.checks:
        yield f"All {count(len(seen.checks), 'check')} pass."
    yield statistics(status)


def _whole(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def _known(*rows: tuple[str, object, str, str]) -> Iterator[Row]:
    """Rows (name, figure, written, limit) of what is known."""
    yield from ((name, written, limit) for name, value, written, limit in rows if value is not None)


def _machine(status: AgentStatus, seen: Sample) -> Iterator[Row]:
    yield "Uptime", span(seen.uptime), ""
    yield from _known(("Restarts 1h", status.restarts_1h, _whole(status.restarts_1h), ""))
    yield "Memory", share(seen.memory), "90%"
    yield "CPU", share(seen.cpu), ""
    yield from _known(("Event loop lag", seen.loop_lag, span(seen.loop_lag), ""))
    yield "Errors 1h", _whole(seen.errors_1h), ""
    yield "Answers in", span(seen.poll_latency), ""
    yield "Polls missed in a row", _whole(status.missed), _whole(status.agent.limits.missed_polls)
    yield "Polls skipped", _whole(status.skipped), ""


def _venue(seen: Sample) -> Iterator[Row]:
    check = next((each for each in seen.checks if each.name == "venue"), None)
    yield "Latency", span(seen.venue_latency), ""
    for endpoint, seconds in seen.latencies[:_ENDPOINTS]:
        yield f"Latency of {plain(endpoint, 40)}", span(seconds), ""
    if len(seen.latencies) > _ENDPOINTS:
        yield f"and {len(seen.latencies) - _ENDPOINTS} more", "", ""
    yield "Check", UNKNOWN if check is None else "ok" if check.ok else "failing", ""
    skew = UNKNOWN if seen.clock_skew is None else f"{seen.clock_skew:+.3f} s"
    yield from _known(
        ("Calls failing, 10 min", seen.venue_errors, share(seen.venue_errors), ""),
        ("Rate limit in use", seen.rate_limit, share(seen.rate_limit), ""),
        ("Its clock ahead by", seen.clock_skew, skew, ""),
    )


def _strategy(status: AgentStatus, seen: Sample, currency: str) -> Iterator[Row]:
    score, limits = status.score, status.agent.limits
    acted = UNKNOWN if seen.heartbeat_age is None else f"{span(seen.heartbeat_age)} ago"
    yield "Last acted", acted, span(limits.heartbeat)
    cost_limit = "" if limits.model_cost is None else money(limits.model_cost, currency)
    most = "" if limits.repeated_orders is None else _whole(limits.repeated_orders)
    failing = "" if limits.model_errors is None else share(limits.model_errors)
    yield from _known(
        ("Last decided", seen.decision_age, f"{span(seen.decision_age)} ago", _span(limits.decision)),
        ("Decisions 1h", seen.decisions_1h, _whole(seen.decisions_1h), ""),
        ("Orders 1h", seen.orders_1h, _whole(seen.orders_1h), ""),
        ("Rejected 1h", seen.rejects_1h, _whole(seen.rejects_1h), ""),
        ("Same order, 10 min", seen.repeated_orders, _whole(seen.repeated_orders), most),
        ("Market data age", seen.feed_age, span(seen.feed_age), _span(limits.feed)),
        ("Model answers in", seen.model_latency, span(seen.model_latency), ""),
        ("Model failing, last calls", seen.model_errors, share(seen.model_errors), failing),
        ("Model tokens 1h", seen.tokens_1h, _whole(seen.tokens_1h), ""),
        ("Model cost 1h", seen.cost_1h, money(seen.cost_1h, currency), cost_limit),
        ("Model cost 24h", seen.cost_24h, money(seen.cost_24h, currency), ""),
    )
    yield "Open positions", _whole(seen.open_positions), ""
    yield "Win rate, as it says", share(seen.win_rate), ""
    yield "Sharpe, as it says", number(seen.sharpe), ""
    if status.live is not None:
        yield "Sharpe 24 h", number(status.live.sharpe), ""
        yield "Max drawdown 24 h", share(status.live.max_drawdown), ""
    yield "z of the last return", z(score), ""
    yield f"Volatility a sample, last {WINDOW}", share(score.volatility if score else None, 3), _SHOWN
    yield f"Volatility change, last {RECENT} samples", share(score.regime if score else None, 0), _SHOWN


def _money(status: AgentStatus, seen: Sample, currency: str) -> Iterator[Row]:
    limits = status.agent.limits
    floor = "" if limits.min_balance is None else money(limits.min_balance, currency)
    leverage = "" if limits.leverage is None else number(limits.leverage)
    mode = seen.paper is not None or status.agent.labels.get("mode") in (PAPER, LIVE) or None
    yield from _known(("Mode", mode, PAPER if status.paper else LIVE, ""))
    yield "Equity", money(seen.equity, currency), ""
    yield "Balance", money(seen.balance, currency), floor
    yield from _known(
        ("Available", seen.available, money(seen.available, currency), ""),
        ("Exposure", seen.exposure, money(seen.exposure, currency), _bound(limits.exposure, currency)),
        ("Leverage", seen.leverage, number(seen.leverage), leverage),
        ("P&L 1h, as it says", seen.pnl_1h, money(seen.pnl_1h, currency, signed=True), ""),
    )
    yield "P&L 24h, as it says", money(seen.pnl_24h, currency, signed=True), ""
    yield from _known(("P&L 7d, as it says", seen.pnl_7d, money(seen.pnl_7d, currency, signed=True), ""))
    lost = f"Lost in {number(limits.loss_window / 3600, 0)} h"
    yield lost, money(status.loss, currency), _bound(limits.hard_loss, currency)
    yield "Drawdown", share(status.drawdown), "" if limits.drawdown is None else share(limits.drawdown)
    yield "Max drawdown, as it says", share(seen.max_drawdown), ""


def _positions(found: tuple[Position, ...]) -> Table:
    table, more = positions(found[:_POSITIONS]), len(found) - _POSITIONS
    return table if more <= 0 else replace(table, rows=(*table.rows, (f"and {more} more", "", "", "")))


def _span(limit: float | None) -> str:
    return "" if limit is None else span(limit)


def _bound(of: AmountOrShare | None, currency: str) -> str:
    if of is None:
        return ""
    return money(of.amount, currency) if of.amount is not None else share(of.share)


def _buttons(status: AgentStatus) -> tuple[Button, ...]:
    name = status.agent.id
    alert = status.alerts[0] if status.alerts else None
    runbook = button("Runbook", "runbook", alert.id) if alert else ()
    order = button("Resume", "resume", name) if status.pause else button("Pause", "pause", name)
    return (*runbook, *order, *button("Performance", "performance", name))
