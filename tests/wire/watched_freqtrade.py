"""One bot, and the source that reads it: what the tests of both its good and its bad days begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from monitor.model import Agent
from monitor.ports import AgentSource, Observation
from monitor.sources import Means, fleet_session
from monitor.sources.freqtrade import Options, build
from tests.fakes.freqtrade import NOW, PASSWORD, USER, FakeFreqtrade, fake_freqtrade

ALPHA = Agent("alpha")


class Clock:
    def now(self) -> float:
        return NOW + 5.0


@dataclass
class Bot:
    """A fake, the source that reads it, and what was stirred."""

    fake: FakeFreqtrade
    source: AgentSource
    stirred: list[str] = field(default_factory=list)
    cursor: str | None = None
    means: Means | None = None
    known: dict[str, Any] = field(default_factory=dict)

    def begin_anew(self) -> None:
        """Start the desk anew: it knows its cursor, and nothing else."""
        assert self.means is not None
        self.source = build(Options.model_validate(self.known), self.means)

    async def look(self) -> Observation:
        seen = await self.source.fetch(ALPHA, self.cursor)
        self.cursor = seen.cursor or self.cursor
        return seen


@asynccontextmanager
async def a_bot(**options: Any) -> AsyncIterator[Bot]:
    async with fake_freqtrade() as fake, fleet_session(30.0) as session:
        stirred: list[str] = []
        usual = {"url": fake.url, "username": USER, "password": PASSWORD, "password_env": "FT_PASSWORD"}
        known = {**usual, "websocket": False, **options}
        means = Means(session, Clock(), stirred.append)
        bot = Bot(fake, build(Options.model_validate(known), means), stirred, None, means, known)
        try:
            yield bot
        finally:
            await bot.source.close()
