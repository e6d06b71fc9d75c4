"""Before an agent trades again one sees what stopped it, how it is, what it holds, and how near its limits are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bot.chat import Message, Table
from bot.format import UNKNOWN, count, money, plain, share, span
from bot.views.alerts import headline
from bot.views.status import paused
from monitor.desk import AgentStatus
from monitor.model import Sample
from monitor.rule import Rule

Write = Callable[[float | None], str]
_ALERTS = 5
_OK, _NO = "ok", "NOT OK"


def prechecks(status: AgentStatus, rules: Mapping[str, Rule], currency: str, now: float) -> Message:
    """The question before a resume, with health, open positions, drawdown and loss now, and their limits."""
    pause = status.pause
    by = f" ({paused(pause, now)})" if pause else ""
    reason = f" The pause says: {plain(pause.reason, 120)}." if pause and pause.reason else ""
    trouble = f" It has {count(len(status.alerts), 'open alert')}." if status.alerts else ""
    rows = tuple(_rows(status, currency, now))
    bad = sum(row[1].startswith(_NO) for row in rows)
    named = [headline(each, rules.get(each.rule)) for each in status.alerts[:_ALERTS]]
    lines = [f"{bad} of {count(len(rows), 'check')} speak against it."] if bad else []
    lines += [f"Open: {'; '.join(named)}."] if named else []
    return Message(
        title=f"Resume {status.agent.id}{by}?{reason}{trouble}",
        text="\n".join(lines),
        tables=(Table(("Check", "Now"), rows),),
    )


def _rows(status: AgentStatus, currency: str, now: float) -> Iterator[tuple[str, str]]:
    seen = status.answered or Sample(status.agent.id, now)
    failing = [each for each in seen.checks if not each.ok]
    if status.sample is None or status.sample.error is not None:
        silent = status.pause is not None and status.pause.silent
        yield "Answers", "its process is ended: it is started by this" if silent else f"{_NO}: it does not answer"
    elif failing:
        yield "Health", f"{_NO}: {', '.join(plain(each.name, 40) for each in failing[:5])}"
    else:
        yield "Health", f"{_OK}, {count(len(seen.checks), 'check')}" if seen.checks else UNKNOWN
    held = UNKNOWN if seen.open_positions is None else str(seen.open_positions)
    worth = "" if seen.exposure is None else f", {money(seen.exposure, currency)}"
    yield "Open positions", f"{held}{worth}, as of {span(now - seen.time)} ago"
    limits = status.agent.limits
    yield "Drawdown", _judged(status.drawdown, limits.drawdown, share)
    loss = limits.hard_loss
    bound = None
    if loss is not None:
        worth_now = seen.equity
        bound = loss.amount if loss.amount is not None else (loss.share or 0.0) * worth_now if worth_now else None
    lost = None if status.loss is None else max(0.0, status.loss)
    yield "Lost in 24 h", _judged(lost, bound, lambda value: money(value, currency))
    if limits.min_balance is not None and seen.balance is not None:
        word = _OK if seen.balance >= limits.min_balance else _NO
        yield "Balance", f"{word}: {money(seen.balance, currency)}, minimum {money(limits.min_balance, currency)}"


def _judged(value: float | None, limit: float | None, write: Write) -> str:
    if value is None:
        return UNKNOWN
    if limit is None:
        return f"{write(value)}, no limit"
    return f"{_OK if value <= limit else _NO}: {write(value)}, limit {write(limit)}"
