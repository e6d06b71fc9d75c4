"""A stop without a person: announced, once an episode, eased, cooled, called off; nothing where nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.incident import Incident
from monitor.autostop import CLEARS_AT, Move, Step, cause, step
from monitor.model import Agent, AmountOrShare, AutoStop, Sample, Severity
from monitor.order import StopMark
from monitor.rule import View

T0 = 1_790_000_000.0
DEEP = AutoStop("drawdown", AmountOrShare(share=0.25), notice=30.0, cooldown=3_600.0)
LOST = AutoStop("daily_loss", AmountOrShare(share=0.1))
UNHEARD = AutoStop("unacknowledged", lasting=600.0)


def a_view(**more: object) -> View:
    return View(Agent("alpha"), Sample("alpha", T0), **more)  # type: ignore[arg-type]  # the fields of a view


def played(stop: AutoStop, looks: Sequence[tuple[float, bool, bool]]) -> Iterator[tuple[float, Step]]:
    """What it does at each look: seconds since the last, whether it is so, whether the agent is held."""
    mark: StopMark | None = None
    now = T0
    for after, met, held in looks:
        now += after
        found = step(stop, "alpha", mark, now, met=met, held=held)
        if found is not None:
            mark = found.mark
            yield now - T0, found


def moves(stop: AutoStop, *looks: tuple[float, bool, bool]) -> list[tuple[float, str]]:
    return [(at, each.move.value) for at, each in played(stop, looks)]


def test_it_is_announced_and_acts_after_its_notice_once_however_long_it_is_so() -> None:
    assert moves(DEEP, (0, True, False), (29.9, True, False), (0.1, True, False), *[(60, True, False)] * 500) == [
        (0.0, "announced"),
        (30.0, "acted"),
    ]


def test_a_person_who_resumes_it_is_not_overruled_while_it_is_still_so() -> None:
    assert moves(DEEP, (0, True, False), (30, True, False), (10, True, True), (86_400, True, False)) == [
        (0.0, "announced"),
        (30.0, "acted"),
    ]


@pytest.mark.parametrize(("met", "held"), [(False, False), (True, True), (False, True)])
def test_it_is_called_off_when_it_is_no_longer_so_or_somebody_was_quicker(met: bool, held: bool) -> None:
    assert moves(DEEP, (0, True, False), (10, met, held)) == [(0.0, "announced"), (10.0, "called off")]


def test_what_was_called_off_is_announced_again_at_once_and_waits_its_notice_again() -> None:
    assert moves(DEEP, (0, True, False), (29, False, False), (1, True, False), (29, True, False), (1, True, False)) == [
        (0.0, "announced"),
        (29.0, "called off"),
        (30.0, "announced"),
        (60.0, "acted"),
    ]


def test_after_an_act_it_is_armed_again_once_it_was_over_and_has_cooled() -> None:
    acted = [(0.0, True, False), (30.0, True, False)]
    assert moves(DEEP, *acted, (60, False, False), (3_539.9, True, False), (0.1, True, False))[2:] == [
        (90.0, "cleared"),
        (3_630.0, "announced"),
    ]
    assert moves(DEEP, *acted, (7_200, True, False), (1, False, False), (1, True, False))[2:] == [
        (7_231.0, "cleared"),
        (7_232.0, "announced"),
    ]


def test_an_agent_that_is_held_already_is_not_announced() -> None:
    assert moves(DEEP, (0, True, True), (60, True, True)) == []


def test_without_notice_it_acts_at_the_look_after_its_announcement() -> None:
    assert moves(replace(DEEP, notice=0.0), (0, True, False), (1, True, False)) == [(0.0, "announced"), (1.0, "acted")]


@given(
    st.lists(st.tuples(st.floats(0.0, 5_000.0), st.booleans(), st.booleans()), max_size=60),
    st.floats(0.0, 120.0),
    st.floats(0.0, 4_000.0),
    st.booleans(),
)
def test_never_two_acts_in_an_episode_and_never_one_without_its_announcement(
    looks: list[tuple[float, bool, bool]], notice: float, cooldown: float, dry: bool
) -> None:
    stop = AutoStop("drawdown", AmountOrShare(share=0.25), notice=notice, cooldown=cooldown, dry_run=dry)
    announced: float | None = None
    acted: float | None = None
    for at, found in played(stop, looks):
        if found.move is Move.ANNOUNCE:
            assert announced is None
            assert acted is None or at - acted >= cooldown - 1e-6
            announced = at
        elif found.move is Move.ACT:
            assert announced is not None
            assert at - announced >= notice - 1e-6
            assert found.mark.announced == T0 + announced
            acted, announced = at, None
        elif found.move is Move.CALL_OFF:
            assert announced is not None
            announced = None
        else:
            assert acted is not None
            assert announced is None


@given(st.lists(st.tuples(st.floats(0.0, 5_000.0), st.booleans(), st.booleans()), max_size=60))
def test_between_two_acts_it_was_over_once(looks: list[tuple[float, bool, bool]]) -> None:
    told = [found.move for _, found in played(DEEP, looks)]
    acts = [at for at, move in enumerate(told) if move is Move.ACT]
    assert all(told[at + 1] is Move.CLEAR for at in acts if at + 1 < len(told))


@pytest.mark.parametrize(
    ("drawdown", "open_", "why"),
    [
        (0.25, False, None),
        (0.2501, False, "drawdown 25.0%, limit 25.0%"),
        (0.24, True, "drawdown 24.0%, limit 25.0%"),
        (0.25 * CLEARS_AT, True, None),
        (None, False, None),
        (None, True, None),
    ],
)
def test_a_drawdown_is_over_its_bound_and_announced_clears_only_well_below(
    drawdown: float | None, open_: bool, why: str | None
) -> None:
    assert cause(DEEP, a_view(drawdown=drawdown), (), T0, open_=open_) == why


@pytest.mark.parametrize(
    ("over", "loss", "base", "why"),
    [
        (AmountOrShare(share=0.1), 1_001.0, 10_000.0, "lost 1,001.00 (10.0%) in 24 h, limit 1,000.00"),
        (AmountOrShare(share=0.1), 1_000.0, 10_000.0, None),
        (AmountOrShare(amount=500.0), 501.0, None, "lost 501.00 in 24 h, limit 500.00"),
        (AmountOrShare(amount=500.0), -501.0, 10_000.0, None),
        (AmountOrShare(share=0.1), None, 10_000.0, None),
    ],
)
def test_a_loss_is_over_an_amount_or_a_share_of_what_there_was(
    over: AmountOrShare, loss: float | None, base: float | None, why: str | None
) -> None:
    assert cause(replace(LOST, over=over), a_view(loss=loss, loss_base=base), (), T0, open_=False) == why


def an_incident(**more: object) -> Incident:
    paged = Incident("1f", "", "drawdown", (), Severity.CRITICAL, 1, T0 - 700.0, T0 - 700.0, paged=T0 - 600.0)
    return replace(paged, **more)  # type: ignore[arg-type]  # the fields of an incident


@pytest.mark.parametrize(
    ("incidents", "why"),
    [
        ([{}], "a CRITICAL page not acknowledged for 10 min"),
        ([{"paged": T0 - 599.0}], None),
        ([{"paged": None}], None),
        ([{"acknowledged": T0 - 5.0}], None),
        ([{"severity": Severity.WARN}], None),
        ([{"acknowledged": T0 - 5.0}, {"paged": T0 - 900.0}], "a CRITICAL page not acknowledged for 15 min"),
        ([], None),
    ],
)
def test_only_a_critical_page_that_nobody_acknowledged_for_long_enough_counts(
    incidents: list[dict[str, object]], why: str | None
) -> None:
    found = [an_incident(**each) for each in incidents]
    assert cause(UNHEARD, a_view(), found, T0, open_=False) == why
