"""freqtrade's API as far as the desk uses it: it refuses what the real one refuses, and fails when it is told to."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

USER, PASSWORD = "ana", "pass-word-1234"
NOW = 1_790_000_000


def a_row(number: int, profit: str = "0.5", opened: int = NOW - 600, closed: int | None = NOW) -> dict[str, Any]:
    """A trade as it is told; its profit is freqtrade's own."""
    return {
        "trade_id": number,
        "pair": "BTC/USDT",
        "is_open": closed is None,
        "is_short": False,
        "amount": 0.00173,
        "strategy": "Bench",
        "open_rate": 57_794.64,
        "close_rate": None if closed is None else 58_200.5,
        "open_timestamp": opened * 1000,
        "close_timestamp": None if closed is None else closed * 1000,
        "close_profit_abs": None if closed is None else float(profit),
        "current_rate": 58_000.0,
        "profit_abs": 0.1,
    }


@dataclass
class FakeFreqtrade:
    """One bot: what it holds, how it fails, and what it was asked."""

    url: str = ""
    state: str = "running"
    max_open_trades: float = 3.0
    trades: list[dict[str, Any]] = field(default_factory=list)
    fails: dict[str, int] = field(default_factory=dict)
    """Path -> the status that it answers with instead."""
    texts: dict[str, str] = field(default_factory=dict)
    """Path -> what it says when it fails, where that is not freqtrade's own error."""
    old: bool = False
    """Whether it is of 2024: a stop of entries leaves the state as it is, and trades come by their ids only."""
    slow: dict[str, asyncio.Event] = field(default_factory=dict)
    """Path -> until when it does not answer."""
    answers: dict[str, Any] = field(default_factory=dict)
    """Path -> what it answers in place of the truth."""
    asked: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    """Access tokens that are taken."""
    refreshes: bool = True
    initial: str = "running"
    """What it is once it has read its settings anew, which takes it a question or two."""
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    sold: str | None = None
    """By what kind of order everything was sold."""
    heavy: int = 0
    """Bytes that each trade says for nothing."""
    _made: int = 0
    _reads: int = 0
    """Questions until its settings are read."""

    def expire(self) -> None:
        """Let every access token run out."""
        self.tokens.clear()

    def delete(self, number: int) -> None:
        """Forget a trade, as its owner may."""
        self.trades = [each for each in self.trades if each["trade_id"] != number]

    async def tell(self, topic: str) -> None:
        """Tell over every WebSocket."""
        for each in (each for each in self.sockets if not each.closed):
            await each.send_json({"type": topic, "trade_id": 1})

    def answer(self, path: str) -> Any:
        """What a path answers."""
        closed = sorted((each for each in self.trades if not each["is_open"]), key=lambda each: each["trade_id"])
        money = {"currency": "USDT", "free": 703.8, "balance": 703.8, "bot_owned": 693.7}
        rows = [money, {"currency": "BTC", "free": 0.1}]
        row = ["2026-11-23 17:36:13", 1.0, "freqtrade.worker", "INFO", "token=abc123456\nsecond line"]
        config = {"state": self.state, "dry_run": True, "max_open_trades": self.max_open_trades, "version": "x"}
        return {
            "show_config": config,
            "balance": {"currencies": rows, "total": 1_003.7, "total_bot": 993.7, "stake": "USDT"},
            "status": [each for each in self.trades if each["is_open"]],
            "health": {"last_process_ts": NOW, "bot_start_ts": 1, "bot_startup_ts": NOW - 900},
            "sysinfo": {"cpu_pct": [10.0, 30.0], "ram_pct": 41.0},
            "version": {"version": "2024.9" if self.old else "2026.9"},
            "profit": {"closed_trade_count": len(closed), "winrate": 0.75, "max_drawdown": 0.02},
            "logs": {"log_count": 1, "logs": [row]},
            "trades": closed,
        }[path]


def _wrong(request: web.Request, fake: FakeFreqtrade) -> bool:
    given = request.headers.get("Authorization", "")
    basic = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return given != basic and given.removeprefix("Bearer ") not in fake.tokens


@asynccontextmanager
async def fake_freqtrade() -> AsyncIterator[FakeFreqtrade]:
    """Run one."""
    fake = FakeFreqtrade()
    app = web.Application()
    app.router.add_route("*", "/api/v1/{path:.*}", _handler(fake))
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        for each in fake.sockets:
            await each.close()
        await runner.cleanup()


