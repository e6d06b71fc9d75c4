"""What an agent told of its decisions, orders, data, venue and model, in windows of bounded memory; untold is None."""

from __future__ import annotations

from collections import OrderedDict, deque
from decimal import Decimal, InvalidOperation

from monitor.sdk.numbers import finite
from monitor.sdk.trade import TIME_LIMIT

TEN_MINUTES, HOUR, DAY = 600.0, 3_600.0, 86_400.0
BUCKETS = 60
"""Parts of a window: what it holds is right to a sixtieth of its span."""
MOST_ORDERS = 1_000
"""Different orders that are told apart, and repeats of one that are counted."""
MOST_ENDPOINTS = 32
FEWEST_CALLS = 10
"""Calls below which a share of failures says nothing."""
LAST_CALLS = 20
"""Calls of a model that count: some are seldom asked, and one bad minute is no failing model."""
NAME_LIMIT = 64
LARGEST = 1e15
"""No honest amount is larger, and a sum of such stays finite."""


class Rolling:
    """A sum over the last `span` seconds; times are monotonic, in order."""

    def __init__(self, span: float) -> None:
        self._width = span / BUCKETS
        self._buckets: deque[list[float]] = deque(maxlen=BUCKETS + 1)
        self.ever = False
        """Whether anything was ever added."""

    def add(self, now: float, amount: float = 1.0) -> None:
        """Count an amount."""
        self.ever = True
        bucket = now // self._width
        if self._buckets and self._buckets[-1][0] == bucket:
            self._buckets[-1][1] += amount
        else:
            self._buckets.append([bucket, amount])

    def total(self, now: float) -> float:
        """What was counted in the last `span` seconds."""
        oldest = now // self._width - BUCKETS
        return sum(amount for bucket, amount in self._buckets if bucket > oldest)


class Repeats:
    """How often the most frequent of many things came in the last 10 min."""

    def __init__(self) -> None:
        self._times: OrderedDict[tuple[object, ...], deque[float]] = OrderedDict()

    def add(self, now: float, key: tuple[object, ...]) -> None:
        """Count one; of too many different ones the one that came least lately is forgotten."""
        self._times.setdefault(key, deque(maxlen=MOST_ORDERS)).append(now)
        self._times.move_to_end(key)
        if len(self._times) > MOST_ORDERS:
            self._times.popitem(last=False)

    def most(self, now: float) -> int:
        """The most of one kind; 0 when there was none."""
        since, most = now - TEN_MINUTES, 0
        for key, times in list(self._times.items()):
            while times and times[0] <= since:
                times.popleft()
            if not times:
                del self._times[key]
            most = max(most, len(times))
        return most


class Calls:
    """Calls of the last 10 min, and how many of them failed."""

    def __init__(self) -> None:
        self._all, self._failed = Rolling(TEN_MINUTES), Rolling(TEN_MINUTES)

    def add(self, now: float, *, ok: bool) -> None:
        """Count a call."""
        self._all.add(now)
        if not ok:
            self._failed.add(now)

    def failing(self, now: float) -> float | None:
        """Share of them that failed; None when there were too few to say."""
        many = self._all.total(now)
        return self._failed.total(now) / many if many >= FEWEST_CALLS else None


class Last:
    """The last calls, of the last hour at most, and how many of them failed."""

    def __init__(self) -> None:
        self._calls: deque[tuple[float, bool]] = deque(maxlen=LAST_CALLS)

    def add(self, now: float, *, ok: bool) -> None:
        """Count a call."""
        self._calls.append((now, ok))

    def failing(self, now: float) -> float | None:
        """Share of them that failed; None when there were too few to say."""
        recent = [ok for at, ok in self._calls if now - at < HOUR]
        return recent.count(False) / len(recent) if len(recent) >= FEWEST_CALLS else None


