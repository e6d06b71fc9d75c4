"""Telegram's HTML is read as strictly as the Bot API reads it, and a little more: every `&` must be an entity."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

TAGS = {
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em"), "italic"),
    **dict.fromkeys(("u", "ins"), "underline"),
    **dict.fromkeys(("s", "strike", "del"), "strikethrough"),
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
}
_TOKEN = re.compile(r"<(/?)([^>]*)>|&([^;&<\s]{0,10});|[<&]")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_HREF = re.compile(r"href=([\"'])(?P<to>[^\"'<>]*)\1")
_PERSON = re.compile(r"tg://user\?id=(?P<id>[1-9][0-9]{0,18})")
ENTITIES = 100


class ParseError(Exception):
    """The text cannot be parsed; the message is what the Bot API says after "can't parse entities: "."""


@dataclass(frozen=True)
class Entity:
    """Offset and length are in UTF-16 units, as in the Bot API."""

    type: str
    offset: int
    length: int
    to: str = ""
    """What a link leads to; of a text_mention the person's id."""


@dataclass
class _Reader:
    text: str = ""
    open: list[tuple[str, int, str]] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def parse(source: str) -> tuple[str, tuple[Entity, ...]]:
    """The text without tags, and its first 100 entities. Errors: ParseError."""
    reader, at = _Reader(), 0
    for token in _TOKEN.finditer(source):
        reader.text += source[at : token.start()]
        at = token.end()
        offset = len(source[: token.start()].encode())
        closing, tag, named = token.groups()
        if tag is not None:
            (_close if closing else _open)(reader, tag, offset)
        elif named is not None:
            reader.text += _character(named, offset)
        elif token.group() == "<":
            raise ParseError(f"Unclosed start tag at byte offset {offset}")
        else:
            raise ParseError(f"Unsupported entity at byte offset {offset}")
    reader.text += source[at:]
    if reader.open:
        raise ParseError(f'Can\'t find end tag corresponding to start tag "{reader.open[-1][0]}"')
    found = sorted(reader.entities, key=lambda each: (each.offset, -each.length))
    return reader.text, tuple(found[:ENTITIES])


def _open(reader: _Reader, tag: str, offset: int) -> None:
    name, _, attributes = tag.partition(" ")
    name = name.lower()
    if name not in TAGS or (attributes and name not in ("a", "code", "blockquote")):
        raise ParseError(f'Unsupported start tag "{name}" at byte offset {offset}')
    found = _HREF.fullmatch(attributes) if name == "a" else None
    reader.open.append((name, units(reader.text), html.unescape(found["to"]) if found else ""))


def _close(reader: _Reader, tag: str, offset: int) -> None:
    if not reader.open:
        raise ParseError(f"Unexpected end tag at byte offset {offset}")
    name, start, to = reader.open.pop()
    if tag.strip().lower() != name:
        raise ParseError(f'Unmatched end tag at byte offset {offset}, expected "</{name}>", found "</{tag}>"')
    length, person = units(reader.text) - start, _PERSON.fullmatch(to)
    if length and name == "a" and person is not None:
        reader.entities.append(Entity("text_mention", start, length, person["id"]))
    elif length and (name != "a" or to):  # a link to nowhere is plain text
        reader.entities.append(Entity(TAGS[name], start, length, to))


def _character(named: str, offset: int) -> str:
    if named in _NAMED:
        return _NAMED[named]
    if re.fullmatch(r"#(\d{1,7}|x[0-9a-fA-F]{1,6})", named):
        return html.unescape(f"&{named};")
    raise ParseError(f"Unsupported entity at byte offset {offset}")
