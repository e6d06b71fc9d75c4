"""A dead man's switch is pinged only while the desk truly watches, stores what it sees and is able to page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx
import structlog

from bot.format import span

log = structlog.get_logger()

PATIENCE = 10.0
"""Seconds one ping may take."""
LOOKS = 4
"""Looks an interval: a desk that becomes well again is not taken for dead until the next ping is due."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What tells whether a desk works; ages in seconds."""

    ready: bool
    """Whether it has started, and is not being stopped."""
    ticked: float = 0.0
    """Since a tick of the engine was due and did not come."""
    turned: float = 0.0
    """Since it last looked at what time has brought (escalations, the ends of silences)."""
    stored: float = 0.0
    """Since the database last took a write."""
    refused: str | None = None
    """Why what it sees is not stored now."""
    chats: Mapping[str, str | None] = field(default_factory=dict)
    """Chats that page people -> why each cannot be relied on, None while all is well."""


def checks(signs: Signs, patience: float) -> Mapping[str, str | None]:
    """Each thing the desk depends on -> why it fails, None while it holds. `patience`: the age that is too old, s."""
    refused = signs.refused or _old(signs.stored, patience, "the database has taken nothing")
    return {
        "start": None if signs.ready else "the desk is starting or stopping",
        "engine": _old(signs.ticked, patience, "no agent has been polled"),
        "database": refused,
        "desk": _old(signs.turned, patience, "the desk has not come round"),
        **signs.chats,
    }


def judge(signs: Signs, patience: float) -> str | None:
    """Why the desk cannot be said to watch and to be able to page, in one sentence; None while it can."""
    found = checks(signs, patience)
    for name, why in found.items():
        if why is not None and name not in signs.chats:
            return why
    if not signs.chats:
        return "no chat is set up that could page anybody"
    if all(signs.chats.values()):
        return f"no chat can be relied on: {'; '.join(f'{name}: {why}' for name, why in signs.chats.items())}"
    return None


def _old(age: float, patience: float, what: str) -> str | None:
    return f"{what} for {span(age)}" if age > patience else None


class Heartbeat:
    """Pings one address, whose URL is a secret: whoever knows it can make a dead desk look alive."""

    def __init__(self, url: str, every: float, why_not: Callable[[], str | None]) -> None:
        """`every`: seconds between two pings. `why_not`: why there must be none now."""
        self._url = url
        self._every = every
        self._why_not = why_not
        self.pinged: float | None = None
        """When it was last taken, by the loop's clock."""
        self.trouble: str | None = None
        """Why the last ping was not taken."""

    async def run(self) -> None:
        """Ping until cancelled."""
        time, due, held = asyncio.get_running_loop().time, 0.0, True
        async with httpx.AsyncClient(timeout=PATIENCE, follow_redirects=False) as client:
            while True:
                why = self._why_not()
                if why is None and time() >= due:
                    due = time() + self._every
                    await self._ping(client)
                if (why is not None) is not held:
                    held = not held
                    if held:
                        log.warning("the dead man's switch is held back", why=why)
                    else:
                        log.info("the desk is well, the dead man's switch is pinged")
                await asyncio.sleep(self._every / LOOKS)

    async def _ping(self, client: httpx.AsyncClient) -> None:
        before = self.trouble
        try:
            # Streamed: nobody reads what it says, however much that is.
            async with asyncio.timeout(PATIENCE), client.stream("GET", self._url) as answer:
                pass
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            self.trouble = f"its ping did not get through ({type(error).__name__})"
        else:
            self.trouble = None if answer.is_success else f"its ping was answered with {answer.status_code}"
        if self.trouble is None:
            self.pinged = asyncio.get_running_loop().time()
        if self.trouble != before:
            log.warning("the dead man's switch answers otherwise", state=self.trouble or "it takes pings")
