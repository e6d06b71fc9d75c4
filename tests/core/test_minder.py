from __future__ import annotations

from bot.chat import Tone
from bot.minder import GRACE, Blindness, Minder

ALL_WELL = {"console": None, "telegram": None, "slack": None}
DOWN = {**ALL_WELL, "telegram": "the token was refused"}


def test_a_trouble_is_told_once_in_the_other_chats_and_so_is_its_end() -> None:
    minder = Minder()
    assert minder.look(ALL_WELL, 0.0) == ()
    assert minder.look(DOWN, 1.0) == ()
    assert minder.look(DOWN, 1.0 + GRACE - 0.1) == ()
    told = minder.look(DOWN, 1.0 + GRACE)
    assert [row.platform for row in told] == ["console", "slack"]
    assert told[0].body == {
        "title": "telegram is in trouble for 10 s: pages wait for it",
        "text": "the token was refused",
    }
    assert minder.look(DOWN, 60.0) == ()
    back = minder.look(ALL_WELL, 61.0)
    assert [row.platform for row in back] == ["console", "slack"]
    assert back[0].body["title"] == "telegram is back after 1 m"
    assert minder.look(ALL_WELL, 62.0) == ()


def test_a_trouble_that_passes_by_itself_is_no_news() -> None:
    minder = Minder()
    minder.look(DOWN, 0.0)
    assert minder.look(ALL_WELL, 5.0) == ()
    minder.look(DOWN, 6.0)
    assert minder.look(DOWN, 6.0 + GRACE - 1) == ()


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
