"""Text of a file is read bit by bit: no line and no piece of it is longer than what one row may have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TextIO

PIECE = 1 << 20
"""Characters read at once, and the most that one row may have."""


class TradeFileError(ValueError):
    """A file cannot be read; the message is one sentence for a person."""


class Lines:
    """Lines of a text, none longer than PIECE; the first can be looked at before it is taken."""

    def __init__(self, name: str, text: TextIO) -> None:
        self.name = name
        self.number = 0
        """Lines taken so far."""
        self._text = text
        self._ahead: str | None = None

    def __iter__(self) -> Iterator[str]:
        while line := self.take():
            if len(line) >= PIECE:
                raise TradeFileError(f"{self.name}, line {self.number}: is longer than any row of trades.")
            yield line

    def peek(self) -> str:
        """The first line with anything in it, or as much of it as PIECE."""
        while self._ahead is None or (self._ahead and not self._ahead.strip()):
            self._ahead = None
            self._ahead = self.take()
            self.number -= bool(self._ahead.strip())
        return self._ahead

    def take(self) -> str:
        """The next line, at most PIECE of it; "" at the end."""
        ahead, self._ahead = self._ahead, None
        self.number += 1
        return self.read(lambda text: text.readline(PIECE)) if ahead is None else ahead

    def piece(self) -> str:
        """The next PIECE, whatever lines it holds; "" at the end."""
        ahead, self._ahead = self._ahead, None
        return self.read(lambda text: text.read(PIECE)) if ahead is None else ahead

    def read(self, how: Callable[[TextIO], str]) -> str:
        """Read on. Errors: TradeFileError (no text, or a disk that fails)."""
        try:
            return how(self._text)
        except UnicodeDecodeError:
            raise TradeFileError(
                f"{self.name} is no text in UTF-8 (after line {self.number}): save it as that."
            ) from None
        except OSError as error:
            raise TradeFileError(f"{self.name} cannot be read to its end: {error.strerror}.") from None
