"""Every refusal of Slack is a sentence that says what to do, and what to wait for."""

from __future__ import annotations

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.slack.errors import GONE, UNREADABLE, explain, unreached


@given(st.integers(100, 999), st.text(max_size=80), st.text(max_size=80))
def test_any_answer_is_one_bounded_sentence(status: int, code: str, needed: str) -> None:
    said = str(explain(status, code, {}, channel="C0", needed=needed[:80]))
    assert said.startswith("Slack ")
    assert said.endswith(".")
    assert len(said) < 300
    assert "\n" not in said or "\n" in needed


@pytest.mark.parametrize(
    ("header", "wait"),
    [("30", 30.0), ("0", 0.0), ("-5", 0.0), ("nan", 1.0), ("soon", 1.0), ("1e9", 3_600.0), (None, 1.0)],
)
def test_the_time_to_wait_is_bounded_and_never_nonsense(header: str | None, wait: float) -> None:
    assert explain(429, "", None if header is None else {"Retry-After": header}).retry_after == wait


@pytest.mark.parametrize("code", sorted(GONE))
def test_what_is_gone_is_refused_for_good(code: str) -> None:
    assert explain(200, code).permanent


@pytest.mark.parametrize("code", ["invalid_auth", "internal_error", "whatever", *sorted(UNREADABLE)])
def test_everything_else_is_tried_again(code: str) -> None:
    error = explain(200, code)
    assert (error.permanent, error.code) == (False, code)


@pytest.mark.parametrize(
    ("error", "uncertain"),
    [
        (aiohttp.ConnectionTimeoutError(), False),
        (aiohttp.SocketTimeoutError(), True),
        (aiohttp.ServerDisconnectedError(), True),
        (TimeoutError(), True),
        (ConnectionResetError(), True),
        (aiohttp.ClientPayloadError(), True),
        (AttributeError("'str' object has no attribute 'get'"), True),
    ],
)
def test_a_call_without_an_answer_is_in_doubt_unless_it_never_left(error: Exception, uncertain: bool) -> None:
    told = unreached(error)
    assert (told.uncertain, told.permanent) == (uncertain, False)


@pytest.mark.parametrize(
    ("status", "code", "busy"),
    [(429, "", True), (503, "", True), (200, "internal_error", True), (200, "missing_scope", False)],
)
def test_what_passes_by_itself_is_told_from_what_people_must_mend(status: int, code: str, busy: bool) -> None:
    assert explain(status, code).busy is busy


def test_slack_in_trouble_itself_may_have_taken_it_and_one_that_asks_to_wait_has_not() -> None:
    assert explain(500, "").uncertain
    assert explain(200, "internal_error").uncertain
    assert not explain(429, "ratelimited", {"Retry-After": "3"}).uncertain
    assert not explain(200, "not_in_channel").uncertain
