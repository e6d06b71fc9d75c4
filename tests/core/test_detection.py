"""Laws of the detectors: anything a float can be leaves them of use, and how returns come in changes nothing."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import volatility
from monitor.detection import LAYOUT, Baseline, Step, dealt, fold, folded, histories
from monitor.detector import Alarm, Detector, Field, Layout, State, discover
from monitor.detectors.shock import TAIL
from monitor.model import Agent, Side, Trade
from monitor.rare import RAREST, once_in
from tests.bench.detection.measure import BUDGETS, tick
from tests.bench.detection.streams import make

AGENT = Agent("alpha", false_pages=1.0)
WEEKLY = BUDGETS["week"]
TYPICAL = 5e-4
anything = st.floats() | st.sampled_from([0.0, 1e9, -1.0, 1e308, -1e308, 5e-324, math.nan, math.inf, -math.inf, -0.02])


def steps(changes: Sequence[float | None], start: float = 0.0, elapsed: float = 30.0) -> list[Step]:
    """Steps of one interval each; a return that is None took no time."""
    return [Step(start + elapsed * (at + 1), each, 0.0 if each is None else elapsed) for at, each in enumerate(changes)]


def usual(moves: int = 400, seed: int = 1, typical: float = TYPICAL) -> list[float]:
    return [float(each) for each in np.random.default_rng(seed).standard_normal(moves) * typical]


@functools.cache
def warmed(seed: int) -> Baseline:
    """What is known of an agent after `usual`."""
    return histories([AGENT], [Baseline()], [steps(usual(seed=seed))])[0][0]


def feed(changes: Sequence[float | None], agent: Agent = AGENT) -> tuple[Baseline, tuple[Alarm, ...]]:
    """Fold returns from the first on; those that begin as usual need not be folded again and again."""
    for seed in (1, 3):
        if list(changes[:400]) == usual(seed=seed):
            return histories([agent], [warmed(seed)], [steps(changes[400:], 12_000.0)])[0]
    return histories([agent], [Baseline()], [steps(changes)])[0]


def keys(alarms: Sequence[Alarm]) -> list[str]:
    return [each.detector for each in alarms]


def chance(state: State, loss: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How rare a loss would be now, of each row."""
    return TAIL.chance(state, np.arange(len(state)), loss / np.sqrt(state["quick"])) * state["active"]


def after_5000(*more: float) -> State:
    """Five agents after 5,000 GARCH samples with a sigma of 5 bp, and what each of them saw then."""
    state = State.fresh(LAYOUT, 5)
    stream = np.vstack([make("GARCH", 5_000, 5, 7), *(np.full((1, 5), each) for each in more)])
    for at, returns in enumerate(stream):
        fold(state, tick(at, returns, WEEKLY))
    return state


@pytest.fixture(scope="module")
def garch() -> State:
    return after_5000()


def then(state: State, *more: float) -> State:
    copy = State(LAYOUT, state.data.copy("F"))
    for at, each in enumerate(more):
        fold(copy, tick(5_000 + at, np.full(len(copy), each), WEEKLY))
    return copy


@pytest.mark.slow
def test_after_nonsense_a_loss_is_as_rare_as_before(garch: State) -> None:
    state = then(garch, math.nan, math.inf, -math.inf, 1e9)
    assert np.median(chance(state, 0.02)) < 1e-7
    assert state["skipped"].tolist() == [3.0] * 5
    assert chance(state, 0.02) == pytest.approx(chance(garch, 0.02), rel=3.0)


@pytest.mark.slow
def test_flat_time_makes_a_loss_rarer_and_a_small_move_says_nothing(garch: State) -> None:
    state = then(garch, *[0.0] * 5_000)
    assert np.median(chance(state, 0.02)) < 1e-8
    assert (chance(state, 1e-4) > 0.4).all()
    assert state["quick"].tolist() == garch["quick"].tolist(), "zeros do not move the scale"


@settings(max_examples=15)
@given(st.lists(anything, max_size=60))
def test_any_returns_leave_a_finite_state(changes: list[float]) -> None:
    baseline, alarms = feed([*usual(), *changes, *usual(5)])
    assert np.isfinite(baseline.row).all()
    json.dumps([[each.value, each.typical, each.every, each.since] for each in alarms], allow_nan=False)
    assert Baseline.from_json(json.loads(json.dumps(baseline.to_json()))) == baseline


