"""Of refused rows the first are shown and every one is written down, as far as somebody asked for that."""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from bot.format import count
from monitor.trade_file import Refused, TradeFileError

SHOWN = 20


class Refusals:
    """Takes refused rows; `path` is written with the line, column and reason of each. Errors: TradeFileError."""

    def __init__(self, path: Path | None, of: Path) -> None:
        self._path = path
        self._of = of
        self._first: list[Refused] = []
        self._many = 0
        self._file: TextIO | None = None
        self._rows: Any = None

    def __enter__(self) -> Self:
        if self._path is not None:
            if self._path.exists() and self._of.exists() and self._path.samefile(self._of):
                raise TradeFileError(f"{self._path} holds the trades: name another file for the refused rows.")
            try:
                self._file = self._path.open("w", encoding="utf-8", newline="")
            except OSError as error:
                raise TradeFileError(f"{self._path} cannot be written: {error.strerror}.") from None
            self._rows = csv.writer(self._file)
            self._rows.writerow(("row", "column", "why"))
        return self

    def __call__(self, each: Refused) -> None:
        """Take one."""
        self._many += 1
        if len(self._first) < SHOWN:
            self._first.append(each)
        if self._rows is not None:
            self._rows.writerow((each.at, each.column, each.why))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def report(self, unit: str) -> str:
        """The first of them, a line each, and how many more there are."""
        told = [f"  {unit} {each}" for each in self._first]
        rest = self._many - len(self._first)
        if rest:
            told.append(f"  and {count(rest, 'more row')}" + ("" if self._path else ": --refused FILE writes all down"))
        return "\n".join(told)
