from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Check, Position, Side
from monitor.sources._snapshot import FALLBACKS, FIELDS, BadAnswerError, parse, read_sample

NAMES = sorted({*FIELDS, *FALLBACKS.values(), "agent_id", "checks", "other"})
T = TypeVar("T")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def told(read: Callable[[], T]) -> T | None:
    """What was read, or None where the answer was refused in one short line."""
    try:
        return read()
    except BadAnswerError as error:
        if not str(error).isprintable() or len(str(error)) > 200:
            pytest.fail(f"no short line: {error}")
        return None


@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_any_object_is_a_finite_sample_or_one_sentence(document: dict[str, Any]) -> None:
    sample = told(lambda: read_sample("alpha", parse(json.dumps(document).encode()), {}, 1.0, None))
    if sample is None:
        return
    numbers = (sample.equity, sample.balance, sample.pnl_24h, sample.sharpe, sample.memory, sample.errors_1h)
    assert all(number is None or abs(number) <= 1e15 for number in numbers)
    assert sample.equity is not None or sample.balance is None


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_one_sentence(body: bytes) -> None:
    assert isinstance(told(lambda: parse(body)), dict | None)


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({"equity": 1.1e15}, "equity is larger than 1e+15"),
        ({"open_positions": 2.5}, "open_positions is 2.5, not a whole number"),
        ({"paused": "no"}, "paused is text, not true or false"),
        ({"status": 1}, "status is a number, not text"),
        ({"checks": {}}, "checks is an object, not a list"),
        ({"checks": [1]}, "checks[0] is a number, not an object"),
        ({"checks": [{"name": "", "ok": True}]}, "checks[0].name is empty"),
        ({"checks": [{"name": "venue"}]}, "checks[0].ok is null, not true or false"),
        ({}, "answered none of the fields of a snapshot: name its own in `fields` of the source"),
    ],
)
def test_the_sentence_names_the_field(document: dict[str, Any], error: str) -> None:
    with pytest.raises(BadAnswerError) as caught:
        read_sample("alpha", document, {}, 1.0, None)
    assert str(caught.value) == error


def test_checks_are_bounded_and_of_one_name_the_worse_counts() -> None:
    many = [{"name": f"c{number}", "ok": True} for number in range(100)]
    assert len(read_sample("alpha", {"checks": many}, {}, 1.0, None).checks) == 32
    twice = [{"name": "venue", "ok": ok, "detail": str(ok)} for ok in (True, False, True)]
    assert read_sample("alpha", {"checks": twice}, {}, 1.0, None).checks == (Check("venue", ok=False, detail="False"),)


def test_positions_and_latencies_are_read_in_order_and_bounded() -> None:
    rows = [{"asset": "ETH", "side": "short", "size": 2}, {"asset": "BTC", "side": "long", "size": 0.5, "pnl": -1}]
    document = {"balance": 1, "positions": rows, "latencies": {"orders": 0.2, "book": 0.1}, "open_positions": 9}
    sample = read_sample("alpha", document, {}, 1.0, None)
    assert sample.positions == (Position("BTC", Side.LONG, 0.5, pnl=-1.0), Position("ETH", Side.SHORT, 2.0))
    assert (sample.open_positions, sample.latencies) == (2, (("book", 0.1), ("orders", 0.2)))
    assert read_sample("alpha", {"balance": 1, "positions": []}, {}, 1.0, None).open_positions == 0


def test_the_guides_latency_may_come_by_endpoint() -> None:
    document = {"balance": 1, "api_latency_ms": {"orders": 120, "venue": 40}}
    sample = read_sample("alpha", document, {}, 1.0, None)
    assert (sample.venue_latency, sample.latencies) == (0.04, (("orders", 0.12), ("venue", 0.04)))
    assert read_sample("alpha", {"balance": 1, "api_latency_ms": 40}, {}, 1.0, None).venue_latency == 0.04


def test_endpoints_are_bounded_and_each_has_one_latency_also_where_their_names_become_the_same() -> None:
    many = {f"{number:03}": 1 for number in range(100)}
    sample = read_sample("alpha", {"balance": 1, "latencies": many, "api_latency_ms": {"a": 1} | many}, {}, 1.0, None)
    assert len(sample.latencies) == 32
    same = {"x" * 64 + "1": 1, "x" * 64 + "2": 2, "y\n": 1, "y": 2}
    names = [name for name, _ in read_sample("alpha", {"balance": 1, "latencies": same}, {}, 1.0, None).latencies]
    assert len(names) == len(set(names)) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"positions": 3},
        {"positions": [1]},
        {"positions": [{"asset": "BTC", "side": "long", "size": 1}, {"asset": "ETH", "side": "up", "size": 1}]},
        {"positions": [{"asset": "BTC", "side": "long", "size": 0}]},
        {"positions": [{"asset": "", "side": "long", "size": 1}]},
        {"positions": [{"asset": "B", "side": "long", "size": 1}] * 201},
        {"latencies": [1]},
        {"latencies": {"book": "slow"}},
        {"leverage": "3x", "paper": "yes", "tokens_1h": 1.5},
    ],
)
def test_something_else_that_is_called_like_a_signal_costs_no_look(other: dict[str, Any]) -> None:
    sample = read_sample("alpha", {"balance": 1, **other}, {}, 1.0, None)
    assert (sample.balance, sample.positions, sample.latencies) == (1.0, None, ())
    assert (sample.leverage, sample.paper, sample.tokens_1h) == (None, None, None)


def test_a_signal_that_the_settings_name_is_read_strictly() -> None:
    with pytest.raises(BadAnswerError, match=r"risk.lev \(leverage\) is text, not a number"):
        read_sample("alpha", {"balance": 1, "risk": {"lev": "3x"}}, {"leverage": "risk.lev"}, 1.0, None)
