"""Rows of JSON, one object a line or a list of them, as cells of text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from monitor.text_file import PIECE, Lines, TradeFileError
from monitor.trade_rows import RowError

_decode = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str).raw_decode
"""Numbers stay the text they were written as: money becomes Decimal without passing through a float."""


def is_row(line: str) -> bool:
    """Whether a line is a whole object, and not one that holds the trades."""
    first = line.strip()
    try:
        found, end = _decode(first)
    except (ValueError, RecursionError):
        return False
    return end == len(first) and isinstance(found, dict) and not isinstance(found.get("trades"), list)


def each_line(lines: Lines, wanted: Sequence[str]) -> Iterator[tuple[int, Sequence[str] | RowError]]:
    """The row of each line, numbered by its line."""
    for line in lines:
        text = line.strip()
        if text:
            try:
                found, end = _decode(text)
                yield lines.number, _cells(found, wanted) if end == len(text) else RowError("", "is no JSON")
            except (ValueError, RecursionError):
                yield lines.number, RowError("", "is no JSON")


def _cells(found: Any, wanted: Sequence[str]) -> Sequence[str] | RowError:
    if not isinstance(found, dict):
        return RowError("", "is no object")
    cells = [found.get(each, "") for each in wanted]
    for at, cell in enumerate(cells):
        if type(cell) is not str:
            if cell is not None and not isinstance(cell, bool):
                return RowError(wanted[at], "is neither a text nor a number")
            cells[at] = "" if cell is None else str(cell)
    return cells


class Document:
    """A list of rows, alone or as `trades` of an object, of which one piece at a time is in memory."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._text = ""
        self._at = 0

    def rows(self, wanted: Sequence[str]) -> Iterator[tuple[int, Sequence[str] | RowError]]:
        """Each row, numbered from 1."""
        if self._next() == "{":
            self._enter()
        self._take("[")
        number = 0
        if self._next() != "]":
            while True:
                number += 1
                yield number, _cells(self._value(number), wanted)
                if self._next() == "]":
                    break
                self._take(",")
        self._at += 1

    def _enter(self) -> None:
        """Pass over what stands before the trades in an object."""
        self._take("{")
        while True:
            if self._next() != '"':
                raise TradeFileError(f"{self._lines.name} is a JSON object without a list of trades under `trades`.")
            key = self._value(0)
            self._take(":")
            if key == "trades":
                return
            self._value(0)
            if self._next() == ",":
                self._take(",")

    def _next(self) -> str:
        """The next character that is no space; stays. "" at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at].isspace():
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _take(self, mark: str) -> None:
        if self._next() != mark:
            raise TradeFileError(f"{self._lines.name} is no JSON: {mark} is missing. Is the file whole?")
        self._at += 1

    def _value(self, number: int) -> Any:
        self._next()
        while True:
            try:
                found, end = _decode(self._text, self._at)
            except RecursionError:
                raise TradeFileError(f"{self._lines.name}, row {number}: is nested too deeply.") from None
            except ValueError:
                found, end = None, len(self._text)
            # A figure that ends where the piece does may go on in the next: 12 of 123.
            if end < len(self._text) or isinstance(found, dict | list):
                self._at = end
                return found
            if len(self._text) - self._at > 2 * PIECE or not self._more():
                where = f"from row {number} on" if number else "from its beginning on"
                raise TradeFileError(f"{self._lines.name} is no JSON {where}: is it whole, and is no row over 1 MB?")

    def _more(self) -> bool:
        piece = self._lines.piece()
        self._text, self._at = self._text[self._at :] + piece, 0
        return bool(piece)
