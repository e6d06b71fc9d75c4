"""/metrics and /trades tell what the agent told, as strict JSON, as Prometheus text, page by page."""

from __future__ import annotations

import json
import math
import time
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from monitor.sdk import Probe
from monitor.sdk.book import Book
from monitor.sdk.trade import closed_trade
from tests.wire.probing import KEY, a_venue, ask, calm

KEYS = {
    *("agent_id", "timestamp", "status", "paused", "balance", "equity", "open_positions", "pnl_24h", "win_rate"),
    *("sharpe", "max_drawdown", "heartbeat_age", "errors_1h", "uptime", "memory", "cpu", "venue_latency", "checks"),
    *("trades_cursor", "paper", "loop_lag", "latencies", "venue_errors", "rate_limit", "clock_skew", "decision_age"),
    *("decisions_1h", "orders_1h", "rejects_1h", "repeated_orders", "feed_age", "model_latency", "model_errors"),
    *("tokens_1h", "cost_1h", "cost_24h", "available", "exposure", "leverage", "pnl_1h", "pnl_7d", "positions"),
}


def fields(number: int = 1, **changed: Any) -> Any:
    now = time.time()
    return {
        "id": f"t{number}",
        "strategy": "momentum",
        "asset": "BTC",
        "side": "long",
        "size": "0.5",
        "entry_price": Decimal("100.10"),
        "exit_price": 102.1,
        "entry_time": now - 60,
        "exit_time": now - 30,
        "fees": 0.1,
        "slippage": "0.02",
        **changed,
    }


async def test_what_was_told_is_shown_and_what_is_unknown_is_null() -> None:
    async with a_venue() as venue, Probe("alpha", venue=venue.url, machine=calm) as probe:
        empty = (await ask(probe, "/metrics")).body
        probe.money(balance=90, equity=Decimal("100.5"), open_positions=2)
        probe.money(balance=80, equity=80.4, open_positions=1)
        probe.trade(**fields(1))
        probe.trade(**fields(2, side="short", exit_price="100.20"))
        probe.trade(**fields(3, exit_time=time.time() - 90_000, entry_time=time.time() - 95_000))
        probe.error()
        probe.beat()
        full = (await ask(probe, "/metrics")).body
    assert set(empty) == set(full) == KEYS
    unknown = ("balance", "equity", "open_positions", "pnl_24h", "win_rate", "sharpe", "max_drawdown")
    assert {name: empty[name] for name in unknown} == dict.fromkeys(unknown)
    assert empty["venue_latency"] > 0
    assert (full["balance"], full["equity"], full["open_positions"]) == (80, 80.4, 1)
    # 2.00 x 0.5 - 0.1 - 0.01 = 0.89; -0.10 x 0.5 - 0.1 - 0.01 = -0.16; the third closed before the last 24 h.
    assert full["pnl_24h"] == pytest.approx(0.73)
    assert full["win_rate"] == pytest.approx(2 / 3)
    assert full["max_drawdown"] == pytest.approx(0.2)
    assert full["errors_1h"] == 1
    assert full["memory"] == 0.5
    assert {check["name"]: check["ok"] for check in full["checks"]} == {
        "venue": True,
        "memory": True,
        "cpu": True,
        "strategy": True,
    }
    assert full["trades_cursor"].endswith(":3")


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, Decimal("sNaN"), 10**400, "12", True, [], object()])
async def test_money_that_is_no_figure_is_unknown_and_counted_as_an_error(wrong: Any) -> None:
    async with Probe("alpha", machine=calm) as probe:
        probe.money(balance=wrong, equity=wrong, open_positions=wrong)
        snapshot = (await ask(probe, "/metrics")).body
    assert (snapshot["balance"], snapshot["equity"], snapshot["max_drawdown"]) == (None, None, None)
    assert snapshot["open_positions"] is None
    assert snapshot["errors_1h"] == 3


