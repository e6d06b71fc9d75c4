"""What the agent told of its money and its closed trades, and the figures that follow from it, in bounded memory."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice

from monitor.sdk.numbers import finite
from monitor.sdk.position import rows
from monitor.sdk.trade import ClosedTrade, figure, moment

DAY = 86_400.0
KEEP = 10_000
PAGE_LIMIT = 500
FLOWS = 100
"""Cash flows that are kept, the newest."""

_CURSOR = re.compile(r"([0-9a-f]{1,32}):([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Money:
    """The account at one time; None is unknown."""

    balance: float | None = None
    equity: float | None = None
    open_positions: int | None = None
    available: float | None = None
    exposure: float | None = None
    leverage: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some closed trades in the order they were told, and where to go on."""

    trades: tuple[ClosedTrade, ...]
    next: str
    more: bool


class Book:
    """The account as last told, its deepest drawdown, and the newest closed trades.

    `boot` marks this run of the agent in cursors: the sequence begins anew with every run.
    """

    def __init__(self, boot: str, keep: int = KEEP) -> None:
        self.money = Money()
        self.max_drawdown: float | None = None
        self.positions: list[Mapping[str, object]] | None = None
        self.flows: deque[Mapping[str, object]] = deque(maxlen=FLOWS)
        self._peak: float | None = None
        self._boot = boot
        self._keep = keep
        self._trades: deque[ClosedTrade] = deque()
        self._ids: set[str] = set()
        self._told = 0
        self._wins = 0
        self._forgotten = -math.inf

    def tell_money(self, balance: object, equity: object, open_positions: object, **more: object) -> int:
        """Replace the account; return how many of the figures were no figures (those become unknown).

        `more`: available, exposure, leverage.
        """
        figures = {"balance": balance, "equity": equity, **more}
        known = {name: finite(value) for name, value in figures.items()}
        self.money = Money(open_positions=_count(open_positions), **known)
        worth = self.money.balance if self.money.equity is None else self.money.equity
        if worth is not None:
            self._peak = worth if self._peak is None else max(self._peak, worth)
            fall = finite((self._peak - worth) / self._peak) if self._peak > 0 else None
            if fall is not None:
                self.max_drawdown = max(self.max_drawdown or 0.0, fall)
        wrong = sum(1 for name, value in figures.items() if value is not None and known[name] is None)
        return wrong + (open_positions is not None and self.money.open_positions is None)

    def tell_flow(self, at: object, amount: object, note: object) -> bool:
        """Keep a cash flow with the newest ones; return whether it was one."""
        try:
            when, money = moment("time", at), figure("amount", amount)
        except ValueError:
            return False
        self.flows.append({"time": when, "amount": f"{money:f}", "note": note if isinstance(note, str) else ""})
        return bool(money)

    def tell_positions(self, positions: object) -> int:
        """Replace what is open; return 1 when that made no sense (it becomes unknown, never half known)."""
        self.positions = rows(positions) if isinstance(positions, Iterable) else None
        if self.positions is not None:
            self.money = replace(self.money, open_positions=len(self.positions))
        return int(positions is not None and self.positions is None)

    def tell_trade(self, trade: ClosedTrade) -> None:
        """Keep a trade; one whose id is known already changes nothing."""
        if trade.id in self._ids:
            return
        if len(self._trades) == self._keep:
            oldest = self._trades.popleft()
            self._ids.discard(oldest.id)
            self._wins -= oldest.net > 0
            self._forgotten = max(self._forgotten, oldest.exit_time)
        self._trades.append(trade)
        self._ids.add(trade.id)
        self._told += 1
        self._wins += trade.net > 0

    @property
    def cursor(self) -> str:
        """Where the newest trade stands."""
        return f"{self._boot}:{self._told}"

    @property
    def win_rate(self) -> float | None:
        """Share of the kept trades with a net profit above 0."""
        return self._wins / len(self._trades) if self._trades else None

    def pnl(self, now: float, span: float) -> float | None:
        """Net profit of the trades closed in the last `span` seconds; None before the first, or where some are gone."""
        since = now - span
        if not self._trades or self._forgotten > since:
            return None
        return float(sum((trade.net for trade in self._trades if trade.exit_time > since), Decimal(0)))

    def page(self, since: str = "", limit: int = PAGE_LIMIT) -> Page:
        """Trades after a cursor, or closed at or after a time (epoch seconds or ISO 8601); "" is from the oldest.

        A cursor of another run of the agent begins at the oldest kept trade. Errors: ValueError, one sentence.
        """
        first = self._told - len(self._trades)
        found = _CURSOR.fullmatch(since)
        after = 0.0
        if found:
            start = max(int(found[2]), first) if found[1] == self._boot else first
        else:
            start = first
            after = _time(since) if since else 0.0
        numbered = enumerate(islice(self._trades, start - first, None), start + 1)
        wanted = [(number, trade) for number, trade in numbered if trade.exit_time >= after]
        taken = wanted[:limit]
        more = len(wanted) > limit
        end = taken[-1][0] if more else self._told
        return Page(tuple(trade for _, trade in taken), f"{self._boot}:{end}", more)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9 else None


def _time(text: str) -> float:
    wrong = ValueError("since must be a cursor that this agent gave, epoch seconds, or a time as in ISO 8601")
    try:
        seconds = float(text)
    except ValueError:
        # "+00:00" arrives as " 00:00" when the asker forgot to quote it.
        text = text.replace(" ", "+") if "T" in text else text
        try:
            moment = datetime.fromisoformat(text)
            seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            raise wrong from None
    if not math.isfinite(seconds):
        raise wrong
    return seconds