@settings(max_examples=6)
@given(st.lists(st.lists(anything, min_size=3, max_size=3), max_size=40))
def test_many_rows_at_once_are_one_at_a_time(changes: list[list[float]]) -> None:
    columns = [steps([each[row] for each in changes], 12_000.0) for row in range(3)]
    before = [warmed(1), warmed(3), warmed(1)]
    together = histories([AGENT] * 3, before, columns)
    assert together == [histories([AGENT], [known], [each])[0] for known, each in zip(before, columns, strict=True)]


@settings(max_examples=8)
@given(st.lists(anything, max_size=60), st.integers(0, 60))
def test_a_restart_is_none(changes: list[float], cut: int) -> None:
    told = steps(changes, 12_000.0)
    whole, alarms = histories([AGENT], [warmed(1)], [told])[0]
    kept, before = histories([AGENT], [warmed(1)], [told[:cut]])[0]
    again, after = histories([AGENT], [Baseline.from_json(kept.to_json())], [told[cut:]])[0]
    assert (again, (*before, *after)) == (whole, alarms)


def test_rows_of_which_nothing_comes_stay_as_they_are() -> None:
    long, short = steps(usual(300)), steps(usual(250, 2))
    together = histories([AGENT, AGENT], [Baseline(), Baseline()], [long, short])
    assert together[1] == histories([AGENT], [Baseline()], [short])[0]


def test_before_two_hundred_moves_nothing_statistical_is_said() -> None:
    flat = [0.0] * 500
    assert feed([*flat, *usual(150), -0.5, 0.0])[1] == ()
    assert keys(feed([*flat, *usual(200), -0.5, 0.0])[1]) == ["shock"]
    assert feed(usual(199))[0].moves < volatility.WARM
    assert feed([*usual(200), *flat])[0].moves == volatility.WARM


def test_an_agent_without_a_budget_is_judged_by_nothing() -> None:
    assert feed([*usual(), -0.5, 0.0], replace(AGENT, false_pages=None))[1] == ()


def test_a_sudden_loss_says_how_large_how_typical_and_when() -> None:
    (alarm,) = feed([*usual(), -0.02, 0.0001])[1]
    assert (alarm.detector, alarm.value, alarm.n) == ("shock", -0.02, 1)
    assert (alarm.since, alarm.time, alarm.told) == (12_000.0, 12_030.0, 12_060.0)
    assert alarm.typical == pytest.approx(TYPICAL, rel=0.3)
    assert alarm.every > RAREST
    assert feed([*usual(), 0.02, 0.0001])[1] == (), "a gain is no loss"


@pytest.mark.parametrize("beside", [[0.0202, 0.0], [0.0195]])
def test_a_loss_that_the_next_sample_undoes_is_a_spike(beside: list[float]) -> None:
    assert keys(feed([*usual(), -0.02, *beside])[1]) == ["spike"]


def test_a_loss_that_undoes_a_leap_is_a_spike_and_a_part_of_it_is_none() -> None:
    assert keys(feed([*usual(), 1e9, -1.0 + 1e-9, 0.0])[1]) == ["spike"]
    assert keys(feed([*usual(), -0.02, 0.01])[1]) == ["shock"], "half of it is lost"


def test_a_held_loss_is_told_when_the_agent_says_no_more() -> None:
    assert keys(feed([*usual(), -0.02, None])[1]) == ["shock"]


def test_a_gap_of_four_intervals_may_move_twice_as_far() -> None:
    baseline, _ = feed(usual())
    made = tick(500, np.array([-0.01]), WEEKLY)
    z = [
        float(np.abs(volatility.moves(State.of(LAYOUT, [baseline.row]), replace(made, elapsed=np.array([each]))).x[0]))
        for each in (30.0, 120.0)
    ]
    assert z[0] == pytest.approx(2 * z[1], rel=0.01)


def test_an_agent_that_is_asked_more_often_does_not_page_for_it() -> None:
    quick = [each / math.sqrt(3) for each in usual(600, 3)]
    (slower, first) = histories([AGENT], [warmed(1)], [steps(quick, 12_000.0, 10.0)])[0]
    (_, second) = histories([AGENT], [slower], [steps(usual(300, 4), 18_000.0)])[0]
    assert (first, second) == ((), ())
    assert slower.typical == pytest.approx(TYPICAL, rel=0.3), "of one interval"


