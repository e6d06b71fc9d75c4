"""A message becomes blocks that Slack takes: within its limits, in its colour, and no text of it is read as markup."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.chat import Field, Message, Table, Tone
from bot.format import block, plain
from bot.platforms.slack import buttons, mentions
from bot.platforms.slack.blocks import SECTION, Block, cost, cut, escape, section, words

BLOCKS = 50
HEADER = 150
CELLS = 10
"""Fields of a section."""
CELL = 2_000
BUDGET = 10_000
"""Characters of JSON that all blocks together may have; Slack refuses somewhere above 12,000."""
TEXT_MOST = 7_000
"""The text's part of the budget, so that fields and tables have room beside a long one."""
FALLBACK = 1_500
"""Characters of the text that stands in for the blocks in a notification."""
BARE = 9_000
"""Characters of a message that is sent as text alone."""
NOTES = 6
"""Blocks kept for counting what is left out; their few characters are not in the budget."""
WIDE = 120
"""A field longer than this gets the whole width."""

_COLOURS = {Tone.WARN: "#EAB308", Tone.CRITICAL: "#EF4444", Tone.GOOD: "#22C55E"}
_GREY = "#94A3B8"
_BOLD = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,()%/+-]*")
"""Labels that can stand in markup without being read as markup."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What is said to Slack: `text` and blocks, or, when it refuses those, `bare` alone."""

    text: str
    blocks: Sequence[Block]
    attachments: Sequence[Mapping[str, Any]]
    bare: str

    @property
    def whole(self) -> Mapping[str, Any]:
        """The arguments of a call, with everything."""
        return {"text": self.text, "blocks": self.blocks, "attachments": self.attachments}

    @property
    def plainly(self) -> Mapping[str, Any]:
        """The arguments of a call, without anything that Slack could refuse."""
        return {"text": self.bare, "blocks": [], "attachments": []}


@dataclass(slots=True)
class _Room:
    """What is left of the limits, and what has been written into it."""

    chars: int
    blocks: int
    written: list[Block] = field(default_factory=list)

    def write(self, each: Block) -> bool:
        """Whether it still fitted; room for what is left out stays free."""
        if self.blocks <= NOTES or cost(each) > self.chars:
            return False
        self.chars -= cost(each)
        self.blocks -= 1
        self.written.append(each)
        return True

    def note(self, left_out: int) -> None:
        """Count what did not fit."""
        if self.blocks > 0:
            self.blocks -= 1
            self.written.append(section(f"+{left_out:,} more"))


def render(message: Message) -> Rendered:
    """Draw a message: the title above, the rest in the tone's colour below it. Whatever is left out is counted."""
    title = plain(message.title) or "Nightdesk"
    head, tail = _head(title, message), [*_footer(message), *buttons.actions(message.buttons)]
    spent = sum(cost(each) for each in (*head, *tail))
    room = _Room(BUDGET - spent, BLOCKS - len(head) - len(tail))
    _text(message.text, room)
    _fields(message.fields, room)
    for table in message.tables:
        _table(table, room)
    body = [*room.written, *tail]
    colour = _COLOURS.get(message.tone, _GREY)
    called, lines = mentions.calls(message.mentions), list(_lines(message))
    return Rendered(
        text=_told(title, called, lines, FALLBACK),
        blocks=head,
        attachments=[{"color": colour, "fallback": escape(cut(title, HEADER)), "blocks": body}] if body else [],
        bare=_told(title, called, [*lines, *buttons.typed(message.buttons)], BARE),
    )


def _told(title: str, called: str, lines: Sequence[str], limit: int) -> str:
    """A message as text; whoever is called stands below the title, in the only markup there is."""
    rest = escape(cut("\n".join(lines), max(limit - len(title), 1)))
    return "\n".join(filter(None, (escape(cut(title, limit)), called, rest)))


def _head(title: str, message: Message) -> list[Block]:
    """A headline, and beneath it the whole title where it is longer; one line alone is no headline."""
    alone = not (message.text or message.fields or message.tables or message.buttons or message.footer)
    called = mentions.blocks(message.mentions)
    if alone and message.tone is Tone.PLAIN:
        return [section(title), *called]
    header: Block = {"type": "header", "text": words(title, HEADER)}
    return [header, *([] if len(title) <= HEADER else [section(title)]), *called]


