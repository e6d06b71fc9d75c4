from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, is_dataclass, replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from monitor import rule
from monitor.detector import Alarm
from monitor.fleet import AgentState, fold_all
from monitor.kept import pack, unpack
from monitor.model import Agent, AmountOrShare, CashFlow, Check, Limits, Sample, Side, Trade
from monitor.steps import matching_step

AGENT = Agent("alpha", limits=Limits(min_balance=100.0, hard_loss=AmountOrShare(share=0.1)))

anything = st.one_of(st.none(), st.floats())
sane = st.one_of(st.none(), st.floats(-1e6, 1e6))


def samples(figures: st.SearchStrategy[float | None]) -> st.SearchStrategy[list[Sample]]:
    one = st.builds(
        Sample,
        agent=st.just("alpha"),
        time=st.integers(0, 400).map(lambda step: 1_790_000_000.0 + 30.0 * step),
        error=st.one_of(st.none(), st.none(), st.just("refused")),
        equity=figures,
        balance=figures,
        pnl_24h=figures,
        heartbeat_age=figures,
        paused=st.one_of(st.none(), st.booleans()),
        checks=st.sampled_from([(), (Check("venue", False, "HTTP 500"),), (Check("venue", True),)]),
    )
    return st.lists(one, max_size=30).map(lambda each: sorted(each, key=lambda sample: sample.time))


flows = st.lists(
    st.builds(
        CashFlow,
        agent=st.just("alpha"),
        time=st.integers(0, 12_000).map(lambda step: 1_790_000_000.0 + step),
        amount=st.decimals(-100_000, 100_000, places=2, allow_nan=False),
        by=st.just("ana"),
    ),
    max_size=4,
)


def floats(value: object) -> Iterator[float]:
    """Every float inside a value, but for what the agent itself said."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from floats(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from floats(each)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from floats(asdict(value))


@given(samples(anything), flows)
def test_any_sample_leaves_a_finite_state_and_rules_that_can_judge(told: list[Sample], moved: list[CashFlow]) -> None:
    state = AgentState.of(AGENT)
    for sample in told:
        state = fold_all(AGENT, state, [sample], moved)
        for kept in (state.curve, state.losses, state.baseline.score, state.baseline.row.tolist()):
            assert all(math.isfinite(each) for each in floats(kept))
        view = state.view(AGENT, None)
        assert view is not None
        for each in (of for of in rule.discover().values() if not of.desk):
            for finding in each.evaluate(view, [()] if each.key != "health_degraded" else []):
                assert finding.reason


@given(samples(sane), flows, st.integers(0, 30))
def test_a_snapshot_and_the_samples_since_are_the_whole_fold(
    told: list[Sample], moved: list[CashFlow], cut: int
) -> None:
    whole = fold_all(AGENT, AgentState.of(AGENT), told, moved)
    kept = unpack(pack(fold_all(AGENT, AgentState.of(AGENT), told[:cut], moved)))
    since = kept.sample.time if kept.sample else 0.0
    assert fold_all(AGENT, kept, [sample for sample in told if sample.time >= since], moved) == whole


@given(samples(sane), flows)
def test_folding_twice_is_folding_once(told: list[Sample], moved: list[CashFlow]) -> None:
    once = fold_all(AGENT, AgentState.of(AGENT), told, moved)
    assert fold_all(AGENT, once, told, moved) == once


@given(samples(sane))
def test_a_snapshot_is_json_without_infinities(told: list[Sample]) -> None:
    json.loads(pack(fold_all(AGENT, AgentState.of(AGENT), told, [])), parse_constant=_refuse)


def test_a_snapshot_keeps_what_the_detectors_found_and_an_older_one_has_nothing_of_it() -> None:
    alarms = (Alarm("shock", 90.0, 60.0, -0.032, 0.0004, 1, 1e6), Alarm("edge", 80.0, 0.0, 0.31, 0.55, 40, 2e6))
    kept = pack(replace(AgentState.of(AGENT), alarms=alarms))
    assert unpack(kept).alarms == alarms
    older = {name: value for name, value in json.loads(kept).items() if name != "alarms"}
    assert unpack(json.dumps(older)).alarms == ()


def _refuse(name: str) -> float:
    raise AssertionError(f"{name} is no JSON")


def test_a_flow_is_matched_to_the_nearest_step_that_no_other_flow_explains() -> None:
    equities = [1_000.0, 1_010.0, 1_512.0, 1_500.0, 2_003.0, 2_000.0]
    told = [Sample("alpha", float(step), equity=each) for step, each in enumerate(equities)]
    assert matching_step(told, [], 500.0) == 2.0
    known = [CashFlow("alpha", 1.5, Decimal(500), "ana")]
    assert matching_step(told, known, 500.0) == 4.0
    assert matching_step(told, [], 700.0) is None
    assert matching_step([], [], 500.0) is None


def test_the_newest_trade_as_it_was_stored_is_no_new_one() -> None:
    time = 1_790_000_000.0000007
    told = Trade("alpha", "1", "trend", "BTC", Side.LONG, Decimal(1), Decimal(9), Decimal(8), time - 60.0, time)
    state = AgentState(sample=Sample("alpha", time + 1.0)).dealt(AGENT, [told])
    stored = replace(told, exit_time=round(time, 6))
    assert stored.exit_time > time
    assert state.dealt_since(AGENT, [stored]) == state