def test_ten_times_the_size_is_a_burst_and_one_wild_move_is_none() -> None:
    alarm = feed([*usual(), *(10 * each for each in usual(30, 5))])[1][0]
    assert (alarm.detector, alarm.n) == ("burst", 16)
    assert alarm.value / alarm.typical > 3
    assert alarm.time - alarm.since == 16 * 30.0
    assert "burst" not in keys(feed([*usual(), -0.05, *usual(20, 6)])[1])


def test_a_steady_loss_is_found_with_its_begin_and_an_agent_that_loses_small_and_wins_big_is_left_alone() -> None:
    told = feed([*usual(400, 3), *(each - 0.5 * TYPICAL for each in usual(200, 8))])[1]
    alarm = next(each for each in told if each.detector == "bleed")
    assert alarm.value == pytest.approx(-0.5 * TYPICAL, rel=0.5)
    assert 11_000.0 < alarm.since < 13_000.0, "it began at 12,000"
    lottery = [0.02 if at % 40 == 0 else -TYPICAL * (0.5 + 0.1 * (at % 7)) for at in range(1_500)]
    assert sum(lottery) > 0
    assert "bleed" not in keys(feed(lottery)[1])


def trades(wins: Sequence[bool], start: float = 0.0) -> list[Trade]:
    return [
        Trade(
            "alpha",
            f"t{start:g}-{at}",
            "grid",
            "BTC",
            Side.LONG,
            Decimal(1),
            Decimal(100),
            Decimal(101) if won else Decimal(99),
            start + 600.0 * at,
            start + 600.0 * (at + 1),
        )
        for at, won in enumerate(wins)
    ]


def test_an_edge_that_erodes_is_found_once_and_late_trades_are_counted_and_skipped() -> None:
    baseline, before = dealt(AGENT, Baseline(), trades([True, True, False] * 70), 1.0)
    worse = trades([False, False, True] * 60, 126_000.0)
    after, told = dealt(AGENT, baseline, worse, 2.0)
    assert (before, keys(told)[0]) == ((), "edge")
    alarm = told[0]
    assert alarm.typical == pytest.approx(2 / 3, abs=0.05)
    closed = [each for each in worse if alarm.since < each.exit_time <= alarm.time]
    assert alarm.n == pytest.approx(len(closed), abs=8)
    assert (after.newest_trade, dealt(AGENT, after, worse[:5], 3.0)[1]) == (worse[-1].exit_time, ())


def test_how_large_the_newest_moves_are_beside_those_before_is_told_with_their_way() -> None:
    wild = [-0.01, 0.004, -0.01, 0.004]
    newest, before = feed([*usual(), *wild])[0].lately(4) or (0.0, 0.0)
    assert newest == pytest.approx(-math.sqrt(sum(each**2 for each in wild) / 4))
    assert before == pytest.approx(math.sqrt(sum(each**2 for each in usual()[-96:]) / 96))
    assert feed(usual(7))[0].lately(4) is None


def test_a_detector_is_found_by_its_file_and_names_are_unique() -> None:
    assert [each.key for each in discover()] == ["bleed", "burst", "edge", "iqr", "percentile", "shock", "zscore"]
    with pytest.raises(ValueError, match="two fields"):
        Layout([Field("moves"), Field("moves")])
    assert isinstance(discover()[0], Detector)


@pytest.mark.parametrize("data", [None, 3, "", "AAAA", "no base 64"])
def test_what_is_no_stored_baseline_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Baseline.from_json(data)


def test_a_baseline_with_nonsense_in_it_is_refused() -> None:
    row = Baseline().row.copy()
    row[3] = math.nan
    with pytest.raises(ValueError, match="not a stored baseline"):
        Baseline.from_json(Baseline(row).to_json())


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (90.0, "once a minute"),
        (900.0, "once in 15 min"),
        (7_200.0, "once in 2 h"),
        (5 * 86_400.0, "once in 5 days"),
        (21 * 86_400.0, "once in 3 weeks"),
        (400 * 86_400.0, "once in 3 months"),
        (math.inf, "once in 3 months"),
        (math.nan, "once in 3 months"),
    ],
)
def test_nothing_is_called_rarer_than_once_in_three_months(seconds: float, words: str) -> None:
    assert once_in(seconds) == words


def test_one_step_of_one_agent_is_a_fold_of_one() -> None:
    baseline, _ = feed(usual(210))
    (step,) = steps([-0.01], 6_300.0)
    assert folded([AGENT], [baseline], [step]) == histories([AGENT], [baseline], [[step]])