def _footer(message: Message) -> Iterator[Block]:
    footer = block(message.footer).strip()
    if footer:
        yield {"type": "context", "elements": [words(footer, 1_000)]}


def _text(text: str, room: _Room) -> None:
    rest, floor = block(text).strip("\n"), max(room.chars - TEXT_MOST, 0)
    while rest.strip():
        piece, allowed = _piece(rest, SECTION - 100), room.chars - floor
        if cost(section(piece)) > allowed or room.blocks <= NOTES:
            kept = piece[: max(allowed - 200, 0) // 2].rstrip()
            room.write(section(f"{kept}… (+{len(rest) - len(kept):,} characters more)"))
            return
        if piece.strip():
            room.write(section(piece.strip("\n")))
        rest = rest[len(piece) :]


def _piece(text: str, limit: int) -> str:
    """The beginning of a text, up to the end of a line or at least of a word."""
    if len(text) <= limit:
        return text
    for mark in ("\n", " "):
        end = text.rfind(mark, limit // 2, limit)
        if end != -1:
            return text[: end + 1]
    return text[:limit]


def _fields(fields: Sequence[Field], room: _Room) -> None:
    """Short fields as a grid of labels and values, long ones one below the other."""
    done = 0
    for group in _groups(fields):
        if not room.write(_grid(group)):
            room.note(len(fields) - done)
            return
        done += len(group)


def _groups(fields: Iterable[Field]) -> Iterator[list[Field]]:
    group: list[Field] = []
    for each in fields:
        wide = _wide(each)
        if group and (wide or len(group) == CELLS // 2):
            yield group
            group = []
        if wide:
            yield [each]
        else:
            group.append(each)
    if group:
        yield group


def _wide(each: Field) -> bool:
    return len(each.value) > WIDE or len(each.label) > WIDE or "\n" in each.value.strip()


def _grid(group: Sequence[Field]) -> Block:
    if len(group) == 1 and _wide(group[0]):
        return section(f"{plain(group[0].label)}\n{block(group[0].value).strip()}".strip() or "-")
    cells = [cell for each in group for cell in (_label(plain(each.label) or "-"), words(_value(each), CELL))]
    return {"type": "section", "fields": cells}


def _label(text: str) -> Mapping[str, Any]:
    if _BOLD.fullmatch(text):
        return {"type": "mrkdwn", "text": f"*{text.strip()}*", "verbatim": True}
    return words(text, CELL)


def _value(each: Field) -> str:
    return block(each.value).strip() or "-"


def _table(table: Table, room: _Room) -> None:
    """Rows in blocks of code, whole ones only; those that do not fit are counted."""
    lines = [_code(line) for line in _rows(table)]
    start = 0
    while start < len(lines):
        left = min(SECTION, room.chars - cost(_fenced([])))
        end = _fitting(lines, start, left)
        if end == start or not room.write(_fenced(lines[start:end])):
            room.note(len(lines) - start)
            return
        start = end


def _fitting(lines: Sequence[str], start: int, left: int) -> int:
    """The first line that no longer fits; a line's end costs two characters in JSON."""
    used = len(_fenced([])["text"]["text"])
    for index in range(start, len(lines)):
        used += len(json.dumps(lines[index], ensure_ascii=False))
        if used > left:
            return index
    return len(lines)


def _fenced(lines: Sequence[str]) -> Block:
    inside = "\n".join(lines)
    return {"type": "section", "text": {"type": "mrkdwn", "text": f"```\n{inside}\n```", "verbatim": True}}


def _code(line: str) -> str:
    """A line inside a block of code: nothing in it refers to anybody, and nothing ends the block."""
    return escape(line).replace("```", "`\u200b`\u200b`")


def _rows(table: Table) -> Iterator[str]:
    rows = [tuple(plain(cell, 300) for cell in row) for row in (table.columns, *table.rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield cut("  ".join(cells).rstrip(), 500)


def _lines(message: Message) -> Iterator[str]:
    """Everything below a message's title as lines of text."""
    if named := mentions.names(message.mentions):
        yield named
    if message.text:
        yield block(message.text)
    for each in message.fields:
        yield f"{plain(each.label)}: {_value(each)}"
    for table in message.tables:
        yield from _rows(table)
    if message.footer:
        yield block(message.footer)
