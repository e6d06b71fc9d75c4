"""One reader asks Telegram for updates, for ever; what it read is confirmed once it was handed on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from telegram import Bot, Update
from telegram.request import HTTPXRequest

from bot.platforms.telegram.errors import Kind, RefusedError, refusal

KINDS = ("message", "callback_query", "my_chat_member", "message_reaction")
BATCH = 100
PATIENCE = 10.0
"""Seconds beyond the long poll itself that an answer may take."""
LONGEST_WAIT = 30.0
FEW = 3
"""Failed polls in a row before anybody is told; a network that blinks is no news."""
SETTLED = 60.0
"""Seconds without a conflict before the token counts as ours alone: two readers take turns at failing."""

Take = Callable[[Sequence[Update], float | None], Awaitable[bool]]
"""Given updates and how many seconds old the oldest of them can be (None: nobody knows); whether all were handed on."""


class Sifted(HTTPXRequest):
    """Makes an update that the library cannot read an empty one, so that one update never deafens the desk."""

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Read an answer, as the library's own does. Errors: TelegramError."""
        read = HTTPXRequest.parse_json_payload(payload)
        if isinstance(read, dict) and isinstance(read.get("result"), list):
            read["result"] = [each if _readable(each) else {"update_id": each["update_id"]} for each in read["result"]]
        return read


def _readable(update: dict[str, Any]) -> bool:
    try:
        Update.de_json(update, None)
    except Exception:  # noqa: BLE001 - whatever the library makes of what it does not know
        return False
    return True


class Poller:
    """Reads updates and hands them to `take`, which returns once somebody has them.

    `held`: seconds that Telegram holds a poll. `silent`: seconds without an answer that are a trouble. `again`: seconds
    before the second try, doubled for each after it.
    """

    def __init__(
        self,
        bot: Bot,
        take: Take,
        *,
        held: float,
        silent: float,
        again: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bot = bot
        self._take = take
        self._held = held
        self._silent = silent
        self._again = again
        self._clock = clock
        self._heard = clock()
        self._rival = clock() - SETTLED
        self._rivals = 0
        self._empty = False
        """Whether the last answer held all there was."""
        self._failed = 0
        self._why: RefusedError | None = None
        self._offset: int | None = None
        self._handing = False
        self._ending = False
        self._task = asyncio.create_task(self._run(), name="telegram updates")

    @property
    def trouble(self) -> str | None:
        """Why orders may not be heard, in one sentence; None while they are."""
        since = self.heard
        if self._why is not None and (self._why.kind in (Kind.RIVAL, Kind.TOKEN) or self._failed >= FEW):
            return str(self._why)
        if since > self._silent:
            return f"Telegram has answered nothing for {since:.0f} s, so orders given there are not heard"
        return None

    @property
    def heard(self) -> float:
        """Seconds since Telegram last answered a poll, or since the start."""
        return self._clock() - self._heard

    async def finish(self, grace: float, within: float) -> None:
        """Read no more, and confirm what was handed on, so that it does not come again.

        `grace`: seconds for what is being handed on. `within`: seconds for Telegram, which may hang.
        """
        self._ending = True
        if not self._handing:
            self._task.cancel()
        await asyncio.wait({self._task}, timeout=grace)
        self._task.cancel()
        if self._offset is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(within):
                    await self._bot.get_updates(offset=self._offset, limit=1, timeout=0)

    async def _run(self) -> None:
        while not self._ending:
            try:
                updates = await self._ask()
            except Exception as error:  # noqa: BLE001 - whatever the library raises, the desk goes on listening
                await asyncio.sleep(self._note(refusal(error)))
                continue
            before, self._heard, self._failed = self._heard, self._clock(), 0
            age = self._heard - before if self._empty else None
            self._empty = len(updates) < BATCH
            if self._settled:
                self._why, self._rivals = None, 0
            if updates:
                self._handing = True
                if await self._take(updates, age):
                    self._offset = updates[-1].update_id + 1
                self._handing = False

    async def _ask(self) -> Sequence[Update]:
        """Ask once; quickly after a failure, so that it is known at once when all is well again."""
        held = 0 if self._failed else max(1, round(self._held))
        async with asyncio.timeout(held + PATIENCE):
            return await self._bot.get_updates(
                offset=self._offset, limit=BATCH, timeout=held, allowed_updates=KINDS, read_timeout=PATIENCE
            )

    def _note(self, why: RefusedError) -> float:
        """Remember a failure; returns the seconds to wait before the next try."""
        self._failed += 1
        if why.kind is Kind.RIVAL:
            self._rival = self._clock()
            self._rivals += 1
        if why.kind is Kind.RIVAL or self._settled:
            self._why = why
        wait = min(LONGEST_WAIT, self._again * 2.0 ** min(max(self._failed, self._rivals) - 1, 10))
        return max(wait, why.retry_after or 0.0)

    @property
    def _settled(self) -> bool:
        return self._clock() - self._rival >= SETTLED
