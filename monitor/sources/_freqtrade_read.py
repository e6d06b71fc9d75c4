"""freqtrade's answers become figures, positions and trades; what they do not say is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from monitor.model import EXACT, Position, Sample, Side, Trade
from monitor.outside import line
from monitor.sources._snapshot import LARGEST, BadAnswerError
from monitor.sources._trades import LATEST, MOST_DIGITS, MOST_PLACES

HALTED = ("paused", "stopped")
"""States in which nothing is entered."""
MOST_POSITIONS = 200
HOUR, DAY = 3_600.0, 86_400.0
MEAN = Context(prec=12)
"""A mean price has so many digits; what is rounded off is seen in the fees, never in the net profit."""


@dataclass(frozen=True, slots=True)
class Looked:
    """The answers of one look, as JSON; None where freqtrade did not give one."""

    config: Mapping[str, Any]
    balance: Mapping[str, Any]
    open: Sequence[Any]
    health: Mapping[str, Any]
    machine: Mapping[str, Any] | None = None
    profit: Mapping[str, Any] | None = None


def read_sample(agent: str, seen: Looked, time: float, latency: float | None, profits: Profits) -> Sample:
    """One look at a bot. Errors: BadAnswerError (an answer is not freqtrade's)."""
    config, balance = seen.config, seen.balance
    state = config.get("state")
    if not isinstance(state, str):
        raise BadAnswerError("answered /show_config without a state: is it freqtrade's API?")
    # Until 2024 an ordered stop of entries left the state as it was, and set what may be open to 0.
    paused = state in HALTED or config.get("max_open_trades") == 0
    held = positions(seen.open)
    worth = _exposure(seen.open)
    equity = _number(balance.get("total" if balance.get("total_bot") is None else "total_bot"))
    started, worked = _number(seen.health.get("bot_startup_ts")), _number(seen.health.get("last_process_ts"))
    memory, cpu = _machine(seen.machine)
    won, drawdown = _judged(seen.profit)
    return Sample(
        agent,
        time,
        status="paused" if paused else "ok" if state == "running" else line(state, 32),
        paused=paused,
        paper=config["dry_run"] if isinstance(config.get("dry_run"), bool) else None,
        equity=equity,
        balance=_stake(balance, "balance"),
        available=_available(balance),
        open_positions=len(seen.open),
        positions=held,
        exposure=worth,
        leverage=worth / equity if _futures(config) and worth is not None and equity and equity > 0 else None,
        pnl_1h=profits.since(time - HOUR),
        pnl_24h=profits.since(time - DAY),
        pnl_7d=profits.since(time - 7 * DAY),
        win_rate=won,
        max_drawdown=drawdown,
        heartbeat_age=None if worked is None else max(0.0, time - worked),
        uptime=None if started is None else max(0.0, time - started),
        memory=memory,
        cpu=cpu,
        poll_latency=latency,
    )


class Profits:
    """The closed profits of the last 7 days that were read, and since when they are whole."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[float, float]] = {}
        self._whole: float | None = None
        """Everything closed since then is here; None before anything was read."""

    def add(self, trades: Iterable[Trade]) -> None:
        """Take trades in; one that is known already changes nothing."""
        self._of |= {each.id: (each.exit_time, float(each.net)) for each in trades}

    def whole(self, since: float) -> None:
        """Say that everything closed since a time is here."""
        self._whole = since if self._whole is None else min(self._whole, since)

    def since(self, time: float) -> float | None:
        """Net profit of what closed since a time; None where some of it may be missing."""
        if self._whole is None or self._whole > time:
            return None
        return round(sum(net for closed, net in self._of.values() if closed >= time), 8)

    def forget(self, before: float) -> None:
        """Leave out of mind what closed before a time."""
        self._of = {name: each for name, each in self._of.items() if each[0] >= before}


def positions(rows: Sequence[Any]) -> tuple[Position, ...] | None:
    """What is open, sorted by asset, side and id; None where a row makes no sense, or there are too many."""
    if len(rows) > MOST_POSITIONS:  # whole or not at all: half of it would look like positions that were closed
        return None
    found = []
    for row in rows:
        size = _number(row.get("amount")) if isinstance(row, dict) else None
        pair = row.get("pair") if isinstance(row, dict) else None
        if size is None or size < 0 or not isinstance(pair, str):
            return None
        if size == 0:  # its entry has not filled yet
            continue
        side = Side.SHORT if row.get("is_short") is True else Side.LONG
        # What exits of a part made is in the account already, and in no closed trade until the last one.
        entry, pnl = _number(row.get("open_rate")), _number(row.get("total_profit_abs", row.get("profit_abs")))
        found.append(Position(line(pair, 64), side, size, entry, pnl, str(row.get("trade_id", ""))[:20]))
    return tuple(sorted(found, key=lambda each: (each.asset, each.side, each.id)))


def read_trade(agent: str, row: Mapping[str, Any], *, paper: bool | None) -> Trade:
    """A closed trade out of a row whose numbers are still text. Errors: ValueError, one sentence.

    What stands between its gross, its funding and freqtrade's own profit (fees, interest) is its fees, so that what
    it made is exactly what freqtrade says.
    """
    number, opened, closed = (integer(row, name) for name in ("trade_id", "open_timestamp", "close_timestamp"))
    profit = _decimal(row, "close_profit_abs")
    received = _decimal(row, "funding_fees") if row.get("funding_fees") is not None else Decimal(0)
    funding = EXACT.minus(received)  # what freqtrade calls fees is a gain when it is positive
    side = Side.SHORT if row.get("is_short") is True else Side.LONG
    size, entry, leave = _in_parts(row, side) or tuple(
        _decimal(row, name) for name in ("amount", "open_rate", "close_rate")
    )
    if size <= 0:
        raise ValueError("amount of a trade is no size above 0")
    for name, time in (("open_timestamp", opened), ("close_timestamp", closed)):
        if time >= LATEST * 1000:
            raise ValueError(f"{name} of a trade is no time in ms")
    move = leave - entry if side is Side.LONG else entry - leave
    gross = EXACT.multiply(move, size)
    return Trade(
        agent=agent,
        id=f"{number}-{opened}",  # with a new database the ids begin again
        strategy=_name(row, "strategy"),
        asset=_name(row, "pair"),
        side=side,
        size=size,
        entry_price=entry,
        exit_price=leave,
        entry_time=round(opened / 1000, 6),
        exit_time=round(closed / 1000, 6),
        fees=EXACT.subtract(EXACT.subtract(gross, profit), funding),
        paper=paper is True,
        funding=funding,
        venue=line(str(row.get("exchange") or ""), 64),
        exit_reason=line(str(row.get("exit_reason") or ""), 64),
        tag=line(str(row.get("enter_tag") or ""), 64),
    )


def trade_id(row: Any) -> int:
    """The id of a trade, whose numbers may still be text. Errors: ValueError."""
    return integer(row, "trade_id")


def integer(row: Any, name: str) -> int:
    """A whole number of a trade, which may still be text. Errors: ValueError."""
    try:
        number = int(str(row.get(name)))
    except (ValueError, AttributeError):
        number = -1
    if not 0 <= number < LARGEST:
        raise ValueError(f"{name} of a trade is no whole number")
    return number


def _in_parts(row: Mapping[str, Any], side: Side) -> tuple[Decimal, Decimal, Decimal] | None:
    """Size and mean prices of a trade that was left in more than one part: its row tells of the last part only."""
    into = "buy" if side is Side.LONG else "sell"
    worth, amount, parts = {True: Decimal(0), False: Decimal(0)}, {True: Decimal(0), False: Decimal(0)}, 0
    orders = row.get("orders")
    for each in orders if isinstance(orders, list) else ():
        try:
            filled, price = _decimal(each, "filled"), _decimal(each, "safe_price")
        except (ValueError, AttributeError):  # nothing of it was filled
            continue
        entry = each.get("ft_order_side") == into
        parts += not entry and filled > 0
        amount[entry] += filled
        worth[entry] += filled * price
    if parts < 2 or not all(each > 0 for each in amount.values()):  # noqa: PLR2004 - more than one
        return None
    return amount[False], MEAN.divide(worth[True], amount[True]), MEAN.divide(worth[False], amount[False])


def _name(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not line(value):
        raise ValueError(f"{name} of a trade is no name")
    return line(value)


def _decimal(row: Mapping[str, Any], name: str) -> Decimal:
    try:
        number = Decimal(str(row.get(name)))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ValueError(f"{name} of a trade is no number")
    exponent = number.as_tuple().exponent
    if number.adjusted() >= MOST_DIGITS or not isinstance(exponent, int) or abs(exponent) > MOST_PLACES:
        raise ValueError(f"{name} of a trade is no number: larger or finer than any price")
    return number


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:  # NaN is not
        return None
    return float(value)


def _stake(balance: Mapping[str, Any], name: str) -> float | None:
    """A figure of the currency that is staked."""
    rows = balance.get("currencies")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("currency") == balance.get("stake"):
            return _number(row.get(name))
    return None


def _available(balance: Mapping[str, Any]) -> float | None:
    """What is free of the currency that is staked, as far as the bot may use it."""
    known = [each for each in (_stake(balance, "free"), _stake(balance, "bot_owned")) if each is not None]
    return min(known, default=None)


def _exposure(rows: Sequence[Any]) -> float | None:
    worth = 0.0
    for row in rows:
        amount = _number(row.get("amount")) if isinstance(row, dict) else None
        rate = _number(row.get("current_rate")) or _number(row.get("open_rate")) if isinstance(row, dict) else None
        if amount is None or (rate is None and amount):
            return None
        worth += amount * (rate or 0.0)
    return worth


def _futures(config: Mapping[str, Any]) -> bool:
    return config.get("trading_mode") in ("futures", "margin")


def _machine(said: Mapping[str, Any] | None) -> tuple[float | None, float | None]:
    if said is None:
        return None, None
    memory, cores = _number(said.get("ram_pct")), said.get("cpu_pct")
    known = [each for each in map(_number, cores if isinstance(cores, list) else ()) if each is not None]
    return None if memory is None else memory / 100, sum(known) / len(known) / 100 if known else None


def _judged(said: Mapping[str, Any] | None) -> tuple[float | None, float | None]:
    """Win rate and largest drawdown of the closed trades, as freqtrade reckons them; None without any."""
    if said is None or not _number(said.get("closed_trade_count")):
        return None, None
    return _number(said.get("winrate")), _number(said.get("max_drawdown"))
