"""A message becomes pages of Telegram's HTML, each within its limits, never cut inside a tag, an entity or a row."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.chat import Button, Mention, Message, Table, Tone
from bot.format import block, plain
from bot.line import BUTTON_BYTES

LIMIT = 4_096
"""UTF-16 units of a message's text, once its tags are taken out."""
CAPTION = 1_024
"""The same of the text below a picture."""
ENTITIES = 90
"""Bold and the like in one message; Telegram ignores what goes beyond about 100."""
PAGES = 3
"""Messages that an answer may take; what needs more comes as one, with a file."""
NARROW = 42
"""Characters of a row that a phone shows on one line in a fixed width; wider tables become lines of text."""
NOTHING = "(nothing)"
"""What is said where a message holds no text at all, which Telegram would refuse."""
CALLED = 20
"""People that one message calls; the others are counted."""
ALERT = 200
"""Characters of the answer to a press."""
_TITLE = 300
_KEYS = 100
_ROW = (3, 36)
"""Buttons, and characters of them, side by side."""
_WORTH = 300
"""Units of room that are worth beginning a long text in."""
_ID = re.compile(r"[1-9][0-9]{0,18}")
_MARKS = {Tone.WARN: "⚠️", Tone.CRITICAL: "🚨", Tone.GOOD: "✅"}


@dataclass(frozen=True, slots=True)
class Page:
    """One message of Telegram: as HTML, and as the same text without markup."""

    html: str
    plain: str


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer takes: pages, and a file where they do not hold everything."""

    pages: tuple[Page, ...]
    file: str | None = None


@dataclass(frozen=True, slots=True)
class _Piece:
    """What stays together: a line, a paragraph, a row."""

    text: str
    tag: str = ""
    lead: str = ""
    """A label in bold before the text."""
    head: str = ""
    """The heading that a row needs above it, also on the next page."""
    gap: bool = False
    """Whether it stands apart from what comes before."""
    called: tuple[Mention, ...] = ()
    """People whose names the text is."""

    @property
    def plain(self) -> str:
        return f"{self.lead}: {self.text}" if self.lead else self.text

    @property
    def html(self) -> str:
        if self.called:
            return ", ".join(map(_link, self.called))
        text = html.escape(self.text, quote=False)
        if self.lead:
            return f"<b>{html.escape(self.lead, quote=False)}</b>: {text}"
        return f"<{self.tag}>{text}</{self.tag}>" if self.tag else text


def card(message: Message) -> Page:
    """The one page of a message that is edited later: what does not fit is counted ("… +3 more")."""
    return _page(_shortened(message, "more"))


def told(message: Message) -> Told:
    """Everything a message holds, on up to three pages; else the beginning, and the whole as a file."""
    packed = _packed([*_body(message), *_footer(message)])
    if len(packed) <= PAGES:
        return Told(tuple(_page(each) for each in packed))
    return Told((_page(_shortened(message, "more, all of it in the file")),), _file(message))


def caption(message: Message) -> Page | None:
    """Everything a message holds, as the caption of its picture; None where a caption has no room for that."""
    page = _page([*_body(message), *_footer(message)])
    pieces = len(_packed([*_body(message), *_footer(message)]))
    return page if pieces == 1 and units(page.plain) <= CAPTION else None


def heading(message: Message) -> Page:
    """The title alone: the caption of a picture whose text follows it."""
    return _page([next(_body(message))])


def keys(buttons: Iterable[Button]) -> tuple[tuple[Button, ...], ...]:
    """Buttons in rows that a phone shows without cutting labels; one whose line Telegram would refuse is left out."""
    rows: list[list[Button]] = []
    for each in [each for each in buttons if 0 < len(each.line.encode()) <= BUTTON_BYTES][:_KEYS]:
        made = Button(plain(each.label, 60) or each.line, each.line)
        row = rows[-1] if rows else None
        if row and len(row) < _ROW[0] and sum(len(other.label) for other in row) + len(made.label) <= _ROW[1]:
            row.append(made)
        else:
            rows.append([made])
    return tuple(tuple(row) for row in rows)


def alert(message: Message) -> str:
    """What an answer to a press can hold of a message."""
    return plain(message.text or message.title, ALERT)


def units(text: str) -> int:
    """How long Telegram counts a text: in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def _body(message: Message) -> Iterator[_Piece]:
    title, mark = plain(message.title, _TITLE), _MARKS.get(message.tone, "")
    yield _Piece(title if not mark or title.startswith(mark) else f"{mark} {title}".rstrip(), "b")
    if called := message.mentions[:CALLED]:
        yield _Piece(", ".join(map(_name, called)), called=called)
    if left := len(message.mentions[CALLED:]):
        yield _Piece(f"and {left} more")
    if text := block(message.text).strip("\n"):
        yield _Piece(text)
    for index, field in enumerate(message.fields):
        yield _Piece(block(field.value), lead=plain(field.label) or "·", gap=not index)
    for table in message.tables:
        rows = list(_rows(table))
        if rows:
            yield replace(rows[0], gap=True)
            yield from rows[1:]


def _name(mention: Mention) -> str:
    return plain(mention.name, 60) or "somebody"


def _link(mention: Mention) -> str:
    """A name by which Telegram calls its owner; only by an id that surely is one."""
    name, known = html.escape(_name(mention), quote=False), mention.id or ""
    return f'<a href="tg://user?id={known}">{name}</a>' if _ID.fullmatch(known) else name


