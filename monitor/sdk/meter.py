"""What an agent told of its decisions, orders, data, venue and model, in windows of bounded memory; untold is None."""

from __future__ import annotations

from collections import OrderedDict, deque

from monitor.sdk.numbers import finite

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
    """Everything that is told by one call each; `now` is monotonic, `wall` seconds since the epoch."""

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

    def order(self, now: float, asset: object, side: object, size: object, price: object) -> None:
        """An order was sent."""
        self._orders.add(now)
        self._repeats.add(now, tuple(str(each)[:NAME_LIMIT] for each in (asset, side, size, price)))

    def reject(self, now: float) -> None:
        """The venue refused an order."""
        self._rejects.add(now)

    def feed(self, at: object, wall: float) -> bool:
        """Market data of a time came; returns whether that was a time."""
        when = wall if at is None else finite(at)
        if when is None:
            return False
        self._feed = when if self._feed is None else max(self._feed, when)
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
    ) -> None:
        """A call to the venue has ended."""
        took, name = finite(seconds), str(endpoint)[:NAME_LIMIT]
        if took is not None and took >= 0 and (name in self._latencies or len(self._latencies) < MOST_ENDPOINTS):
            self._latencies[name] = took
        self._venue.add(now, ok=ok)
        share, clock = finite(rate_limit), finite(server_time)
        self._rate_limit = self._rate_limit if share is None else share
        self._skew = self._skew if clock is None else round(clock - wall, 3)

    def model_call(self, now: float, seconds: object, tokens: object, cost: object, *, ok: bool) -> None:
        """A call to the model has ended."""
        took = finite(seconds)
        self._model_latency = self._model_latency if took is None else took
        self._model.add(now, ok=ok)
        self._tokens.add(now, max(0.0, finite(tokens) or 0.0))
        money = max(0.0, finite(cost) or 0.0)
        self._cost_1h.add(now, money)
        self._cost_24h.add(now, money)

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
