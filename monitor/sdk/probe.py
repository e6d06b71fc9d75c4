"""A probe makes an asyncio agent watchable and pausable, and never takes it down."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from monitor.sdk.checks import Check, Outside, ReadMachine, Venue, bounded, read_machine, strategy_check, wallet_check
from monitor.sdk.lag import Lag
from monitor.sdk.meter import DAY, HOUR
from monitor.sdk.pause import Pause, read_pause, write_pause
from monitor.sdk.server import BY_LIMIT, REASON_LIMIT, Face, Order, OrderError, application
from monitor.sdk.telling import Telling

log = logging.getLogger("monitor.sdk")

ID_LIMIT = 100

Callback = Callable[[], Awaitable[object]]


class Probe(Telling):
    """What an agent tells the desk, and the orders it takes from it.

    `venue` is an address that answers below 400 while the venue works, or an async function that raises or returns
    False when it does not. `state` is the file in which a pause outlives a restart; `key` needs it. Times are in
    seconds, `min_balance` in money. `paper`: whether it trades without money, where it knows. `on_pause` and
    `on_resume` run once the order is on disk, `on_close` makes the agent take POST /close; each may take
    `callback_timeout`. Use the probe from the agent's own loop only.
    Errors: ValueError for settings that cannot work.
    """

    def __init__(
        self,
        agent_id: str,
        *,
        key: str | None = None,
        state: str | os.PathLike[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        venue: Venue | None = None,
        venue_timeout: float = 3.0,
        min_balance: float | None = None,
        stale_after: float = 300.0,
        checks_ttl: float = 5.0,
        on_pause: Callback | None = None,
        on_resume: Callback | None = None,
        on_close: Callback | None = None,
        callback_timeout: float = 10.0,
        machine: ReadMachine = read_machine,
        paper: bool | None = None,
    ) -> None:
        _require_settings(agent_id, key, state, host)
        super().__init__(secrets.token_hex(8))
        self._id = agent_id
        self._host = host
        self._port = port
        self._min_balance = min_balance
        self._stale_after = stale_after
        self._state = None if state is None else Path(state)
        self._callbacks = {"on_pause": on_pause, "on_resume": on_resume, "on_close": on_close}
        self._callback_timeout = callback_timeout
        self._pause = Pause() if self._state is None else read_pause(self._state)
        if self._pause.paused:
            log.warning("%s starts paused: by %r, %r", agent_id, self._pause.by, self._pause.reason)
        self._ordering = asyncio.Lock()
        self._paper = paper
        self._begun = self._acted
        self._lag = Lag()
        self._outside = Outside(venue, venue_timeout, checks_ttl, machine)
        self._face = Face(
            key, _is_loopback(host), self._live, self._health, self._snapshot, self._book.page, self._orders()
        )
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Serve until `stop`. Errors: OSError, one sentence (the port is taken, the state file cannot be written)."""
        if self._runner is not None:
            raise RuntimeError("the probe is serving already")
        if self._state is not None and not self._state.exists():
            try:
                write_pause(self._state, self._pause)
            except OSError as error:
                raise OSError(f"the pause file {self._state} cannot be written: {error.strerror}") from None
        await self._outside.open()
        self._lag.start()
        runner = web.AppRunner(application(self._face), access_log=None, shutdown_timeout=0.5)
        try:
            await runner.setup()
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError as error:
            await runner.cleanup()
            await self._outside.close()
            await self._lag.stop()
            where = f"port {self._port} on {self._host}"
            if error.errno == errno.EADDRINUSE:
                raise OSError(f"{where} is in use: end the other process or give another port") from None
            raise OSError(f"cannot listen on {where}: {error.strerror}") from None
        self._runner = runner
        self._port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop serving; does nothing when not serving."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
            await self._outside.close()
            await self._lag.stop()

    @property
    def port(self) -> int:
        """The port it serves on; what was asked for until it serves."""
        return self._port

    @property
    def paused(self) -> bool:
        """Whether the agent is to open no new positions."""
        return self._pause.paused

    async def pause(self, by: str = "", reason: str = "") -> str:
        """Pause now, and return once that outlives a restart. Errors: OrderError; the agent is paused all the same."""
        await self._keep(Pause(True, by[:BY_LIMIT], reason[:REASON_LIMIT], time.time()))
        await self._call("on_pause", "paused")
        return "paused"

    async def resume(self, by: str = "", reason: str = "") -> str:
        """Go on trading, once that is on disk. Errors: OrderError; with a file that cannot be written, still paused."""
        await self._keep(Pause(False, by[:BY_LIMIT], reason[:REASON_LIMIT], time.time()))
        await self._call("on_resume", "running")
        return "running"

    async def _close(self, by: str, reason: str) -> str:
        log.warning("%s ordered to close its positions: by %r, %r", self._id, by, reason)
        await self._call("on_close", "the order to close came")
        return "closed"

    def _orders(self) -> dict[str, Order]:
        orders: dict[str, Order] = {"pause": self.pause, "resume": self.resume}
        if self._callbacks["on_close"] is not None:
            orders["close"] = self._close
        return orders

    async def _keep(self, pause: Pause) -> None:
        # Shielded: a caller that gives up must not leave memory and file at odds.
        await asyncio.shield(asyncio.ensure_future(self._store(pause)))

    async def _store(self, pause: Pause) -> None:
        async with self._ordering:
            if pause.paused:
                self._pause = pause
            if self._state is not None:
                try:
                    await asyncio.to_thread(write_pause, self._state, pause)
                except OSError as error:
                    now = "paused until the process ends" if self._pause.paused else "running"
                    raise OrderError(f"{now}, but the pause file cannot be written: {error.strerror}") from None
            if not pause.paused:
                self._pause = pause
                # What did not act while it was paused is not stale at once.
                self.beat()
            log.warning("%s %s: by %r, %r", self._id, "paused" if pause.paused else "resumed", pause.by, pause.reason)

    async def _call(self, name: str, done: str) -> None:
        callback = self._callbacks[name]
        if callback is None:
            return
        try:
            await bounded(callback(), self._callback_timeout)
        except TimeoutError:
            self.error()
            raise OrderError(f"{done}, but {name} did not finish within {self._callback_timeout:g} s") from None
        except Exception as error:
            self.error()
            log.exception("%s of %s failed", name, self._id)
            raise OrderError(f"{done}, but {name} raised {type(error).__name__}") from None

    def _uptime(self) -> float:
        return round(time.monotonic() - self._begun, 3)

    def _live(self) -> dict[str, object]:
        return {"status": "live", "agent_id": self._id, "uptime": self._uptime()}

    async def _checks(self) -> tuple[str, tuple[Check, ...]]:
        outside = await self._outside.look()
        age = time.monotonic() - self._acted
        wallet = () if self._min_balance is None else (wallet_check(self._book.money.balance, self._min_balance),)
        checks = (*outside, *wallet, strategy_check(age, self._stale_after, paused=self.paused))
        if self.paused:
            return "paused", checks
        return "ok" if all(check.ok for check in checks) else "degraded", checks

    async def _health(self) -> tuple[bool, dict[str, object]]:
        status, checks = await self._checks()
        payload: dict[str, object] = {
            "status": status,
            "agent_id": self._id,
            "uptime": self._uptime(),
            "timestamp": round(time.time(), 6),
            "checks": {check.name: check.body() for check in checks},
        }
        if self.paused:
            payload["pause"] = {"by": self._pause.by, "reason": self._pause.reason, "since": self._pause.since}
        return status != "degraded", payload

    async def _snapshot(self) -> dict[str, object]:
        status, checks = await self._checks()
        values = {check.name: check.value for check in checks}
        now, wall, money = time.monotonic(), time.time(), self._book.money
        return {
            "agent_id": self._id,
            "timestamp": round(wall, 6),
            "status": status,
            "paused": self.paused,
            "paper": self._paper,
            "balance": money.balance,
            "equity": money.equity,
            "available": money.available,
            "exposure": money.exposure,
            "leverage": money.leverage,
            "open_positions": money.open_positions,
            "positions": self._book.positions,
            "pnl_1h": self._book.pnl(wall, HOUR),
            "pnl_24h": self._book.pnl(wall, DAY),
            "pnl_7d": self._book.pnl(wall, 7 * DAY),
            "win_rate": self._book.win_rate,
            # Without the deposits it would be wrong; the desk reckons it net of flows.
            "sharpe": None,
            "max_drawdown": self._book.max_drawdown,
            "heartbeat_age": round(now - self._acted, 3),
            "errors_1h": self._errors_1h(now),
            "loop_lag": self._lag.worst(),
            **self._meter.figures(now, wall),
            "uptime": self._uptime(),
            "memory": values["memory"],
            "cpu": values["cpu"],
            "venue_latency": values.get("venue"),
            "checks": [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks],
            "trades_cursor": self._book.cursor,
            **({"flows": list(self._book.flows)} if self._book.flows else {}),
        }


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _require_settings(agent_id: str, key: str | None, state: object, host: str) -> None:
    if not 0 < len(agent_id) <= ID_LIMIT or not agent_id.isprintable():
        raise ValueError(f"agent_id must be 1 to {ID_LIMIT} printable characters")
    if key is not None and not (key and key.isascii() and key.isprintable() and " " not in key):
        raise ValueError("key must be ASCII characters without spaces; is the environment variable set?")
    if key is None and not _is_loopback(host):
        raise ValueError(f"host {host!r} can be reached from outside: give a key, or leave host out")
    if key is not None and state is None:
        raise ValueError("give state=, the file in which a pause outlives a restart: with a key the agent takes orders")
