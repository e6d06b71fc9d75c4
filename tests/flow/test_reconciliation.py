"""Money nobody can explain pages once, and is over once it is explained or accepted; what is told stays silent."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

from monitor.alerts.alert import State, fingerprint
from monitor.alerts.lifecycle import Policy
from monitor.model import Agent, CashFlow, Sample, Severity
from monitor.reconciliation import Reconciliation
from monitor.rule import View
from monitor.rules.unexplained import unexplained
from tests.core.core import T0, Core, quick
from tests.trading import Told, story

OF = fingerprint("alpha", "unexplained", ())
AGENT = Agent("alpha")
TRADES = tuple(story(12, 1, step=60.0, late=200.0, flows=False))
"""A day."""


class Books:
    """A board that is shown one account, poll by poll."""

    def __init__(self) -> None:
        self.core = Core(quick())
        self.account = Reconciliation()
        self.fired: list[str] = []
        """The reasons with which it fired."""

    def see(self, told: Told) -> None:
        self.account = self.account.fold(told.sample, told.trades, told.flows)
        self.core.now = told.sample.time
        known = self.core.ledger.alerts.get(OF)
        view = View(AGENT, told.sample, reconciled=self.account.reconciled())
        board = self.core.board()
        for finding in unexplained.evaluate(view, [()] if known is not None else ()):
            board.find(finding, Policy(unexplained.fire_after(AGENT.limits), unexplained.clear_after))
        board.tick()
        told_of = self.core.end(board)
        self.fired += [self.core.alerts[each.alert].reason for each in told_of.events if each.kind == "fired"]

    def stay(self, equity: float, polls: int) -> None:
        """The same equity for so many polls."""
        for _ in range(polls):
            self.see(Told(Sample("alpha", self.core.now + 30.0, equity=equity, open_positions=0)))

    def restart(self) -> None:
        self.account = Reconciliation.from_json(json.loads(json.dumps(self.account.to_json())))
        self.core.ledger = self.core.restart()

    def states(self) -> list[State]:
        """Of its alerts, in order."""
        return [each.state for each in self.core.alerts.values() if each.fingerprint == OF]


def calm() -> Books:
    """A desk that has watched an account of 10,000 for a while."""
    books = Books()
    first = next(each for each in TRADES if each.trades)
    books.see(Told(Sample("alpha", T0, equity=10_000.0, open_positions=0), first.trades))
    books.stay(10_000.0, 40)
    return books


def test_a_day_of_trades_told_late_and_flows_recorded_pages_of_nothing() -> None:
    books = Books()
    for number, poll in enumerate(story(11, 1, step=60.0, late=400.0, gaps=True)):
        books.see(poll)
        if number % 300 == 0:
            books.restart()
    assert (books.fired, books.core.pages(), books.account.base is None) == ([], [], False)


def test_one_trade_of_that_day_withheld_pages_once_with_what_it_made() -> None:
    books, large = Books(), max((one for poll in TRADES for one in poll.trades[:1]), key=lambda each: abs(each.net))
    for number, poll in enumerate(TRADES):
        books.see(replace(poll, trades=tuple(each for each in poll.trades if each.id != large.id)))
        if number % 300 == 0:
            books.restart()
    assert len(books.fired) == len(books.core.pages()) == 1
    assert books.states() == [State.FIRING]
    books.see(Told(replace(poll.sample, time=poll.sample.time + 60.0), (large,)))
    assert books.states() == [State.RESOLVED]


def test_a_deposit_pages_once_while_it_stands_and_is_over_when_it_is_recorded() -> None:
    books = calm()
    came = books.core.now + 30.0
    books.stay(12_500.0, 100)
    books.restart()
    books.stay(12_500.0, 100)
    (reason,) = books.fired
    assert "2,500.00 more than is explained" in reason
    assert "without a trade: a deposit? /flow alpha +2,500.00 " in reason
    assert (len(books.core.pages()), books.core.pages()[0].severity) == (1, Severity.WARN)
    books.account = books.account.booked(flows=[CashFlow("alpha", came, Decimal(2_500), "ana")])
    books.stay(12_500.0, 1)
    assert books.states() == [State.RESOLVED]
    books.stay(12_500.0, 100)
    assert len(books.core.pages()) == 1


def test_a_rest_that_is_accepted_is_over_and_the_next_one_pages_anew() -> None:
    books = calm()
    books.stay(9_000.0, 40)
    books.account = books.account.accepted()
    books.stay(9_000.0, 60)
    assert books.states() == [State.RESOLVED]
    books.stay(8_500.0, 40)
    assert [reason.split(":")[0] for reason in books.fired] == [
        "alpha has 1,000.00 less than is explained",
        "alpha has 500.00 less than is explained",
    ]
