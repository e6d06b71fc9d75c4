"""Profit and loss split by one dimension: exact to the last digit, and never a penny lost between the lines."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, getcontext, localcontext
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import rollups
from monitor.attribution import ALWAYS, DIMENSIONS, SPLITS, Attribution, Sums, assemble, attribute
from monitor.model import EXACT, Side, Trade


def trade(**changes: object) -> Trade:
    values: dict[str, object] = {
        "agent": "alpha",
        "id": "1",
        "strategy": "trend",
        "asset": "BTC",
        "side": Side.LONG,
        "size": Decimal(2),
        "entry_price": Decimal(100),
        "exit_price": Decimal(110),
        "entry_time": datetime(2026, 3, 1, 9, 59, 59, tzinfo=UTC).timestamp(),
        "exit_time": datetime(2026, 3, 1, 11, 0, tzinfo=UTC).timestamp(),
        "fees": Decimal("1.5"),
        "slippage": Decimal("0.25"),
    }
    return Trade(**{**values, **changes})  # type: ignore[arg-type]  # fields by name


def digits(places: int) -> st.SearchStrategy[Decimal]:
    return st.builds(
        lambda whole, exponent: Decimal(whole).scaleb(-exponent),
        st.integers(-(10**places) + 1, 10**places - 1),
        st.integers(0, places),
    )


amounts = digits(27)  # within the ambient precision, so that scaleb itself is exact
trades = st.lists(
    st.builds(
        trade,
        strategy=st.sampled_from(["trend", "grid", "total", ""]),
        asset=st.sampled_from(["BTC", "ETH"]),
        side=st.sampled_from(Side),
        size=amounts.map(abs),
        entry_price=amounts.map(abs),
        exit_price=amounts.map(abs),
        entry_time=st.floats(-1e9, 4e9),
        fees=amounts,
        slippage=amounts,
        funding=amounts,
        venue=st.sampled_from(["", "binance"]),
        exit_reason=st.sampled_from(["roi", "stop_loss"]),
        tag=st.sampled_from(["", "m1", "x,y"]),
        agent=st.sampled_from(["alpha", "beta"]),
        exit_time=st.floats(0, 1e6),
        paper=st.booleans(),
    ),
    max_size=12,
)


def exact(value: Decimal) -> Fraction:
    return Fraction(value)


def test_one_trade_by_hand() -> None:
    found = attribute([trade()], "strategy")
    (line,) = found.lines
    assert (line.key, line.trades, line.wins) == ("trend", 1, 1)
    assert (line.gross, line.fees, line.slippage, line.net) == tuple(map(Decimal, ("20", "1.5", "0.5", "18")))
    assert found.fee_drag == Decimal("7.5")


def test_a_short_earns_when_the_price_falls_and_slippage_always_costs() -> None:
    found = attribute([trade(side=Side.SHORT, exit_price=Decimal(90), slippage=Decimal("-0.25"))], "side")
    assert (found.lines[0].key, found.total.net) == ("short", Decimal(18))


def test_a_trade_eaten_by_its_costs_is_no_win() -> None:
    assert attribute([trade(fees=Decimal("19.5"))], "asset").total.wins == 0
    assert attribute([trade(fees=Decimal("19.49"))], "asset").total.wins == 1


def test_the_best_come_first() -> None:
    found = attribute(
        [
            trade(strategy="grid", exit_price=Decimal(90)),
            trade(strategy="zeta"),
            trade(strategy="alpha"),
            trade(strategy="carry", exit_price=Decimal(130)),
        ],
        "strategy",
    )
    assert [line.key for line in found.lines] == ["carry", "alpha", "zeta", "grid"]


def test_hours_are_the_entries_in_utc_and_in_their_order() -> None:
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC).timestamp()
    found = attribute([trade(entry_time=late), trade(), trade(entry_time=late + 3_600), trade(entry_time=-1.0)], "hour")
    assert [(line.key, line.trades) for line in found.lines] == [("00", 1), ("09", 1), ("23", 2)]


def test_fee_drag_is_of_the_moves_in_both_directions() -> None:
    found = attribute([trade(), trade(exit_price=Decimal(95))], "strategy")
    assert found.total.gross == 10
    assert found.fee_drag == 10


def test_fee_drag_is_undefined_when_nothing_moved() -> None:
    assert attribute([], "asset").fee_drag is None
    assert attribute([trade(exit_price=Decimal(100))], "asset").fee_drag is None


def test_no_trades_have_no_lines_and_a_total_of_nothing() -> None:
    found = attribute([], "hour")
    assert found.lines == ()
    assert (found.total.trades, found.total.net) == (0, Decimal(0))


@pytest.mark.parametrize("by", ["month", "", "Strategy", "x" * 10_000])
def test_an_unknown_dimension_is_refused_naming_those_there_are(by: str) -> None:
    with pytest.raises(
        ValueError, match="choose strategy, asset, hour, weekday, side, venue, exit, tag or agent"
    ) as caught:
        attribute([trade()], by)
    assert len(str(caught.value)) < 200


def parts_make_the_whole(found: Attribution) -> bool:
    def of(name: str) -> bool:
        return sum(exact(getattr(line, name)) for line in found.lines) == exact(getattr(found.total, name))

    return all(of(name) for name in ("trades", "wins", "gross", "fees", "slippage", "funding", "net"))


@pytest.mark.parametrize("by", DIMENSIONS)
@given(trades)
def test_the_parts_always_make_the_whole(by: str, given_trades: list[Trade]) -> None:
    found = attribute(given_trades, by)
    assert parts_make_the_whole(found)
    assert len({line.key for line in found.lines}) == len(found.lines)
    for line in (*found.lines, found.total):
        assert exact(line.net) == exact(line.gross) - exact(line.fees) - exact(line.slippage) - exact(line.funding)


@given(trades)
def test_sums_are_exact_whatever_arithmetic_is_set_around_them(given_trades: list[Trade]) -> None:
    def gross(of: Trade) -> Fraction:
        move = exact(of.exit_price) - exact(of.entry_price)
        return exact(of.size) * (move if of.side is Side.LONG else -move)

    with localcontext() as context:
        context.prec = 6
        found = attribute(given_trades, "asset")
        assert getcontext().prec == 6
    assert exact(found.total.gross) == sum(gross(each) for each in given_trades)
    moved = sum(abs(gross(each)) for each in given_trades)
    if moved:
        assert found.fee_drag is not None
        assert float(found.fee_drag) == pytest.approx(float(100 * exact(found.total.fees) / moved))


@given(trades, st.sampled_from(list(combinations(DIMENSIONS, 2))))
def test_two_dimensions_crossed_make_the_whole_and_each_of_them_alone(
    given_trades: list[Trade], by: tuple[str, str]
) -> None:
    crossed, alone = attribute(given_trades, by), attribute(given_trades, by[1])
    assert parts_make_the_whole(crossed)
    assert crossed.total == alone.total
    for line in alone.lines:
        assert exact(line.net) == sum(exact(each.net) for each in crossed.lines if each.keys[1] == line.keys[0])


@pytest.mark.parametrize("by", [("asset", "asset"), ("asset", "side", "hour")])
def test_more_than_two_or_the_same_twice_is_refused(by: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="one dimension, or by two different ones crossed"):
        attribute([trade()], by)


def test_weekdays_come_in_their_order() -> None:
    days = [trade(entry_time=trade().entry_time + 86_400.0 * day) for day in range(8)]  # the first is a Sunday
    assert [line.key for line in attribute(days, "weekday").lines] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


@given(trades)
def test_sorted_or_one_by_one_every_cell_is_the_same(given_trades: list[Trade]) -> None:
    with localcontext(EXACT):
        assert rollups._sorted(given_trades) == rollups._one_by_one(given_trades) if given_trades else True


@given(trades, st.sampled_from(SPLITS))
def test_cells_of_days_and_of_always_give_what_the_trades_give(given_trades: list[Trade], by: tuple[str, ...]) -> None:
    cells = rollups.rolled(given_trades)
    for always in (True, False):
        parts = [
            ((cell.first, cell.second)[: len(by)], sums)
            for cell, sums in cells.items()
            if cell.by == ",".join(by) and (cell.span == ALWAYS) is always
        ]
        assert assemble(by, parts) == attribute(given_trades, by)


@given(trades, trades)
def test_what_is_counted_out_leaves_nothing_behind(some: list[Trade], others: list[Trade]) -> None:
    found = rollups.changed([*some, *others], others)
    assert {cell: sums for cell, sums in found.items() if sums.trades} == rollups.rolled(some)
    assert all(sums == Sums() for sums in found.values() if not sums.trades)
