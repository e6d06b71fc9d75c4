"""What the fake Bot API holds, checks and answers, in the shapes of the real one."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.telegram_html import Entity, ParseError, parse, units

LIMIT, CAPTION, DATA, BUTTONS, ALERT = 4_096, 1_024, 64, 100, 200
PHOTO, SIDES, RATIO = 10 * 2**20, 10_000, 20
"""Bytes of a picture, pixels of its width and height together, how often the longer side holds the shorter."""
Json = dict[str, Any]


class Refuse(Exception):  # noqa: N818 - what the server does
    """The answer is an error."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad(description: str, **parameters: int) -> Refuse:
    return Refuse(400, f"Bad Request: {description}", **parameters)


@dataclass(frozen=True)
class Key:
    """A button as it was taken."""

    text: str
    line: str


@dataclass(frozen=True)
class File:
    """A document as it was taken."""

    name: str
    data: bytes


@dataclass
class Entry:
    """A message of the bot, as people see it now; `history` is what it said before, oldest first."""

    id: int
    chat: int
    date: int
    thread: int | None = None
    text: str = ""
    entities: tuple[Entity, ...] = ()
    keys: tuple[tuple[Key, ...], ...] = ()
    silent: bool = False
    reply_to: int | None = None
    file: File | None = None
    photo: File | None = None
    """A picture; then the text is its caption."""
    history: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The command lines of its buttons."""
        return [key.line for row in self.keys for key in row]

    @property
    def labels(self) -> list[str]:
        """What stands on its buttons."""
        return [key.text for row in self.keys for key in row]

    @property
    def called(self) -> list[int]:
        """Ids of the people whom it calls by a mention."""
        return [int(each.to) for each in self.entities if each.type == "text_mention"]

    def marked(self, kind: str) -> list[str]:
        """The parts of the text that are bold, pre ..."""
        data = self.text.encode("utf-16-le")
        return [
            data[2 * each.offset : 2 * (each.offset + each.length)].decode("utf-16-le")
            for each in self.entities
            if each.type == kind
        ]


@dataclass(frozen=True)
class Answer:
    """What a press was answered with."""

    query: str
    text: str
    alert: bool


@dataclass(frozen=True)
class Call:
    """A call of the Bot API that reached the server; `time` is the loop's."""

    method: str
    params: Mapping[str, str]
    time: float


@dataclass
class Fault:
    """What goes wrong for the next `times` calls of `method` (any for None)."""

    kind: str
    method: str | None
    times: int
    code: int = 500
    description: str = ""
    parameters: dict[str, int] = field(default_factory=dict)


def text_of(params: Mapping[str, str], name: str = "text", limit: int = LIMIT) -> tuple[str, tuple[Entity, ...]]:
    """The text of a call without its markup. Errors: Refuse."""
    source, entities = params.get(name, ""), tuple[Entity, ...]()
    mode = params.get("parse_mode", "")
    if mode == "HTML":
        try:
            source, entities = parse(source)
        except ParseError as error:
            raise bad(f"can't parse entities: {error}") from None
    elif mode:
        raise bad("unsupported parse_mode")
    if not source.strip() and limit == LIMIT:
        raise bad("message text is empty")
    if units(source) > limit:
        raise bad("message is too long" if limit == LIMIT else "message caption is too long")
    return source.strip(), entities


def photo_of(params: Mapping[str, str], files: Mapping[str, tuple[str, bytes]]) -> File:
    """The picture of a call. Errors: Refuse."""
    name, data = files.get(params.get("photo", "").removeprefix("attach://") or "photo", ("", b""))
    if not data:
        raise bad("file must be non-empty" if name else "there is no photo in the request")
    if len(data) > PHOTO:
        raise bad(f"file of size {len(data)} bytes is too big for a photo; the maximum size is {PHOTO} bytes")
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or not data.endswith(b"IEND\xaeB`\x82"):
        raise bad("IMAGE_PROCESS_FAILED")
    width, height = struct.unpack(">II", data[16:24])
    if width + height > SIDES or max(width, height) > RATIO * min(width, height):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    return File(name, data)


def keys_of(params: Mapping[str, str]) -> tuple[tuple[Key, ...], ...]:
    """The buttons of a call. Errors: Refuse."""
    if "reply_markup" not in params:
        return ()
    try:
        rows = json.loads(params["reply_markup"])["inline_keyboard"]
        made = tuple(tuple(Key(key["text"], key["callback_data"]) for key in row) for row in rows)
    except (ValueError, KeyError, TypeError):
        raise bad("can't parse reply keyboard markup JSON object") from None
    flat = [key for row in made for key in row]
    if any(not isinstance(key.text, str) or not key.text.strip() for key in flat):
        raise bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if any(not isinstance(key.line, str) or not 1 <= len(key.line.encode()) <= DATA for key in flat):
        raise bad("BUTTON_DATA_INVALID")
    if len(flat) > BUTTONS:
        raise bad("reply markup is too long")
    return made


def commands_of(params: Mapping[str, str]) -> dict[str, str]:
    """The menu of a call: name -> description. Errors: Refuse."""
    try:
        made = [(each["command"].removeprefix("/"), each["description"]) for each in json.loads(params["commands"])]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise bad("can't parse commands JSON object") from None
    if len(made) > 100:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    if any(not re.fullmatch(r"[a-z0-9_]{1,32}", name) for name, _ in made):
        raise bad("BOT_COMMAND_INVALID")
    if any(not 1 <= len(description) <= 256 for _, description in made):
        raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    return dict(made)


def whole(params: Mapping[str, str], name: str) -> int | None:
    """A number of a call. Errors: Refuse."""
    if name not in params:
        return None
    try:
        return int(params[name])
    except ValueError:
        raise bad(f"{name} must be a number") from None


def kind_of(chat: int) -> str:
    """What sort of chat an id is."""
    return "private" if chat > 0 else "supergroup" if str(chat).startswith("-100") else "group"
