from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.format import amount, block, clock, count, lacking, money, number, plain, share, span

NOON = 1_764_072_180.0


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1234.5, "1,234.50 USD"),
        (-0.001, "0.00 USD"),
        (Decimal("-1234567.891"), "-1,234,567.89 USD"),
        (1e300, "1.000e+300 USD"),
        (None, "n/a"),
        (math.nan, "n/a"),
        (math.inf, "n/a"),
        (Decimal("NaN"), "n/a"),
    ],
)
def test_money_has_separators_decimals_and_its_currency(value: float | Decimal | None, written: str) -> None:
    assert money(value, "USD") == written


def test_a_sign_is_shown_where_it_matters() -> None:
    assert number(12.3, signed=True) == "+12.30"
    assert number(-12.3, signed=True) == "-12.30"
    assert number(0.0, signed=True) == "0.00"


def test_an_amount_keeps_the_decimals_it_was_given() -> None:
    assert amount(Decimal("-1000.5"), "USD") == "-1,000.50 USD"
    assert amount(Decimal("+0.00012"), "BTC") == "+0.00012 BTC"
    assert amount(Decimal("+1E+3"), "USD") == "+1,000.00 USD"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.004, "4 ms"),
        (0.12, "120 ms"),
        (0.9996, "1 s"),
        (1.2, "1.2 s"),
        (9.97, "10 s"),
        (45, "45 s"),
        (59.6, "1 m"),
        (252, "4 m 12 s"),
        (7_500, "2 h 5 m"),
        (86_400, "1 d"),
        (273_600, "3 d 4 h"),
        (-3, "0 ms"),
        (None, "n/a"),
        (math.inf, "n/a"),
    ],
)
def test_a_length_of_time_reads_as_people_say_it(seconds: float | None, written: str) -> None:
    assert span(seconds) == written


def test_a_time_has_its_date_unless_it_is_todays() -> None:
    assert clock(NOON, NOON + 60) == "12:03 UTC"
    assert clock(NOON - 86_400, NOON) == "2025-11-24 12:03 UTC"


def test_what_is_undefined_says_what_it_lacks() -> None:
    assert lacking(12, 30) == "n/a (12 of 30 samples)"
    assert share(None) == "n/a"
    assert share(0.153) == "15.3%"
    assert (count(1, "alert"), count(3, "alert")) == ("1 alert", "3 alerts")


@given(st.text(max_size=300), st.integers(1, 50))
def test_plain_text_is_one_printable_line_within_its_bound(text: str, limit: int) -> None:
    line = plain(text, limit)
    assert line.isprintable()
    assert len(line) <= limit
    assert plain(line) == line


@given(st.text(max_size=300))
def test_a_block_of_text_keeps_its_lines_and_nothing_that_moves_a_cursor(text: str) -> None:
    assert all(each.isprintable() or each == "\n" for each in block(text))


def test_escape_sequences_go_whole() -> None:
    assert plain("\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07 \x9b2J") == "red link 2J"
