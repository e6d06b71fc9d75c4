"""A dangerous line waits for the yes of the person who typed it, in the same chat, for a minute, once."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.chat import Invocation
from bot.command import Command, UsageError

WAITS = 60.0
"""Seconds a question may be answered."""
_MOST = 1_000
"""Questions open at once; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class Question:
    """A line that waits for a yes."""

    command: Command
    args: tuple[str, ...]
    invocation: Invocation
    person: str
    expires: float


def _code() -> str:
    return secrets.token_hex(4)


class Questions:
    """The questions that have been put and not been answered."""

    def __init__(self, code: Callable[[], str] = _code) -> None:
        self._code = code
        self._open: dict[str, Question] = {}

    def put(self, question: Question) -> str:
        """Keep a question; returns the code that answers it."""
        code = self._code()
        self._open[code] = question
        while len(self._open) > _MOST:
            del self._open[next(iter(self._open))]
        return code

    def take(self, code: str, person: str, platform: str, now: float) -> Question:
        """Take out the question that `code` answers; it cannot be taken again.

        Errors: UsageError (no such question, somebody else's, asked in another chat, too late).
        """
        question = self._open.get(code.lower())
        if question is None:
            raise UsageError("nothing waits under that code: it was answered before, or the desk was restarted")
        if question.person != person:
            raise UsageError(f"that question was put to {question.person}, and only {question.person} can answer it")
        if question.invocation.platform != platform:
            raise UsageError(f"that question was put in {question.invocation.platform}: answer it there")
        del self._open[code.lower()]
        if now >= question.expires:
            raise UsageError(f"that question was open for {WAITS:.0f} s only: give the order again")
        return question
