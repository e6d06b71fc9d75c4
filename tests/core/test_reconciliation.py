"""What changed an account is added up, and what nobody can explain is found and named."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest

from monitor.model import Agent, AmountOrShare, CashFlow, Finding, Position, Sample, Side, Trade, Verdict
from monitor.reconciliation import SETTLE, Reconciliation
from monitor.rule import View
from monitor.rules.unexplained import unexplained
from monitor.statement import NO_EQUITY, NO_PNL, NO_POSITIONS, NO_TRADES, NO_WORTH
from tests.trading import story

ZERO = Decimal(0)
T0 = 1_790_035_200.0
"""A Monday, 00:00 UTC."""
STEP = 30.0
GAINS = Position("BTC", Side.LONG, 1.0, 9.0, 1.0)


def a_sample(now: float, equity: float | None, **says: Any) -> Sample:
    return replace(Sample("alpha", T0 + now, equity=equity, open_positions=0), **says)


def a_trade(now: float, net: str, name: str = "1", **fields: Any) -> Trade:
    """A trade that made `net` after fees of 0.30, funding of 0.20 and slippage of 0.10."""
    price = Decimal(100) + Decimal(net) + Decimal("0.60")
    made = Trade("alpha", name, "trend", "BTC", Side.LONG, Decimal(1), Decimal(100), price, T0 + now - 60, T0 + now)
    told = replace(made, fees=Decimal("0.30"), funding=Decimal("0.20"), slippage=Decimal("-0.10"))
    return replace(told, **fields)


def calm(equity: float = 10_000.0, **says: Any) -> tuple[Reconciliation, float]:
    """An account with a base, which told a trade before, and the time of its newest sample."""
    account = Reconciliation().fold(a_sample(0.0, equity, **says), [a_trade(-100.0, "5")])
    return stays(account, 0.0, equity, **says)


def stays(
    account: Reconciliation, now: float, equity: float | None, seconds: float = 660.0, step: float = STEP, **says: Any
) -> tuple[Reconciliation, float]:
    """Polls for a while with the same equity."""
    for _ in range(round(seconds / step)):
        now += step
        account = account.fold(a_sample(now, equity, **says))
    return account, now


def judged(account: Reconciliation, now: float, *, is_open: bool = False, error: str | None = None) -> list[Finding]:
    view = View(Agent("alpha"), Sample("alpha", T0 + now, error=error), reconciled=account.reconciled())
    return list(unexplained.evaluate(view, [()] if is_open else []))


def said(account: Reconciliation, now: float) -> str | None:
    """What is said about the rest; None: nothing is wrong with it."""
    return next((each.reason for each in judged(account, now) if each.verdict is Verdict.BREACH), None)


def rest(account: Reconciliation) -> Decimal:
    found = account.reconciled()
    assert found is not None
    return found.rest


# What a rest is, and when it is told


def test_a_trade_that_was_not_told_is_named_to_a_cent_with_all_that_was() -> None:
    account, now = calm()
    account = account.fold(a_sample(now + 30, 9_812.66), [a_trade(now + 20, "12.66", "2")])  # and one of -200.00
    account, now = stays(account, now + 30, 9_812.66)
    assert said(account, now) == (
        "alpha has 200.00 less than is explained: equity -187.34 since 00:05 UTC is 1 trade +12.66 (fees 0.30, "
        "slippage 0.10, funding 0.20), open positions 0.00, cash flows 0.00, unexplained -200.00; it came in one "
        "step at 00:11 UTC, with a trade in it; a trade that was not told, a fee, a cash flow? /reconcile alpha"
    )


def test_money_that_comes_in_one_step_without_a_trade_is_asked_about_with_the_line_that_records_it() -> None:
    account, now = calm()
    account, now = stays(account, now, 20_000.0)
    told = said(account, now)
    assert told is not None
    assert told.endswith(
        "it came in one step at 00:11 UTC, without a trade: a deposit? /flow alpha +10,000.00 2026-09-22T00:11:30Z"
    )
    account, now = calm()
    account, now = stays(account, now, 7_500.0)
    assert "a withdrawal? /flow alpha -2,500.00 " in str(said(account, now))


def test_a_rest_is_told_once_it_has_stood_for_the_settling_time_and_not_before() -> None:
    account, now = calm()
    account, now = stays(account, now, 9_000.0, SETTLE)
    assert judged(account, now) == []
    account, now = stays(account, now, 9_000.0, 60.0)
    assert "1,000.00 less" in str(said(account, now))
    assert judged(account, now, error="timed out") == []


def test_a_trade_told_late_within_the_settling_time_was_never_a_rest() -> None:
    account, now = calm()
    closed = now + 10
    account, now = stays(account, now, 9_000.0, 570.0)
    account = account.fold(a_sample(now + 30, 9_000.0), [a_trade(closed, "-1000", "2")])
    for _ in range(40):
        account, now = stays(account, now + 30, 9_000.0, 30.0)
        assert said(account, now) is None
    assert rest(account) == 0


def test_trades_that_are_each_told_late_one_after_the_other_never_page() -> None:
    account, now = calm()
    equity, waiting = 10_000.0, list[Trade]()
    for number in range(40):
        equity -= 100.0
        waiting.append(a_trade(now + 25, "-100", str(number)))
        told = waiting[:-3]
        for _ in range(5):
            now += STEP
            account = account.fold(a_sample(now, equity), told)
            told = []
            assert said(account, now) is None
        waiting = waiting[-3:]
    assert rest(account) == -300


def test_a_deposit_recorded_after_the_fact_takes_the_rest_back() -> None:
    account, now = calm()
    jumped = now + 30
    account, now = stays(account, now, 11_000.0)
    assert said(account, now) is not None
    account = account.booked(flows=[CashFlow("alpha", T0 + jumped, Decimal(1_000), "ana")])
    (finding,) = judged(account, now, is_open=True)
    assert (finding.verdict, rest(account)) == (Verdict.CLEAR, ZERO)


def test_a_rest_that_is_accepted_is_let_go_and_the_next_one_is_found() -> None:
    account, now = calm()
    account, now = stays(account, now, 9_000.0)
    account = account.accepted()
    assert (said(account, now), rest(account)) == (None, ZERO)
    account, now = stays(account, now, 8_900.0, 1_300.0)
    assert "100.00 less" in str(said(account, now))


def test_the_rest_that_has_stood_is_named_while_the_next_trade_is_on_its_way() -> None:
    account, now = calm()
    account, now = stays(account, now, 9_000.0, 1_200.0)
    closed = now + 10
    for _ in range(18):
        account, now = stays(account, now, 8_700.0, 30.0)
        assert "1,000.00 less" in str(said(account, now))
    account = account.booked([a_trade(closed, "-300", "2")])
    assert "1,000.00 less" in str(said(account, now))


def test_money_that_comes_and_goes_has_not_stood() -> None:
    account, now = calm()
    for equity in (11_000.0, 9_000.0, 11_000.0, 9_000.0):
        account, now = stays(account, now, equity, 570.0)
        assert said(account, now) is None


def test_a_trade_told_later_is_taken_out_of_the_step_it_was_in() -> None:
    account, now = calm()
    account = account.fold(a_sample(now + 30, 10_900.0))
    account = account.booked([a_trade(now + 20, "-100", "2")])
    account, now = stays(account, now + 30, 10_900.0)
    told = said(account, now)
    assert told is not None
    assert "1,000.00 more" in told
    assert "in one step at 00:11 UTC, with a trade in it" in told


def test_a_deposit_is_recognised_after_an_older_one_was_taken_back() -> None:
    account, now = calm()
    account, now = stays(account, now, 11_000.0)
    account, now = stays(account, now, 10_000.0)
    account, now = stays(account, now, 10_600.0)
    assert "without a trade: a deposit? /flow alpha +600.00 " in str(said(account, now))


def test_the_books_are_closed_once_a_week_where_everything_is_explained_and_stay_open_where_not() -> None:
    account, now = calm()
    account, now = stays(account, now, 9_992.0, 8 * 86_400.0, 3_600.0)
    assert (rest(account), said(account, now)) == (ZERO, None)
    account, now = stays(account, now, 9_984.0, 86_400.0, 3_600.0)
    assert rest(account) == -8
    account, now = stays(account, now, 9_900.0, 16 * 86_400.0, 3_600.0)
    assert "92.00 less" in str(said(account, now))


def test_a_rest_is_not_lost_when_a_flat_base_would_be_better() -> None:
    held: dict[str, Any] = {"open_positions": 1, "positions": (Position("BTC", Side.LONG, 1.0, 9_000.0, 150.0),)}
    account, now = calm(10_150.0, **held)
    account, now = stays(account, now, 9_000.0, 3_000.0)
    assert "1,000.00 less" in str(said(account, now))


def test_a_rest_within_the_limit_is_none_and_an_open_alert_clears_a_little_below() -> None:
    account, now = calm()
    account, now = stays(account, now, 9_991.0)
    (told,) = judged(account, now)
    assert (told.verdict, told.value, told.threshold) == (Verdict.CLEAR, -9.0, 10.0)
    assert judged(account, now, is_open=True) == []
    account, now = stays(account.under(AmountOrShare(amount=5.0), SETTLE), now, 9_991.0)
    assert "9.00 less" in str(said(account, now))


def test_without_a_limit_nothing_is_said_and_what_was_open_ends() -> None:
    account, now = stays(calm()[0].under(None, SETTLE), 660.0, 1.0)
    assert judged(account, now) == []
    assert [each.verdict for each in judged(account, now, is_open=True)] == [Verdict.CLEAR]


def test_a_cent_is_a_lot_where_the_money_is_coins() -> None:
    account, now = calm(0.5)
    account, now = stays(account, now, 0.496)
    assert "0.00400000 less" in str(said(account, now))
    found = account.reconciled()
    assert found is not None
    assert found.flow is not None
    assert found.flow[0] == "-0.00400000"


# What cannot be known


def test_an_agent_that_never_told_a_trade_is_left_alone() -> None:
    account, now = stays(Reconciliation(), 0.0, 10_000.0)
    account, now = stays(account, now, 5_000.0)
    assert (account.reconciled(), account.why, judged(account, now)) == (None, NO_TRADES, [])


@pytest.mark.parametrize(
    ("equity", "says", "why"),
    [
        (None, {}, NO_EQUITY),
        (float("nan"), {}, NO_EQUITY),
        (9_000.0, {"open_positions": None}, NO_POSITIONS),
        (9_000.0, {"open_positions": 1}, NO_PNL),
        (9_000.0, {"open_positions": 2, "positions": (GAINS,)}, NO_PNL),
        (9_000.0, {"open_positions": 1, "positions": (Position("BTC", Side.LONG, 1.0, 9.0),)}, NO_PNL),
        (9_000.0, {"balance": 9_000.0, "open_positions": 1, "positions": (GAINS,)}, NO_WORTH),
    ],
)
def test_a_sample_that_does_not_say_enough_says_why_and_is_bridged_by_the_next_that_does(
    equity: float | None, says: dict[str, Any], why: str
) -> None:
    account, now = calm()
    account, now = stays(account, now, equity, 1_200.0, **says)
    assert (account.why, said(account, now), rest(account)) == (why, None, ZERO)
    account, now = stays(account, now, 9_900.0)
    assert (account.why, rest(account)) == (None, Decimal(-100))


def test_what_open_positions_gain_is_explained_by_what_they_say() -> None:
    held = (Position("BTC", Side.LONG, 1.0, 9_000.0, 150.0), Position("ETH", Side.SHORT, 1.0, 1.0, -20.0))
    account, now = calm()
    account, now = stays(account, now, 10_130.0, open_positions=2, positions=held)
    found = account.reconciled()
    assert found is not None
    assert (found.equity, found.unrealised, found.rest) == (Decimal(130), Decimal(130), ZERO)


def test_open_positions_may_be_off_by_a_hundredth_of_their_worth_and_a_flat_account_may_not() -> None:
    held: dict[str, Any] = {"open_positions": 1, "positions": (Position("BTC", Side.LONG, 1.0, 9_000.0, 150.0),)}
    account, now = calm()
    account, now = stays(account, now, 10_240.0, **held)
    assert said(account, now) is None
    account, now = stays(account, now, 10_260.0, **held)
    assert "110.00 more" in str(said(account, now))
    account, now = stays(account, now, 10_090.0)
    assert "90.00 more" in str(said(account, now))


def test_a_base_with_open_positions_gives_way_to_a_flat_one() -> None:
    held: dict[str, Any] = {"open_positions": 1, "positions": (Position("BTC", Side.LONG, 1.0, 9_000.0, 150.0),)}
    account, now = calm(10_190.0, **held)  # 40 too much, by prices that differ
    account, now = stays(account, now, 10_000.0)
    assert said(account, now) is None
    account, now = stays(account, now, 9_980.0, 1_300.0)
    assert "20.00 less" in str(said(account, now))


@pytest.mark.parametrize("lag", [-60.0, 60.0])
def test_a_trade_at_the_beginning_that_the_equity_shows_early_or_late_spoils_no_base(lag: float) -> None:
    account, now = Reconciliation().fold(a_sample(0.0, 10_000.0), [a_trade(-100.0, "5")]), 0.0
    for _ in range(60):
        now += STEP
        told = [a_trade(now, "-200", "2")] if now == 90.0 else []
        account = account.fold(a_sample(now, 9_800.0 if now >= 90.0 + lag else 10_000.0), told)
    assert (said(account, now), rest(account)) == (None, ZERO)


def test_history_told_page_by_page_at_the_first_meeting_is_no_change() -> None:
    account = Reconciliation()
    for number in range(60):
        page = [a_trade(-9_000.0 + 100 * number, "50", str(number))] if number < 30 else []
        account = account.fold(a_sample(number * STEP, 10_000.0), page)
    found = account.reconciled()
    assert found is not None
    assert (found.rest, found.parts.trades) == (ZERO, 0)


def test_a_rehearsal_and_real_money_are_two_accounts() -> None:
    account, now = calm(paper=True)
    account, now = stays(account, now, 300.0, 1_300.0, paper=False)
    assert (said(account, now), rest(account)) == (None, ZERO)
    account, now = stays(account, now, 200.0, paper=False)
    assert "100.00 less" in str(said(account, now))


def test_trades_told_twice_change_nothing_and_a_correction_only_what_differs() -> None:
    account, now = calm()
    trade = a_trade(now + 10, "-100", "2")
    account = account.fold(a_sample(now + 30, 9_900.0), [trade])
    again = account.booked([trade], replaced=[trade])
    assert again.reconciled() == account.reconciled()
    corrected = account.booked([a_trade(now + 10, "-130", "2")], replaced=[trade]).reconciled()
    assert corrected is not None
    assert (corrected.rest, corrected.parts.trades) == (Decimal(30), 1)


def test_a_long_sleep_between_two_polls_is_one_step() -> None:
    account, now = calm()
    account = account.fold(a_sample(now + 40_000, 9_000.0))
    assert said(account, now + 40_000) is None
    account, now = stays(account, now + 40_000, 9_000.0)
    found = account.reconciled()
    assert found is not None
    assert found.step is not None
    assert (found.step.end - found.step.start, found.stands) == (40_000, True)


def test_what_happens_while_a_story_is_short_is_said_of_nothing() -> None:
    account = Reconciliation()
    for poll in islice(story(2, 1), 15):
        account = account.fold(poll.sample, poll.trades, poll.flows)
    assert account.reconciled() is None
