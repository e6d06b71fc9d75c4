from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.arguments import duration, moment, signed
from bot.command import UsageError

NOW = 1_764_072_180.0


@pytest.mark.parametrize(
    ("text", "value"),
    [("+1000", "1000"), ("-1,250.50", "-1250.50"), ("−3", "-3"), ("+1,000,000", "1000000")],  # noqa: RUF001 -- a phone's minus
)
def test_an_amount_is_read_with_its_sign(text: str, value: str) -> None:
    assert signed(text) == Decimal(value)


@pytest.mark.parametrize("text", ["1000", "+", "+0", "-0.00", "+1,50", "+1e5", "+nan", "+inf", "++1", "+1_000", ""])
def test_an_amount_that_could_be_misread_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        signed(text)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("now", NOW),
        ("10m", NOW - 600),
        ("1h30m", NOW - 5_400),
        ("12:03", NOW),
        ("12:04", NOW + 60 - 86_400),
        ("0:00", NOW - 12 * 3_600 - 180),
        ("2025-11-25T12:00", NOW - 180),
        ("2025-11-25T13:00+01:00", NOW - 180),
        ("monthly", None),
    ],
)
def test_a_time_that_has_passed_is_read(text: str, at: float | None) -> None:
    assert moment(text, NOW) == at


@pytest.mark.parametrize("text", ["24:00", "12:60", "2025-11-25T12:30", "900000w"])
def test_a_time_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        moment(text, NOW)


@given(st.text(max_size=40) | st.from_regex(r"[0-9.:,+-]{1,12}[smhdw]?", fullmatch=True))
def test_nonsense_is_refused_or_read_within_bounds(text: str) -> None:
    with contextlib.suppress(UsageError):
        at = moment(text, NOW)
        assert at is None or 0 < at <= NOW
    with contextlib.suppress(UsageError):
        assert duration(text) > 0
    with contextlib.suppress(UsageError):
        assert signed(text) != 0
