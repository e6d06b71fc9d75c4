"""Both chats, as a check finds them: with every scope that the manifest asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.platforms.slack.manifest import SCOPES
from tests.fakes.slack import FakeSlack, fake_slack
from tests.fakes.telegram import FakeTelegram, fake_telegram


@pytest.fixture
async def tg() -> AsyncIterator[FakeTelegram]:
    async with fake_telegram() as fake:
        yield fake


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with fake_slack() as fake:
        fake.scopes = set(SCOPES)
        yield fake
