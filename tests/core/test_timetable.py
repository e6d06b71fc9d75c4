from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from monitor.engine.timetable import Due, Timetable, phase
from monitor.model import Agent


def test_polls_are_spread_over_the_interval_and_stay_where_they_are() -> None:
    phases = sorted(phase(f"agent-{number:03}") for number in range(200))
    assert round(phase("alpha"), 6) == 0.815921
    quarters = Counter(int(each * 4) for each in phases)
    assert all(30 <= quarters[quarter] <= 70 for quarter in range(4))


AGENTS = [Agent("alpha", interval=1.0), Agent("beta", interval=10.0), Agent("gamma", interval=0.3)]


@given(st.lists(st.floats(0.001, 0.1), min_size=20, max_size=400))
def test_every_agent_is_due_once_in_each_of_its_intervals(steps: list[float]) -> None:
    timetable = Timetable(AGENTS, 100.0)
    now = 100.0
    polled: Counter[str] = Counter()
    for step in steps:
        now += step
        polled.update(timetable.due(now, ()).poll)
    for agent in AGENTS:
        passed = (now - 100.0) / agent.interval
        assert abs(polled[agent.id] - passed) <= 1.001


@given(st.floats(0.5, 1e7))
def test_after_a_long_gap_an_agent_is_due_once(gap: float) -> None:
    timetable = Timetable(AGENTS, 0.0)
    timetable.due(20.0, ())
    late = timetable.due(20.0 + gap, ()).poll
    assert len(late) == len(set(late))
    assert timetable.due(20.0 + gap, ()) == Due((), ())


def test_an_agent_under_way_is_skipped_when_due_and_only_then() -> None:
    timetable = Timetable([Agent("alpha", interval=1.0)], 0.0)
    assert timetable.due(1.0, ()).poll == ("alpha",)
    assert timetable.due(2.0, {"alpha"}).skip == ("alpha",)
    assert timetable.due(2.1, {"alpha"}, {"alpha"}).skip == ()


def test_an_urgent_agent_is_due_at_most_once_a_second() -> None:
    timetable = Timetable([Agent("alpha", interval=1000.0)], 0.0)
    polls = [now / 10 for now in range(100) if timetable.due(now / 10, (), {"alpha"}).poll]
    assert polls == [float(second) for second in range(10)]