async def test_prometheus_text_is_given_by_query_or_accept_header() -> None:
    name = 'al"p\\ha {x="1"}'
    async with a_venue() as venue, Probe(name, venue=venue.url, machine=calm) as probe:
        probe.money(balance=80.5, equity=81, open_positions=1)
        probe.trade(**fields())
        by_query = await ask(probe, "/metrics?format=prometheus")
        scraped = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"
        by_accept = await ask(probe, "/metrics", accept=scraped)
        assert (await ask(probe, "/metrics", accept="application/json, text/plain, */*")).body["balance"] == 80.5
        assert (await ask(probe, "/metrics?format=json", accept="text/plain")).body["balance"] == 80.5
        assert (await ask(probe, "/metrics?format=xml")).status == 400
        guide = await ask(probe, "/metrics?format=guide")
    assert by_query.headers["Content-Type"] == by_accept.headers["Content-Type"]
    assert by_query.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(by_query.body)}
    assert set(families) == {
        *("balance_usd", "equity_usd", "pnl_24h_usd", "sharpe_ratio", "max_drawdown_pct", "win_rate_pct"),
        *("open_positions", "api_latency_seconds", "exposure_usd", "leverage", "decision_age_seconds"),
        *("feed_age_seconds", "orders_1h", "rejects_1h", "loop_lag_seconds", "model_cost_1h_usd"),
        *("available_usd", "pnl_1h_usd", "pnl_7d_usd", "paper", "paused", "heartbeat_age_seconds", "decisions_1h"),
        *("repeated_orders", "venue_errors_pct", "venue_rate_limit_pct", "venue_clock_skew_seconds"),
        *("model_latency_seconds", "model_errors_pct", "model_tokens_1h", "model_cost_24h_usd"),
        *("errors_1h", "uptime_seconds", "memory_used_pct", "cpu_used_pct"),
    }
    assert all(family.documentation and family.type == "gauge" for family in families.values())
    assert families["balance_usd"].samples[0].value == 80.5
    assert families["win_rate_pct"].samples[0].value == 100
    assert families["sharpe_ratio"].samples == []
    (latency,) = families["api_latency_seconds"].samples
    assert latency.labels == {"agent_id": name, "endpoint": "venue"}
    in_guide = {family.name: family for family in text_string_to_metric_families(guide.body)}
    assert set(in_guide) == {*families, "api_latency_ms"}
    assert in_guide["api_latency_ms"].samples[0].value == 1000 * in_guide["api_latency_seconds"].samples[0].value
    for family in families.values():
        assert all(sample.labels["agent_id"] == name and math.isfinite(sample.value) for sample in family.samples)


async def test_trades_come_in_pages_and_the_cursor_goes_on_where_it_stopped() -> None:
    async with Probe("alpha", machine=calm) as probe:
        for number in range(1, 1203):
            probe.trade(**fields(number))
        first = (await ask(probe, "/trades?limit=9999")).body
        assert (len(first["trades"]), first["more"]) == (500, True)
        ids, page = [], first
        while True:
            ids += [trade["id"] for trade in page["trades"]]
            if not page["more"]:
                break
            page = (await ask(probe, f"/trades?since={page['next']}")).body
        assert ids == [f"t{number}" for number in range(1, 1203)]
        assert page["next"] == (await ask(probe, "/metrics")).body["trades_cursor"]
        probe.trade(**fields(9000))
        page = (await ask(probe, f"/trades?since={page['next']}&limit=1")).body
        assert [trade["id"] for trade in page["trades"]] == ["t9000"]
        assert page["more"] is False
        assert (await ask(probe, f"/trades?since={page['next']}")).body["trades"] == []


async def test_a_trade_is_served_whole_with_decimals_as_text() -> None:
    async with Probe("alpha", machine=calm) as probe:
        entry, exit_ = datetime(2026, 1, 2, 3, 4, 5, 250_000, tzinfo=UTC), datetime(2026, 1, 2, 4, tzinfo=UTC)
        probe.trade(**fields(7, id=7, entry_time=entry, exit_time=exit_, size=1e-7, fees=-1))
        (trade,) = (await ask(probe, "/trades")).body["trades"]
    assert trade == {
        "id": "7",
        "strategy": "momentum",
        "asset": "BTC",
        "side": "long",
        "size": "0.0000001",
        "entry_price": "100.10",
        "exit_price": "102.1",
        "entry_time": entry.timestamp(),
        "exit_time": exit_.timestamp(),
        "fees": "-1",
        "slippage": "0.02",
    }


