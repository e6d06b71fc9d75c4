"""Stories of thirty days, restarts at any time, and what holds of every reconciliation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import EXACT, CashFlow, Position, Side
from monitor.reconciliation import POINTS, Reconciliation
from tests.core.test_reconciliation import T0, a_sample, a_trade, calm, rest, said
from tests.trading import Told, story

# Stories


class Watch:
    """An account over a story: what is said, of which rest, and every restart through JSON."""

    def __init__(self, restart: int = 500) -> None:
        self.account = Reconciliation()
        self.judged = 0
        self.told: list[str] = []
        self.flat: list[Decimal] = []
        """The rests that were measured at a sample with nothing open."""
        self._restart = restart

    def see(self, polls: Iterable[Told], withheld: str | None = None) -> Watch:
        flat: set[float] = set()
        for number, poll in enumerate(polls):
            flat |= {poll.sample.time} if poll.sample.open_positions == 0 else set()
            trades = [each for each in poll.trades if each.id != withheld]
            self.account = self.account.fold(poll.sample, trades, poll.flows)
            if number % self._restart == 0:
                self.account = Reconciliation.from_json(json.loads(json.dumps(self.account.to_json())))
            told = said(self.account, poll.sample.time - T0) if poll.sample.error is None else None
            self.judged += self.account.reconciled() is not None
            if told is not None:
                self.told.append(told)
                found = self.account.reconciled()
                self.flat += [found.rest] if found and found.until in flat else []
        return self


@pytest.mark.slow
def test_thirty_days_with_late_trades_gaps_restarts_and_recorded_flows_stay_silent() -> None:
    watch = Watch().see(story(1, 30, step=600.0, late=500.0, gaps=True))
    assert (watch.told, watch.judged > 4_000) == ([], True)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize(("late", "gaps"), [(0.0, False), (500.0, True)])
def test_thirty_days_polled_twice_a_minute_stay_silent(seed: int, late: float, gaps: bool) -> None:
    assert Watch().see(story(seed, 30, late=late, gaps=gaps)).told == []


@pytest.mark.parametrize("seed", range(4))
def test_one_trade_withheld_from_three_days_is_missed_to_a_cent(seed: int) -> None:
    polls = list(story(seed, 3, step=120.0, late=200.0))
    trades = [each for poll in polls for each in poll.trades]
    large = max(trades[:-10], key=lambda each: abs(each.net))
    watch = Watch().see(polls, withheld=large.id)
    # What is open has paid for its entry already, and equity is rounded to a cent at both ends.
    assert {abs(each - large.net) <= Decimal("0.01") for each in watch.flat} == {True}
    assert all(f"{abs(each):,.2f} {'more' if each > 0 else 'less'} than" in "".join(watch.told) for each in watch.flat)


def test_folded_anew_from_stored_rows_the_same_is_found() -> None:
    polls = list(story(5, 2, step=60.0, late=300.0, gaps=True))
    live, kept = Reconciliation(), Reconciliation()
    for number, poll in enumerate(polls):
        live = live.fold(poll.sample, poll.trades, poll.flows)
        kept = live if number == 1_500 else kept
    kept = Reconciliation.from_json(json.loads(json.dumps(kept.to_json())))
    last = polls[-1].sample.time
    trades = [each for poll in polls for each in poll.trades][::-1]
    flows = [each for poll in polls for each in poll.flows]
    assert kept.refolded([each.sample for each in polls[1_501:]], trades, flows).reconciled() == live.reconciled()
    anew = Reconciliation().refolded([each.sample for each in polls], trades, flows)
    assert (said(anew, last - T0), abs(rest(anew) - rest(live)) < 5) == (None, True)


# Laws

amounts = st.decimals(-10_000, 10_000, places=2, allow_nan=False)


@st.composite
def polls(draw: st.DrawFn) -> list[Told]:
    found, now = [], 0.0
    for number in range(draw(st.integers(5, 40))):
        now += draw(st.sampled_from([30.0, 30.0, 200.0, 700.0, 90_000.0]))
        pnl = draw(st.none() | st.floats(-500, 500))
        held = () if pnl is None else (Position("BTC", Side.SHORT, 2.0, 100.0, pnl),)
        sample = a_sample(now, draw(st.floats(-1e6, 1e6)), open_positions=len(held), positions=held)
        closed = now - draw(st.floats(-60, 2_000))
        trades = [a_trade(closed, str(draw(amounts)), str(number))] if draw(st.booleans()) else []
        flows = [CashFlow("alpha", T0 + closed, draw(amounts), "ana")] if draw(st.booleans()) else []
        found.append(Told(sample, tuple(trades), tuple(flows)))
    return found


def folded(told: Sequence[Told]) -> Iterator[Reconciliation]:
    account = Reconciliation()
    for each in told:
        account = account.fold(each.sample, each.trades, each.flows)
        yield account


@given(polls())
def test_the_parts_and_the_rest_always_make_the_change_of_equity(told: list[Told]) -> None:
    for account in folded(told):
        found = account.reconciled()
        if found is not None:
            with localcontext(EXACT):
                made = found.unrealised + found.parts.net + found.parts.flows + found.rest
            assert made == found.equity


@given(polls())
def test_a_restart_at_any_time_changes_nothing_and_the_state_stays_small(told: list[Told]) -> None:
    for account in folded(told):
        assert Reconciliation.from_json(json.loads(json.dumps(account.to_json()))) == account
        assert len(account.points) <= POINTS + 3


@given(polls(), st.randoms())
def test_in_which_order_trades_and_flows_were_told_is_of_no_matter(told: list[Told], dice: Any) -> None:
    trades = [each for poll in told for each in poll.trades]
    flows = [each for poll in told for each in poll.flows]
    shuffled = dice.sample(trades, len(trades))
    *_, account = folded(told)
    one, other = (account.refolded((), each, flows) for each in (trades, shuffled))
    assert one == other


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda each: st.lists(each, max_size=6)))
def test_what_is_no_stored_reconciliation_is_refused(spoilt: Any) -> None:
    whole = calm()[0].to_json()
    for name in ("settle", "total", "points", "base"):
        if spoilt == whole[name] or (name == "base" and spoilt is None) or (name == "points" and spoilt == []):
            continue
        if name == "settle" and isinstance(spoilt, float) and spoilt == spoilt and abs(spoilt) < float("inf"):  # noqa: PLR0124
            continue
        with pytest.raises(ValueError, match="this is not a stored reconciliation"):
            Reconciliation.from_json({**whole, name: spoilt})