def _handler(fake: FakeFreqtrade) -> Any:
    async def handle(request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        fake.asked.append(f"{request.method} {path}")
        if path in fake.slow:
            await fake.slow[path].wait()
        if path in fake.fails:
            text = fake.texts.get(path) or json.dumps({"error": f"Error querying /api/v1/{path}: no rights"})
            return web.Response(status=fake.fails[path], text=text)
        if path == "message/ws":
            return await _socket(request, fake)
        if path == "ping":
            return web.json_response({"status": "pong"})
        if path.startswith("token/"):
            return _token(request, fake, path)
        if _wrong(request, fake):
            return web.json_response({"detail": "Unauthorized"}, status=401)
        return await _answer(request, fake, path)

    return handle


def _token(request: web.Request, fake: FakeFreqtrade, path: str) -> web.Response:
    given = request.headers.get("Authorization", "")
    fine = fake.refreshes and given == "Bearer refresh" if path == "token/refresh" else not _wrong(request, fake)
    if request.method != "POST" or not fine:
        return web.json_response({"detail": "Unauthorized"}, status=401)
    fake._made += 1
    fake.tokens.add(f"access-{fake._made}")
    return web.json_response({"access_token": f"access-{fake._made}", "refresh_token": "refresh"})


async def _answer(request: web.Request, fake: FakeFreqtrade, path: str) -> web.Response:
    if request.method == "POST":
        return await _ordered(request, fake, path)
    if path == "show_config" and fake.state == "reload_config":
        fake._reads -= 1
        if not fake._reads:
            fake.state, fake.max_open_trades = fake.initial, 3.0
    if path in fake.answers:
        return web.json_response(fake.answers[path])
    if path == "trades":
        rows, at = fake.answer("trades"), int(request.query.get("offset", 0))
        if request.query.get("order_by_id", "true") == "false" and not fake.old:
            rows.sort(key=lambda each: each["close_timestamp"], reverse=True)
        page = [{**each, "enter_tag": fake.heavy * "x"} for each in rows[at : at + int(request.query["limit"])]]
        return web.json_response({"trades": page, "trades_count": len(page), "offset": at, "total_trades": len(rows)})
    if path.startswith("trade/"):
        found = [each for each in fake.trades if str(each["trade_id"]) == path.removeprefix("trade/")]
        if not found:
            return web.json_response({"detail": "Trade not found."}, status=404)
        return web.json_response(found[0])
    return web.json_response(fake.answer(path))


async def _ordered(request: web.Request, fake: FakeFreqtrade, path: str) -> web.Response:
    said = ""
    if path in ("stopentry", "stopbuy") and not fake.old:  # one that is stopped begins by it, paused
        fake.state, said = "paused", "paused, no more entries will occur from now."
    elif path in ("stopentry", "stopbuy"):
        fake.max_open_trades = 0 if fake.state == "running" else fake.max_open_trades
        said = "No more entries will occur from now. Run /reload_config to reset."
    elif path == "reload_config":
        fake.state, fake._reads, said = "reload_config", 2, "Reloading config ..."
    elif path in ("start", "stop"):
        fake.state, said = {"start": "running", "stop": "stopped"}[path], f"{path}ping trader ..."
    elif path == "forceexit":
        return _sold(await request.json(), fake)
    return web.json_response({"status": said} if said else {"detail": "Not Found"}, status=200 if said else 404)


def _sold(asked: Any, fake: FakeFreqtrade) -> web.Response:
    if asked.get("ordertype") not in (None, "market", "limit"):
        return web.json_response({"detail": "Input should be 'limit' or 'market'"}, status=422)
    if asked["tradeid"] != "all" or fake.state == "stopped":
        return web.json_response({"error": "Error querying /api/v1/forceexit: trader is not running"}, status=502)
    fake.sold = asked.get("ordertype") or "as its strategy says"
    for each in (each for each in fake.trades if each["is_open"]):
        each.update(is_open=False, close_rate=58_000.0, close_timestamp=NOW * 1000, close_profit_abs=0.25)
    return web.json_response({"result": "Created exit orders for all open trades."})


async def _socket(request: web.Request, fake: FakeFreqtrade) -> web.StreamResponse:
    if request.query.get("token") not in fake.tokens:
        raise web.HTTPForbidden
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    said = await socket.receive_json()
    if said.get("type") != "subscribe" or not said.get("data"):
        await socket.close()
        return socket
    fake.sockets.append(socket)
    async for _ in socket:
        await asyncio.sleep(0)
    return socket
