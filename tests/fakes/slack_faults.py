"""What goes wrong in a Slack, for the next calls of one method or of any."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web


@dataclass
class Fault:
    """One kind of trouble, for so many calls yet."""

    does: str
    times: int
    method: str | None
    says: Any = None


class Faults:
    """Told by a test, met by calls.

    `rate`: posts at once and a second that a channel takes; `changes`: the same of changes in all channels; None: any.
    """

    def __init__(self, rate: tuple[int, float] | None = None, changes: tuple[int, float] | None = None) -> None:
        self.rate = rate
        self.changes = changes
        self.early = 0
        """Calls that came before the time that a 429 had asked for."""
        self.released = asyncio.Event()
        self._faults: list[Fault] = []
        self._closed_until: dict[tuple[str, str], float] = {}
        self._tokens: dict[str, tuple[float, float]] = {}

    def fail(self, code: str, times: int = 1, method: str | None = None, **extra: Any) -> None:
        """Refuse with a code."""
        self._faults.append(Fault("code", times, method, {"ok": False, "error": code, **extra}))

    def status(self, number: int, times: int = 1, method: str | None = None) -> None:
        """Answer with an HTTP status and a page instead of JSON."""
        self._faults.append(Fault("status", times, method, number))

    def limit(self, seconds: float, times: int = 1, method: str | None = None) -> None:
        """Answer 429 with Retry-After; whoever calls the method for that channel before then is counted in `early`."""
        self._faults.append(Fault("limit", times, method, seconds))

    def hang(self, times: int = 1_000_000, method: str | None = None) -> None:
        """Answer nothing until `clear`."""
        self.released.clear()
        self._faults.append(Fault("hang", times, method))

    def reset(self, when: str, times: int = 1, method: str | None = None) -> None:
        """Drop the connection "before" the call is taken, or "after"."""
        self._faults.append(Fault(f"reset {when}", times, method))

    def clear(self) -> None:
        """Everything goes well again; what hangs is dropped."""
        self._faults.clear()
        self.released.set()

    def met(self, method: str) -> Fault | None:
        """The trouble that this call meets."""
        for fault in self._faults:
            if fault.method in (None, method):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    def refusal(
        self, method: str, arguments: Mapping[str, Any], fault: Fault | None
    ) -> tuple[web.Response, str] | None:
        """The answer of a Slack that is told to fail, or that has had enough, and a word for it."""
        now, channel = time.monotonic(), str(arguments.get("channel") or "")
        left = self._closed_until.get((method, channel), 0.0) - now
        if left > 0:
            self.early += 1
        elif fault is not None and fault.does == "limit":
            left = float(fault.says)
        elif (method == "chat.postMessage" and not self._within(self.rate, channel, now)) or (
            method == "chat.update" and not self._within(self.changes, method, now)
        ):
            left = 1.0
        if left > 0:
            self._closed_until[method, channel] = max(self._closed_until.get((method, channel), 0.0), now + left)
            headers = {"Retry-After": f"{left:g}"}
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers), "429"
        if fault is not None and fault.does == "status":
            page = web.Response(status=fault.says, text="<html>no</html>", content_type="text/html")
            return page, str(fault.says)
        if fault is not None and fault.does == "code":
            return web.json_response(fault.says), str(fault.says["error"])
        return None

    def _within(self, rate: tuple[int, float] | None, what: str, now: float) -> bool:
        if rate is None:
            return True
        burst, each = rate
        tokens, seen = self._tokens.get(what, (float(burst), now))
        tokens = min(burst, tokens + (now - seen) * each)
        self._tokens[what] = (tokens - (tokens >= 1), now)
        return tokens >= 1
