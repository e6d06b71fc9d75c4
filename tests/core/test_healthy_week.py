"""A healthy agent for a week, with quiet nights, a slow weekend, a venue that is away, restarts, pages of nothing."""

from __future__ import annotations

import functools
import itertools
import random
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from monitor import rule
from monitor.alerts.alert import Kind
from monitor.alerts.plan import Plan
from monitor.model import Agent, AmountOrShare, Check, Finding, Limits, Position, Sample, Side
from monitor.ports import Observation
from monitor.rule import Labels, Rule
from monitor.sdk.meter import Meter
from monitor.situation import Setup, Situation
from monitor.turn import Turn

WALL = 1_790_035_200.0
"""A Monday, 00:00 UTC."""
STEP, DAY = 30.0, 86_400.0
AWAY = 13 * 3_600.0
"""When on the third day the venue goes away, in seconds of the day."""
ALIVE = ("no_decisions", "repeated_orders", "stale_feed", "over_exposed", "model_trouble", "stale")
UNTOLD = (
    *("decision_age", "decisions_1h", "orders_1h", "rejects_1h", "repeated_orders", "feed_age", "leverage"),
    *("model_latency", "model_errors", "tokens_1h", "cost_1h", "cost_24h", "venue_errors", "rate_limit", "clock_skew"),
)
"""What a freqtrade on a spot market does not say."""
LIMITS = Limits(exposure=AmountOrShare(share=1.5), leverage=3.0)


@dataclass
class Market:
    """A price that walks, fast by day and slowly at night and at weekends."""

    dice: random.Random
    price: float = 60_000.0

    def move(self, calm: float) -> None:
        self.price *= 1.0 + self.dice.gauss(0.0, 0.0006 * calm)


@dataclass
class Healthy:
    """An agent that does its work: it looks every few seconds, decides each minute, trades now and then."""

    dice: random.Random
    meter: Meter = field(default_factory=Meter)
    cash: float = 10_000.0
    size: float = 0.0
    entry: float = 0.0
    began: float = 0.0

    def work(self, now: float, market: Market, calm: float, *, venue: bool) -> None:
        """Half a minute of it."""
        wall = WALL + now
        self.meter.decision(now)
        for _ in range(6):
            if venue:
                self.meter.feed(wall - self.dice.uniform(0.0, 5.0), wall)
            took = self.dice.lognormvariate(-2.5, 0.4)
            fine = venue and self.dice.random() > 0.01
            self.meter.venue_call(now, "ticker", took, wall, self.dice.uniform(0.1, 0.4), wall + 0.2, ok=fine)
        if self.dice.random() < 0.5:  # its model is asked now and then, and fails now and then
            cost = self.dice.lognormvariate(-4.0, 0.5) * (1.0 + calm)
            self.meter.model_call(now, self.dice.uniform(1.0, 6.0), 800, cost, ok=self.dice.random() > 0.04)
        if venue and self.dice.random() < 0.02 * calm:
            self.trade(now, market)

    def trade(self, now: float, market: Market) -> None:
        """Open a position or close it; a refused order is sent again a few times."""
        price = round(market.price, 1)
        for _ in range(self.dice.choice((1, 1, 1, 3))):
            self.meter.order(now, "BTC", "sell" if self.size else "buy", 0.1, price)
        if self.dice.random() < 0.1:
            self.meter.reject(now)
        if self.size:
            self.cash += self.size * (price - self.entry)
            self.size = 0.0
        else:
            self.size, self.entry = 0.1, price

    def restart(self, now: float) -> None:
        """Begin anew: the account stays, what was told is gone."""
        self.meter, self.began = Meter(), now

    def sample(self, now: float, market: Market, *, venue: bool) -> Sample:
        figures = self.meter.figures(now, WALL + now)
        latencies = figures.pop("latencies")
        assert isinstance(latencies, dict)
        held = (Position("BTC", Side.LONG, self.size, self.entry),) if self.size else ()
        return Sample(
            "alpha",
            WALL + now,
            status="ok" if venue else "degraded",
            paused=False,
            equity=round(self.cash + self.size * (market.price - self.entry), 2),
            balance=round(self.cash, 2),
            open_positions=len(held),
            positions=held,
            exposure=self.size * market.price,
            leverage=round(self.size * market.price / self.cash, 2),
            heartbeat_age=self.dice.uniform(0.1, 2.0),
            uptime=now - self.began,
            checks=(Check("venue", venue),),
            latencies=tuple(latencies.items()),
            **figures,  # type: ignore[arg-type] # by their names
        )