class Meter:
    """Everything that is told by one call each; `now` is monotonic, `wall` seconds since the epoch.

    An order and a call return how many of their figures were none: these change nothing.
    """

    def __init__(self) -> None:
        self._decided: float | None = None
        self._decisions, self._orders, self._rejects = Rolling(HOUR), Rolling(HOUR), Rolling(HOUR)
        self._repeats = Repeats()
        self._feed: float | None = None
        self._venue, self._model = Calls(), Last()
        self._latencies: dict[str, float] = {}
        self._rate_limit: float | None = None
        self._skew: float | None = None
        self._model_latency: float | None = None
        self._tokens, self._cost_1h, self._cost_24h = Rolling(HOUR), Rolling(HOUR), Rolling(DAY)

    def decision(self, now: float) -> None:
        """The strategy decided."""
        self._decided = now
        self._decisions.add(now)

    def order(self, now: float, asset: object, side: object, size: object, price: object) -> int:
        """An order was sent; one that is not known whole is counted, and is no repeat of any."""
        self._orders.add(now)
        key = (_word(asset), _word(side), _number(size), _number(price))
        wrong = key[:3].count(None) + (price is not None and key[3] is None)
        if not wrong:
            self._repeats.add(now, key)
        return wrong

    def reject(self, now: float) -> None:
        """The venue refused an order."""
        self._rejects.add(now)

    def feed(self, at: object, wall: float) -> bool:
        """Market data of a time came; returns whether that was a time. What is of the future is of now."""
        when = wall if at is None else _time(at)
        if when is None:
            return False
        self._feed = min(wall, when if self._feed is None else max(self._feed, when))
        return True

    def venue_call(
        self,
        now: float,
        endpoint: object,
        seconds: object,
        wall: float,
        rate_limit: object,
        server_time: object,
        *,
        ok: bool,
    ) -> int:
        """A call to the venue has ended."""
        self._venue.add(now, ok=ok)
        name, took = _word(endpoint), _amount(seconds)
        if name and took is not None and (name in self._latencies or len(self._latencies) < MOST_ENDPOINTS):
            self._latencies[name] = took
        share, clock = _amount(rate_limit), _time(server_time)
        self._rate_limit = self._rate_limit if share is None else share
        self._skew = self._skew if clock is None else round(clock - wall, 3)
        wrong = (name, took).count(None) + (rate_limit is not None and share is None)
        return wrong + (server_time is not None and clock is None)

    def model_call(self, now: float, seconds: object, tokens: object, cost: object, *, ok: bool) -> int:
        """A call to the model has ended."""
        self._model.add(now, ok=ok)
        took, used, paid = (_amount(each) for each in (seconds, tokens, cost))
        self._model_latency = self._model_latency if took is None else took
        self._tokens.add(now, used or 0.0)
        self._cost_1h.add(now, paid or 0.0)
        self._cost_24h.add(now, paid or 0.0)
        return (took, used, paid).count(None)

    def figures(self, now: float, wall: float) -> dict[str, object]:
        """What is known now, by the names of the snapshot."""
        return {
            "decision_age": None if self._decided is None else round(now - self._decided, 3),
            "decisions_1h": _count(self._decisions, now),
            "orders_1h": _count(self._orders, now),
            "rejects_1h": _count(self._rejects, now),
            "repeated_orders": self._repeats.most(now) if self._orders.ever else None,
            "feed_age": None if self._feed is None else round(max(0.0, wall - self._feed), 3),
            "latencies": dict(sorted(self._latencies.items())),
            "venue_errors": self._venue.failing(now),
            "rate_limit": self._rate_limit,
            "clock_skew": self._skew,
            "model_latency": self._model_latency,
            "model_errors": self._model.failing(now),
            "tokens_1h": _count(self._tokens, now),
            "cost_1h": _money(self._cost_1h, now),
            "cost_24h": _money(self._cost_24h, now),
        }


def _count(of: Rolling, now: float) -> int | None:
    return round(of.total(now)) if of.ever else None


def _money(of: Rolling, now: float) -> float | None:
    return round(of.total(now), 6) if of.ever else None


def _word(value: object) -> str | None:
    """What something is called; None where it has no printable name."""
    try:
        name = str(value)[:NAME_LIMIT]
    except Exception:  # noqa: BLE001 - the agent's own object, which must not end its order
        return None
    return name if name and name.isprintable() else None


def _number(value: object) -> float | None:
    """A figure, or text that is one, as exchanges want it."""
    if isinstance(value, str):
        try:
            value = Decimal(value)
        except InvalidOperation:
            return None
    return finite(value)


def _amount(value: object) -> float | None:
    number = finite(value)
    return number if number is not None and 0 <= number <= LARGEST else None


def _time(value: object) -> float | None:
    """Seconds since the epoch; milliseconds are none."""
    number = finite(value)
    return number if number is not None and 0 <= number < TIME_LIMIT else None