async def test_the_cursor_of_a_former_run_starts_from_the_oldest(tmp_path: Path) -> None:
    async with Probe("alpha", key=KEY, state=tmp_path / "s", machine=calm) as probe:
        probe.trade(**fields(1))
        probe.trade(**fields(2))
        former = (await ask(probe, "/trades")).body["next"]
    async with Probe("alpha", key=KEY, state=tmp_path / "s", machine=calm) as probe:
        probe.trade(**fields(3))
        page = (await ask(probe, f"/trades?since={former}")).body
    assert [trade["id"] for trade in page["trades"]] == ["t3"]
    assert page["next"].split(":")[0] != former.split(":")[0]


@pytest.mark.parametrize("kind", ["epoch", "iso", "zone", "unquoted zone", "naive"])
async def test_trades_can_be_asked_for_by_time(kind: str) -> None:
    base = datetime(2026, 5, 4, 12, tzinfo=UTC)
    since = base + timedelta(hours=2)
    zone = since.astimezone(timezone(timedelta(hours=5)))
    asked = {
        "epoch": str(since.timestamp()),
        "iso": since.isoformat().replace("+00:00", "Z"),
        "zone": quote(zone.isoformat()),
        "unquoted zone": zone.isoformat(),
        "naive": "2026-05-04 14:00",
    }[kind]
    async with Probe("alpha", machine=calm) as probe:
        for number, hour in enumerate([0, 3, 1, 2, 4]):
            probe.trade(**fields(number, entry_time=base, exit_time=base + timedelta(hours=hour)))
        first = (await ask(probe, f"/trades?limit=2&since={asked}")).body
        assert [trade["id"] for trade in first["trades"]] == ["t1", "t3"]
        assert first["more"] is True
        rest = (await ask(probe, f"/trades?since={first['next']}")).body
        assert [trade["id"] for trade in rest["trades"]] == ["t4"]


@pytest.mark.parametrize(
    "query", ["since=yesterday", "since=nan", "since=inf", "limit=0", "limit=-1", "limit=x", "limit=%C2%B2", "limit="]
)
async def test_a_query_that_makes_no_sense_is_400(query: str) -> None:
    async with Probe("alpha", machine=calm) as probe:
        answer = await ask(probe, f"/trades?{query}")
    assert answer.status == 400
    assert answer.body["error"].endswith(".")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"size": math.nan}, "size must be a finite number"),
        ({"size": 0}, "size must be above 0"),
        ({"size": "-1"}, "a sale is side='short'"),
        ({"size": 10**30}, "size must be a finite number"),
        ({"size": True}, "size must be a finite number"),
        ({"entry_price": None}, "entry_price must be a finite number below 1e18, not None"),
        ({"entry_price": "abc"}, "entry_price must be a finite number below 1e18, not 'abc'"),
        ({"exit_price": Decimal("Infinity")}, "exit_price must be a finite number"),
        ({"exit_price": []}, "exit_price must be a finite number"),
        ({"fees": "1e-999"}, "fees must have at most 40 decimal places"),
        ({"side": "buy"}, "side must be 'long' or 'short', not 'buy'"),
        ({"id": ""}, "id must be 1 to 200 printable characters"),
        ({"id": None}, "id must be"),
        ({"id": True}, "id must be"),
        ({"asset": "a\nb"}, "asset must be"),
        ({"strategy": "x" * 201}, "strategy must be"),
        ({"exit_time": 1}, "exit_time must not lie before its entry_time"),
        ({"exit_time": time.time() * 1000}, "exit_time must be seconds since the epoch"),
        ({"exit_time": math.nan}, "exit_time must be seconds since the epoch"),
        ({"exit_time": 10**400}, "exit_time must be seconds since the epoch"),
        ({"entry_time": datetime(2026, 1, 1)}, "entry_time must have a time zone"),  # noqa: DTZ001 - the wrong thing on purpose
        ({"entry_time": "now"}, "entry_time must be seconds since the epoch"),
        ({"colour": "red"}, "a trade has no colour"),
    ],
)
def test_a_bad_trade_is_refused_with_one_sentence_and_not_kept(changed: Any, sentence: str) -> None:
    probe = Probe("alpha", machine=calm)
    with pytest.raises(ValueError, match="trade") as caught:
        probe.trade(**fields(**changed))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert probe._book.cursor.endswith(":0")