def week(seed: int, away: float = 180.0) -> Iterator[Sample]:
    """A sample each half minute for seven days; the venue is away for so many seconds of the third."""
    dice = random.Random(seed)  # noqa: S311 - a simulation
    market, agent = Market(dice), Healthy(dice)
    for number in range(round(7 * DAY / STEP)):
        now = number * STEP
        hour, day = (now % DAY) / 3_600, int(now // DAY)
        calm = 0.15 if day >= 5 else 0.3 if hour < 6 else 1.0
        venue = not (day == 2 and AWAY <= now % DAY < AWAY + away)
        if hour == 4.0:
            agent.restart(now)
        market.move(calm)
        agent.work(now, market, calm, venue=venue)
        yield agent.sample(now, market, venue=venue)


class Watch:
    """A desk's turns over the samples, without a store."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.judged: Counter[str] = Counter()
        self.pages: list[str] = []
        self.fired: list[str] = []
        """Rules of the alerts that fired, paged or hidden."""
        agents = {"alpha": Agent("alpha", limits=limits)}
        self._setup = Setup(
            agents, {key: self._counting(each) for key, each in rule.discover().items()}, Plan(("memory",))
        )
        self._situation = Situation()

    def _counting(self, of: Rule) -> Rule:
        def evaluate(view: Any, open_: Collection[Labels]) -> list[Finding]:
            found = list(of.evaluate(view, open_))
            self.judged[of.key] += len(found)
            return found

        return replace(of, evaluate=evaluate)

    def see(self, sample: Sample) -> None:
        turn = Turn(self._situation, self._setup, sample.time)
        turn.observe(Observation(sample))
        turn.board.tick()
        self._situation, change = turn.finish()
        rules = {each.id: each.rule for each in change.alerts}
        self.fired += [rules[each.alert] for each in change.events if each.kind == "fired"]
        paged = {each.alert for each in change.notifications if each.kind is Kind.PAGE}
        self.pages += [each.rule for each in change.incidents if each.id in paged]


def alive(watch: Watch) -> dict[str, int]:
    return {key: watch.judged[key] for key in ALIVE}


@functools.cache
def a_morning(seed: int) -> tuple[Sample, ...]:
    """The beginning of a week, of 1,500 samples."""
    return tuple(itertools.islice(week(seed), 1_500))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_only_page_of_a_healthy_week_is_the_venue_that_was_away(seed: int) -> None:
    watch = Watch()
    for sample in week(seed):
        watch.see(sample)
    assert watch.pages == ["health_degraded"]
    assert watch.fired == ["health_degraded", "stale_feed"]
    assert min(alive(watch).values()) > 10_000, alive(watch)


@pytest.mark.slow
def test_a_venue_that_is_away_for_less_than_the_feed_s_limit_opens_none_of_the_six() -> None:
    watch = Watch()
    for sample in week(7, away=90.0):
        watch.see(sample)
    assert watch.fired == ["health_degraded"]


@pytest.mark.slow
def test_a_bot_that_tells_of_money_and_positions_alone_is_judged_by_these_and_pages_of_nothing() -> None:
    watch = Watch()
    untold: dict[str, Any] = dict.fromkeys(UNTOLD)
    for sample in week(8):
        watch.see(replace(sample, status="ok", checks=(), latencies=(), **untold))
    assert watch.fired == []
    judged = {key for key, many in alive(watch).items() if many}
    assert judged == {"over_exposed", "stale"}
    assert min(watch.judged[key] for key in judged) > 10_000


@pytest.mark.slow
def test_a_healthy_day_pages_of_nothing_and_everything_was_judged() -> None:
    watch = Watch()
    for sample, _ in zip(week(4), range(2_880), strict=False):
        watch.see(sample)
    assert watch.fired == watch.pages == []
    assert min(alive(watch).values()) > 1_000, alive(watch)


def test_an_agent_that_can_say_nothing_of_it_is_not_judged() -> None:
    watch = Watch(Limits())
    for sample, _ in zip(week(5), range(500), strict=False):
        watch.see(Sample("alpha", sample.time, paused=False, equity=sample.balance, balance=sample.balance))
    assert set(alive(watch).values()) == {0}


@pytest.mark.parametrize(
    ("spoiled", "key"),
    [
        ({"decision_age": 4_000.0}, "no_decisions"),
        ({"repeated_orders": 11}, "repeated_orders"),
        ({"feed_age": 500.0}, "stale_feed"),
        ({"exposure": 16_000.0}, "over_exposed"),
        ({"leverage": 3.5}, "over_exposed"),
        ({"model_errors": 0.7}, "model_trouble"),
        ({"cost_1h": 500.0, "cost_24h": 510.0}, "model_trouble"),
        ({"equity": 10_123.0, "open_positions": 1}, "stale"),
    ],
)
@pytest.mark.slow
def test_the_same_day_spoiled_in_one_figure_is_found_by_its_rule_alone(spoiled: dict[str, Any], key: str) -> None:
    watch = Watch()
    for number, sample in enumerate(a_morning(6)):
        watch.see(replace(sample, **spoiled) if number > 1_300 else sample)
    assert watch.pages == [key]