def _footer(message: Message) -> Iterator[_Piece]:
    if footer := plain(message.footer, 1_000):
        yield _Piece(footer, "i", gap=True)


def _rows(table: Table) -> Iterator[_Piece]:
    cells = [[plain(cell) for cell in row] for row in (table.columns, *table.rows)]
    aligned = _aligned(cells)
    if max(map(len, aligned)) <= NARROW:
        for line in aligned:
            yield _Piece(line, "pre", head=aligned[0])
        return
    columns, *rows = cells
    if columns[0]:
        yield _Piece(columns[0], "i")
    for first, *rest in rows:
        told = (f"{column} {value}".strip() for column, value in zip(columns[1:], rest, strict=True) if value)
        yield _Piece(" · ".join(told), lead=first or "·")


def _aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    """Rows in a fixed width, every column after the first to the right."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def _cost(piece: _Piece, page: Sequence[_Piece]) -> int:
    return units(piece.plain) + (0 if not page else 2 if piece.gap else 1)


def _room(page: Sequence[_Piece]) -> bool:
    """Whether one more piece may be marked up."""
    rows = sum(each.tag == before.tag == "pre" for before, each in itertools.pairwise(page))
    return sum(len(each.called) + bool(each.tag or each.lead) for each in page) - rows < ENTITIES


def _packed(pieces: Iterable[_Piece]) -> list[list[_Piece]]:
    """Pieces on as many pages as they need, each whole where it fits on one page at all."""
    page: list[_Piece] = []
    packed, room = [page], LIMIT
    for piece in pieces:
        rest: _Piece | None = piece
        while rest is not None:
            open_ = _room(page)
            if open_ and _cost(rest, page) <= room:
                part, rest = rest, None
            elif open_ and units(rest.plain) > LIMIT and room >= _WORTH:
                part, rest = _cut(rest, room - 2)
            else:
                page = _begun(rest)
                packed.append(page)
                room = LIMIT - sum(units(each.plain) for each in page)
                continue
            room -= _cost(part, page)
            page.append(part)
    return packed


def _begun(piece: _Piece) -> list[_Piece]:
    """A new page for a piece: its heading, unless it would leave no room."""
    over = piece.head and piece.head != piece.text and units(piece.head) + units(piece.text) < LIMIT
    return [_Piece(piece.head, piece.tag, head=piece.head)] if over else []


def _shortened(message: Message, more: str) -> list[_Piece]:
    """What fits on one page: the title, the footer, and of the rest as much as there is room for."""
    footer, (title, *body) = list(_footer(message)), list(_body(message))
    page = [title]
    room = LIMIT - units(title.plain) - sum(_cost(each, page) for each in footer)
    spare = units(f"\n… +{len(body)} {more}")
    for index, piece in enumerate(body):
        cost = _cost(piece, page)
        last = index == len(body) - 1
        if cost <= room - (0 if last else spare) and _room(page):
            page.append(piece)
            room -= cost
            continue
        left = len(body) - index
        if piece.tag != "pre" and room - spare >= _WORTH and _room(page):
            part, _ = _cut(piece, room - spare - 3)
            page.append(replace(part, text=f"{part.text}…"))
            left -= 1
        if left:
            page.append(_Piece(f"… +{left} {more}"))
        break
    return [*page, *footer]


def _cut(piece: _Piece, room: int) -> tuple[_Piece, _Piece]:
    """The part of a piece that fits into `room` units, ending at a blank where there is one, and the rest."""
    lead = piece.plain[: len(piece.plain) - len(piece.text)]
    if units(lead) > room // 2:  # a label as long as that is no label
        piece, lead = _Piece(piece.plain, gap=piece.gap), ""
    bytes_ = piece.text.encode("utf-16-le")[: 2 * (room - units(lead))]
    end = len(bytes_.decode("utf-16-le", errors="ignore"))
    at = max(piece.text.rfind(blank, end // 2, end + 1) for blank in (" ", "\n"))
    end = at if at > 0 else end
    return replace(piece, text=piece.text[:end].rstrip()), replace(
        piece, text=piece.text[end:].lstrip(), lead="", gap=False
    )


def _page(pieces: Sequence[_Piece]) -> Page:
    """Put pieces under each other; rows of a table stand in one block of a fixed width."""
    written: list[str] = []
    told: list[str] = []
    for index, piece in enumerate(pieces):
        between = "" if not index else "\n\n" if piece.gap else "\n"
        row = between == "\n" and piece.tag == "pre" == pieces[index - 1].tag
        if row:
            written[-1] = written[-1].removesuffix("</pre>") + "\n" + html.escape(piece.text, quote=False) + "</pre>"
        else:
            written.append(between + piece.html)
        told.append(between + piece.plain)
    return Page("".join(written), "".join(told)) if "".join(told).strip() else Page(NOTHING, NOTHING)


def _file(message: Message) -> str:
    """Everything, as a text file whose tables stand in columns."""
    tables = [
        "\n".join(_aligned([[plain(cell) for cell in row] for row in (t.columns, *t.rows)])) for t in message.tables
    ]
    parts = [
        plain(message.title),
        ", ".join(map(_name, message.mentions)),
        block(message.text),
        "\n".join(f"{plain(each.label)}: {block(each.value)}" for each in message.fields),
        *tables,
        plain(message.footer),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"