def test_a_trade_that_lacks_fields_names_them() -> None:
    incomplete: Any = {"id": "1", "strategy": "a"}
    with pytest.raises(ValueError, match=r"^a trade needs asset, entry_price, entry_time, exit_price"):
        Probe("alpha").trade(**incomplete)


def test_what_a_trade_did_not_cost_need_not_be_told() -> None:
    needed = {name: value for name, value in fields().items() if name not in ("fees", "slippage")}
    trade = closed_trade(**needed)
    assert (trade.fees, trade.slippage, trade.funding, trade.tag) == (Decimal(0), Decimal(0), Decimal(0), "")
    told = closed_trade(**needed, funding="0.25", venue="binance", exit_reason="stop", tag="model-7")
    assert told.net == trade.net - Decimal("0.25")
    assert told.row() == {**trade.row(), "funding": "0.25", "venue": "binance", "exit_reason": "stop", "tag": "model-7"}


def test_telling_a_trade_twice_changes_nothing() -> None:
    book = Book("b0")
    book.tell_trade(closed_trade(**fields(1)))
    book.tell_trade(closed_trade(**fields(1, exit_price=1)))
    assert book.cursor == "b0:1"
    assert book.win_rate == 1


def test_only_the_newest_trades_are_kept_and_a_profit_that_lacks_some_is_unknown() -> None:
    book = Book("b0", keep=3)
    now = time.time()
    for number in range(1, 4):
        book.tell_trade(closed_trade(**fields(number)))
    assert book.pnl(now, 86_400.0) == pytest.approx(3 * 0.89)
    book.tell_trade(closed_trade(**fields(4, exit_price=1)))
    assert [trade.id for trade in book.page().trades] == ["t2", "t3", "t4"]
    assert [trade.id for trade in book.page("b0:1").trades] == ["t2", "t3", "t4"]
    assert [trade.id for trade in book.page("b0:3").trades] == ["t4"]
    assert book.page("b0:999").trades == ()
    assert book.win_rate == pytest.approx(2 / 3)
    assert book.pnl(now, 86_400.0) is None
    assert book.pnl(now + 100_000, 86_400.0) == 0


@given(
    kept=st.integers(1, 20),
    told=st.lists(st.integers(0, 30), max_size=60),
    limit=st.integers(1, 10),
    read_after=st.integers(0, 60),
)
def test_reading_page_by_page_while_trades_arrive_misses_none_that_is_kept(
    kept: int, told: list[int], limit: int, read_after: int
) -> None:
    book, read, cursor = Book("b0", keep=kept), [], ""
    for position, number in enumerate(told):
        book.tell_trade(closed_trade(**fields(number)))
        if position >= read_after:
            page = book.page(cursor, limit)
            read += [trade.id for trade in page.trades]
            cursor = page.next
    while True:
        page = book.page(cursor, limit)
        read += [trade.id for trade in page.trades]
        cursor = page.next
        if not page.more:
            break
    newest = [trade.id for trade in book.page("", 100).trades]
    assert read[len(read) - len(newest) :] == newest
    assert cursor == book.cursor


@given(st.lists(st.tuples(st.floats(), st.floats() | st.none(), st.integers() | st.none()), max_size=30))
def test_whatever_floats_are_told_the_figures_stay_finite(told: list[tuple[float, float | None, int | None]]) -> None:
    book = Book("b0")
    for balance, equity, positions in told:
        book.tell_money(balance, equity, positions)
    json.dumps([book.money.balance, book.money.equity, book.money.open_positions, book.max_drawdown], allow_nan=False)
    assert book.max_drawdown is None or book.max_drawdown >= 0
