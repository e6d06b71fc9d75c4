"""The venue and the machine are looked at once in a while however many ask; money and heartbeat are judged at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

import aiohttp
import psutil

from monitor.sdk.numbers import finite

MEMORY_LIMIT = 0.9
FIRST_ERROR = 400

Venue = str | Callable[[], Awaitable[object]]
ReadMachine = Callable[[], tuple[float, float]]
"""Reads the shares of memory and of CPU in use, 0..1."""


@dataclass(frozen=True, slots=True)
class Check:
    """One health check: what was found, in one sentence, and the figure behind it."""

    name: str
    ok: bool
    detail: str
    value: float | None = None
    """Seconds the venue took, balance, seconds since the strategy acted, share of memory, share of CPU."""

    def body(self) -> dict[str, object]:
        """The check as JSON, without its name."""
        body = asdict(self)
        del body["name"]
        return body


def read_machine() -> tuple[float, float]:
    """Shares of this machine's memory and CPU in use, by psutil; the CPU's since the last reading."""
    return psutil.virtual_memory().percent / 100, psutil.cpu_percent(None) / 100


async def bounded(work: Awaitable[object], seconds: float) -> object:
    """Await foreign work for at most `seconds`, even if it will not be cancelled. Errors: TimeoutError, its own."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise TimeoutError
        if task.cancelled():
            raise RuntimeError("it was cancelled")
        return task.result()
    finally:
        if not task.done():
            task.add_done_callback(lambda late: late.cancelled() or late.exception())
            task.cancel()


class Outside:
    """Asks the venue and reads the machine at most once in `ttl` seconds; whoever asks meanwhile shares the answer."""

    def __init__(self, venue: Venue | None, timeout: float, ttl: float, read: ReadMachine) -> None:
        self._venue = venue
        self._timeout = timeout
        self._ttl = ttl
        self._read = read
        self._session: aiohttp.ClientSession | None = None
        self._look: asyncio.Task[tuple[Check, ...]] | None = None
        self._taken = 0.0

    async def open(self) -> None:
        """Get ready to ask; must run in the agent's loop."""
        if isinstance(self._venue, str):
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        """End what is under way."""
        if self._look is not None:
            self._look.cancel()
            await asyncio.wait({self._look})
            self._look = None
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def look(self) -> tuple[Check, ...]:
        """Checks at most `ttl` seconds old. Never raises for what the venue or the machine does."""
        stale = self._look is None or (self._look.done() and time.monotonic() - self._taken >= self._ttl)
        if self._look is None or stale:
            self._look = asyncio.create_task(self._take())
        return await asyncio.shield(self._look)

    async def _take(self) -> tuple[Check, ...]:
        venue = () if self._venue is None else (await self._ask(),)
        machine = self._machine()
        self._taken = time.monotonic()
        return (*venue, *machine)

    async def _ask(self) -> Check:
        begun = time.monotonic()
        try:
            answer = await bounded(self._call(), self._timeout)
        except TimeoutError:
            return Check("venue", ok=False, detail=f"the venue did not answer within {self._timeout:g} s")
        except aiohttp.ClientError as error:
            return Check("venue", ok=False, detail=f"the venue cannot be reached ({type(error).__name__})")
        except Exception as error:  # noqa: BLE001 - the venue check is the agent's own code
            # Only the type: an exception's text may hold a signed address.
            return Check("venue", ok=False, detail=f"the venue check raised {type(error).__name__}")
        took = time.monotonic() - begun
        if answer is False:
            return Check("venue", ok=False, detail="the venue check said no", value=took)
        if isinstance(self._venue, str) and isinstance(answer, int) and answer >= FIRST_ERROR:
            return Check("venue", ok=False, detail=f"the venue answered {answer}", value=took)
        return Check("venue", ok=True, detail=f"the venue answered in {took * 1000:.0f} ms", value=took)

    async def _call(self) -> object:
        if callable(self._venue):
            return await self._venue()
        if self._session is None or self._venue is None:
            raise RuntimeError("the probe does not serve")
        async with self._session.get(self._venue) as response:
            return response.status

    def _machine(self) -> tuple[Check, Check]:
        try:
            memory, cpu = (finite(share) for share in self._read())
        except Exception:  # noqa: BLE001 - whatever the reader raises, the figure is unknown
            memory = cpu = None
        if memory is None:
            first = Check("memory", ok=False, detail="the memory in use cannot be read")
        else:
            first = Check("memory", memory < MEMORY_LIMIT, f"{memory:.0%} of the memory is in use", memory)
        return first, Check("cpu", ok=True, detail="unknown" if cpu is None else f"{cpu:.0%} in use", value=cpu)


def wallet_check(balance: float | None, minimum: float) -> Check:
    """Whether the balance is known and at least the minimum."""
    if balance is None:
        return Check("wallet", ok=False, detail="the balance is not known")
    if balance < minimum:
        return Check("wallet", ok=False, detail=f"the balance {balance:,.2f} is below {minimum:,.2f}", value=balance)
    return Check("wallet", ok=True, detail=f"the balance is {balance:,.2f}", value=balance)


def strategy_check(age: float, stale_after: float, *, paused: bool) -> Check:
    """Whether the strategy acted lately; one that is paused need not."""
    detail = f"acted {age:.0f} s ago" + (", paused" if paused else "")
    return Check("strategy", paused or age <= stale_after, detail, age)
