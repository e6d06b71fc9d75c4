"""Every value of a TOML text has a line, found by its path: ("agents", 1, "source", "kind") -> 31."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\[\s\S]|(?!""")[^\\])*"{3,5}|\'\'\'[\s\S]*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'',
)
_SCALAR = re.compile(r"[^,\]}#\n]*")


def lines_of(text: str) -> Mapping[Path, int]:
    """Path -> line (from 1) of every table, key and element of a text that `tomllib` accepts."""
    return _Scan(text).run()


@dataclass(slots=True)
class _Scan:
    """One walk over a valid TOML text."""

    text: str
    at: int = 0
    found: dict[Path, int] = field(default_factory=dict)
    counts: dict[Path, int] = field(default_factory=dict)
    """Path of an array of tables -> how many tables it has so far."""
    starts: list[int] = field(default_factory=list)

    def run(self) -> Mapping[Path, int]:
        self.starts = [0, *(found.end() for found in re.finditer("\n", self.text))]
        table: Path = ()
        while self.blank() < len(self.text):
            begin = self.at
            if self.text.startswith("[", begin):
                double = self.text.startswith("[[", begin)
                self.at += 2 if double else 1
                table = self.header(self.key(), double=double)
                self.note(table, begin)
                self.at = self.text.index("]", self.at) + (2 if double else 1)
            else:
                self.pair(table)
        return self.found

    def blank(self) -> int:
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def note(self, path: Path, begin: int) -> None:
        line = bisect_right(self.starts, begin)
        for length in range(1, len(path) + 1):
            self.found.setdefault(path[:length], line)

    def key(self) -> list[str]:
        """A key with its dots; the position is behind it."""
        parts = []
        while True:
            self.blank()
            bare = _BARE_KEY.match(self.text, self.at)
            if bare is not None:
                parts.append(bare[0])
                self.at = bare.end()
            else:
                parts.append(next(iter(tomllib.loads(f"{self.string()} = 0"))))
            self.blank()
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def header(self, parts: list[str], *, double: bool) -> Path:
        """The path of a table, where each array of tables on the way stands for its last one."""
        path: Path = ()
        for index, part in enumerate(parts):
            path = (*path, part)
            if double and index == len(parts) - 1:
                self.counts[path] = self.counts.get(path, 0) + 1
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
        return path

    def pair(self, table: Path) -> None:
        begin = self.at
        path = (*table, *self.key())
        self.note(path, begin)
        self.at = self.text.index("=", self.at) + 1
        self.value(path)

    def value(self, path: Path) -> None:
        begin = self.blank()
        self.note(path, begin)
        first = self.text[begin]
        if first in "\"'":
            self.string()
        elif first == "{":
            self.items("}", path)
        elif first == "[":
            self.items("]", path)
        else:
            scalar = _SCALAR.match(self.text, begin)
            self.at = scalar.end() if scalar else len(self.text)

    def items(self, end: str, path: Path) -> None:
        self.at += 1
        index = 0
        while not self.text.startswith(end, self.blank()):
            if self.text.startswith(",", self.at):
                self.at += 1
            elif end == "}":
                self.pair(path)
            else:
                self.value((*path, index))
                index += 1
        self.at += 1

    def string(self) -> str:
        found = _STRING.match(self.text, self.at)
        if found is None:
            raise ValueError("the text is not valid TOML")
        self.at = found.end()
        return found[0]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where settings were written: a file with the line of every path, or the environment with its variables."""

    name: str
    lines: Mapping[Path, int] = field(default_factory=dict)
    variables: Mapping[Path, str] = field(default_factory=dict)

    def where(self, path: Path) -> str:
        """Name the place of a path: "nightdesk.toml:17: agents[1].drawdown_limit" or "environment: AGENT_URL"."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.variables:
                return f"{self.name}: {self.variables[path[:length]]}"
        return f"{self.name}: {spelled(path)}" if self.variables else f"{self.name}:{self.line(path)}: {spelled(path)}"

    def line(self, path: Path) -> int:
        """Line of a path, or of the table it belongs to; 1 where nothing of it is written."""
        return next((self.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.lines), 1)


def spelled(path: Path) -> str:
    """Write a path as people do: agents[1].source.kind."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")
