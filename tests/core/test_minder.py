from __future__ import annotations

import asyncio

import pytest

from bot.chat import Invocation, Reply, Tone
from bot.minder import GRACE, Blindness, mind
from bot.platforms.memory import Memory


def test_a_store_that_fails_is_told_once_and_so_is_its_end() -> None:
    blindness = Blindness()
    assert blindness.look("the disk is full.", 0.0) is None
    told = blindness.look("the disk is full.", GRACE)
    assert told is not None
    assert (told.tone, told.loud) == (Tone.CRITICAL, True)
    assert told.text.startswith("the disk is full. Until that is mended nobody is paged")
    assert blindness.look("the disk is full.", GRACE + 1) is None
    over = blindness.look(None, 60.0)
    assert over is not None
    assert over.title == "✅ The desk stores again what it sees, after 1 m"
    assert blindness.look(None, 61.0) is None


def test_a_trouble_that_passes_by_itself_is_no_news() -> None:
    blindness = Blindness()
    assert blindness.look("the database is locked", 0.0) is None
    assert blindness.look(None, GRACE - 1) is None
    assert blindness.look("the database is locked", GRACE) is None
    assert blindness.look("the database is locked", 2 * GRACE - 1) is None


async def test_a_chat_that_refuses_does_not_keep_the_others_from_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.minder.EVERY", 0.01)
    deaf, well = Memory("slack"), Memory("telegram")  # a platform that was never started takes nothing
    await well.start(_nobody)
    times = iter(float(each) for each in range(1_000))
    minding = asyncio.create_task(mind(lambda: "the disk is full", lambda: next(times), (deaf, well), 1.0))
    try:
        await well.wait_for(lambda said: "cannot store" in said.title)
        assert not minding.done()
    finally:
        minding.cancel()
    assert [message.title for _, message in well.sent] == ["🚨 The desk cannot store what it sees"]
    assert deaf.sent == []


async def _nobody(_invocation: Invocation, _reply: Reply) -> None:
    """Nobody types."""
