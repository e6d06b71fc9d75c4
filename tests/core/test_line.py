from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.line import BUTTON_BYTES, button, quote, split


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/pause alpha", ("/pause", "alpha")),
        ("  ack   3f9c  ", ("ack", "3f9c")),
        ('silence 3f9c 1h "venue is down"', ("silence", "3f9c", "1h", "venue is down")),
        ("ack 3f9c don't know yet", ("ack", "3f9c", "don't", "know", "yet")),
        ("ack 3f9c it's ana's", ("ack", "3f9c", "it's", "ana's")),
        ('ack 3f9c "never closed', ("ack", "3f9c", '"never', "closed")),
        ("ack 3f9c “from a phone”", ("ack", "3f9c", "from a phone")),
        ('ack ""', ("ack", "")),
        ("ack\t3f9c\nnote", ("ack", "3f9c", "note")),
        ("\x1b[31mack\x1b[0m 3f\x009c\u202e", ("ack", "3f9c")),
        ("\x1b]0;title\x07status", ("status",)),
        ("", ()),
    ],
)
def test_a_line_is_split_as_its_writer_meant(line: str, words: tuple[str, ...]) -> None:
    assert split(line) == words


@given(st.text(max_size=200))
def test_any_text_splits_into_harmless_words(line: str) -> None:
    assert all(word.isprintable() for word in split(line))


words = st.text(st.characters(whitelist_categories=("L", "N", "P", "Zs")), min_size=1, max_size=20)


@given(words.map(lambda word: " ".join(word.split())).filter(lambda word: not {'"', "'"} <= set(word)))
def test_a_quoted_word_is_read_back(word: str) -> None:
    assert split(quote(word)) == (word,)


@given(st.lists(words, min_size=1, max_size=6))
def test_a_button_never_carries_more_than_a_chat_takes(line: list[str]) -> None:
    assert all(len(each.line.encode()) <= BUTTON_BYTES for each in button("label", *line))
