"""A real freqtrade in dry run, with an exchange that answers from a formula: no network, and trades within seconds."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.hostile import closed_port

USER, PASSWORD = "ana", "pass-word-1234"
PAIRS = ("BTC/USDT", "ETH/USDT", "LTC/USDT", "XMR/USDT", "ZEC/USDT")
STARTS_WITHIN = 90.0

EXCHANGE = '''"""Puts a formula in the place of the exchange's network."""
import math, time
import ccxt, ccxt.async_support, ccxt.pro

BASES = {"BTC": 60000.0, "ETH": 3000.0, "LTC": 80.0, "XMR": 160.0, "ZEC": 40.0}

def price(symbol, at=None):
    base = symbol.split("/")[0]
    at = time.time() if at is None else at
    # It goes up and down, and up in the long run: whoever buys at a peak is not stuck there.
    return round(BASES[base] * (1 + 0.01 * math.sin(at / 3 + BASES[base]) + 0.0002 * (at % 3600)), 2)

def markets():
    return [
        {
            "id": base + "USDT", "symbol": base + "/USDT", "base": base, "quote": "USDT", "baseId": base,
            "quoteId": "USDT", "active": True, "type": "spot", "spot": True, "margin": False, "swap": False,
            "future": False, "option": False, "contract": False, "taker": 0.001, "maker": 0.001, "percentage": True,
            "precision": {"amount": 0.00001, "price": 0.01},
            "limits": {"amount": {"min": 0.00001, "max": 9000}, "cost": {"min": 5, "max": 9e6},
                       "price": {"min": 0.01, "max": 1e6}},
            "info": {},
        }
        for base in BASES
    ]

def ticker(symbol):
    now = price(symbol)
    return {"symbol": symbol, "bid": now, "ask": now, "last": now, "close": now, "quoteVolume": 1e9, "info": {},
            "timestamp": int(time.time() * 1000), "percentage": 0.1}

def candles(symbol, since, limit):
    step, end = 60, int(time.time()) // 60 * 60
    start = max(end - 60 * (limit or 200), int((since or 0) / 1000) // 60 * 60 if since else 0)
    return [[at * 1000, price(symbol, at), price(symbol, at) * 1.01, price(symbol, at) * 0.99, price(symbol, at + 59),
             100.0] for at in range(start, end + 1, step)]

def book(symbol):
    now = price(symbol)
    return {"symbol": symbol, "bids": [[now, 1000.0]] * 20, "asks": [[now, 1000.0]] * 20, "timestamp": None}

def both(name, answer):
    setattr(ccxt.binance, name, lambda self, *a, **k: answer(*a, **k))
    async def later(self, *a, **k):
        return answer(*a, **k)
    for asked in (ccxt.async_support.binance, ccxt.pro.binance):
        setattr(asked, name, later)

both("fetch_markets", lambda params={}: markets())
both("fetch_currencies", lambda params={}: {})
both("fetch_tickers", lambda symbols=None, params={}: {s: ticker(s) for s in (symbols or [b + "/USDT" for b in BASES])})
both("fetch_ticker", lambda symbol, params={}: ticker(symbol))
both("fetch_l2_order_book", lambda symbol, limit=None, params={}: book(symbol))
both("fetch_order_book", lambda symbol, limit=None, params={}: book(symbol))
both("fetch_time", lambda params={}: int(time.time() * 1000))
both("fetch_ohlcv", lambda symbol, timeframe="1m", since=None, limit=None, params={}: candles(symbol, since, limit))
'''

STRATEGY = """from freqtrade.strategy import IStrategy


class Bench(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1m"
    minimal_roi = {"0": 0.002}
    stoploss = -0.03
    startup_candle_count = 5
    process_only_new_candles = False
    order_types = {"entry": "market", "exit": "limit", "stoploss": "market", "stoploss_on_exchange": False}

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe.loc[:, ["enter_long", "enter_tag"]] = (1, "bench")
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        return dataframe
"""


@dataclass
class Bot:
    """One freqtrade."""

    folder: Path
    program: str
    port: int = field(default_factory=lambda: int(closed_port().rpartition(":")[2]))
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where its API is."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it, and wait until its loop has turned."""
        out = (self.folder / "freqtrade.log").open("ab")
        self.process = await asyncio.create_subprocess_exec(
            *(self.program, "trade", "--config", str(self.folder / "config.json")),
            *("--userdir", str(self.folder), "--strategy-path", str(self.folder)),
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder)},
            stdout=out,
            stderr=out,
        )
        out.close()
        async with asyncio.timeout(STARTS_WITHIN):
            while True:
                with contextlib.suppress(httpx.HTTPError, KeyError, TypeError, ValueError):
                    health = await self.ask("health")
                    if health["last_process_ts"] > health["bot_startup_ts"] > 0:
                        return
                if self.process.returncode is not None:
                    raise RuntimeError(self.log()[-3_000:])
                await asyncio.sleep(0.2)

    async def stop(self) -> None:
        """End it."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
            try:
                async with asyncio.timeout(20):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
                await self.process.wait()

    async def restart(self) -> None:
        """End it and start it anew, with the same database."""
        await self.stop()
        await self.start()

    async def ask(self, path: str, method: str = "GET", **body: Any) -> Any:
        """Ask its API past the desk."""
        async with httpx.AsyncClient(trust_env=False, timeout=20, auth=(USER, PASSWORD)) as client:
            answer = await client.request(method, f"{self.url}/api/v1/{path}", json=body or None)
            return answer.json()

    def log(self) -> str:
        """What it wrote."""
        return (self.folder / "freqtrade.log").read_text(errors="replace")


@contextlib.asynccontextmanager
async def freqtrade(folder: Path, program: str) -> AsyncIterator[Bot]:
    """Run a bot in a folder of its own."""
    bot = Bot(folder, program)
    (folder / "sitecustomize.py").write_text(EXCHANGE)
    (folder / "bench.py").write_text(STRATEGY)
    (folder / "config.json").write_text(json.dumps(_config(bot)))
    try:
        await bot.start()
        yield bot
    finally:
        await bot.stop()


def _config(bot: Bot) -> dict[str, Any]:
    return {
        "bot_name": "bench",
        "strategy": "Bench",
        "dry_run": True,
        "dry_run_wallet": 1_000,
        "db_url": f"sqlite:///{bot.folder / 'trades.sqlite'}",
        "max_open_trades": 3,
        "stake_currency": "USDT",
        "stake_amount": 100,
        "tradable_balance_ratio": 0.99,
        "trading_mode": "spot",
        "initial_state": "running",
        "internals": {"process_throttle_secs": 1},
        "exchange": {"name": "binance", "enable_ws": False, "pair_whitelist": list(PAIRS), "pair_blacklist": []},
        "entry_pricing": {"price_side": "other", "use_order_book": True, "order_book_top": 1},
        "exit_pricing": {"price_side": "other", "use_order_book": True, "order_book_top": 1},
        "pairlists": [{"method": "StaticPairList"}],
        "telegram": {"enabled": False, "token": "", "chat_id": ""},
        "api_server": {
            "enabled": True,
            "listen_ip_address": "127.0.0.1",
            "listen_port": bot.port,
            "username": USER,
            "password": PASSWORD,
            "jwt_secret_key": "0123456789abcdef0123456789abcdef",
            "CORS_origins": [],
        },
    }
