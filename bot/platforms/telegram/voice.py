"""A page is said in its turn, without markup where that is refused, and to the new id of a chat that moved."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
import telegram
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputFile, LinkPreviewOptions, ReplyParameters
from telegram.constants import ParseMode

from bot.chat import Button, Picture
from bot.platforms.telegram.errors import Kind, RefusedError, refusal
from bot.platforms.telegram.hear import NAME, Place
from bot.platforms.telegram.pace import Lane, Pace, Urgency, Window
from bot.platforms.telegram.render import Page

Rows = Sequence[Sequence[Button]]
PATIENT = {Urgency.PAGE: 5.0, Urgency.NEWS: 5.0, Urgency.ANSWER: 30.0, Urgency.EDIT: 0.25}
"""Seconds that a message may wait for its turn; after them it is handed back, to be drawn anew when it may go.

Nobody repeats an answer, and an edit must not hold up what comes behind it.
"""
MARGIN = 0.5
"""Seconds waited beyond what Telegram asked for."""
ID = re.compile(r"-?[0-9]{1,18}")
"""What a chat's id looks like."""
ANSWER = 3.0
"""Seconds that the answer to a press may take; the order waits for it."""
_LANES = 500
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_T = TypeVar("_T")
log = structlog.get_logger()


@dataclass(slots=True)
class Room:
    """A chat that is paged, as it is now, and what is amiss with it.

    `channel`: what notifications call it; `setting`: how the settings name it.
    """

    chat: int
    topic: int | None = None
    channel: str = NAME
    setting: str = "chat = {} under [telegram]"
    chats: set[int] = field(init=False)
    """Every id it has had."""
    amiss: dict[Kind, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chats = {self.chat}

    def move(self, chat: int) -> None:
        """Its id is another one from now on."""
        log.warning("a chat has a new id", before=self.chat, now=chat)
        self.amiss[Kind.MOVED] = (
            f"the group {self.chat} became a supergroup with the id {chat}: the desk uses it until it stops; write "
            f"{self.setting.format(chat)} in the settings"
        )
        self.chats.add(chat)
        self.chat = chat


def rooms(home: int, topic: int | None, elsewhere: Iterable[str] = ()) -> tuple[Room, ...]:
    """The chats that are paged: that of [telegram] first."""
    others = {int(each) for each in elsewhere if ID.fullmatch(each)} - {home}
    return Room(home, topic), *(Room(each, None, f"{NAME}:{each}", f"{NAME}:{{}}") for each in sorted(others))


class Voice:
    """Says things through a bot; the first of the rooms is the chat of [telegram]; `patience`: seconds a call takes."""

    def __init__(self, bot: Bot, rooms: Sequence[Room], pace: Pace, patience: float) -> None:
        self._bot = bot
        self._rooms = rooms
        self._pace = pace
        self._patience = patience
        self._lanes: dict[int, Lane] = {}
        self._road = Window(pace.every)

    async def say(
        self, place: Place, page: Page, keys: Rows = (), *, urgency: Urgency, silent: bool = True
    ) -> telegram.Message:
        """Say a page, with buttons below it. Errors: RefusedError."""
        under = ReplyParameters(place.under, allow_sending_without_reply=True) if place.under else None

        def call(text: str, parse_mode: str | None, markup: InlineKeyboardMarkup | None) -> Awaitable[telegram.Message]:
            return self._there(
                place,
                urgency,
                lambda chat, thread: self._bot.send_message(
                    chat,
                    text,
                    parse_mode=parse_mode,
                    disable_notification=silent,
                    reply_markup=markup,
                    message_thread_id=thread,
                    link_preview_options=_NO_PREVIEW,
                    reply_parameters=under,
                ),
            )

        return await _simpler(call, page, keys)

    async def photo(
        self, place: Place, picture: Picture, caption: Page, keys: Rows = (), *, urgency: Urgency, silent: bool = True
    ) -> telegram.Message:
        """Show a picture with a caption, and buttons below it. Errors: RefusedError."""
        under = ReplyParameters(place.under, allow_sending_without_reply=True) if place.under else None

        def call(text: str, parse_mode: str | None, markup: InlineKeyboardMarkup | None) -> Awaitable[telegram.Message]:
            return self._there(
                place,
                urgency,
                lambda chat, thread: self._bot.send_photo(
                    chat,
                    InputFile(picture.png, filename=picture.name),
                    caption=text,
                    parse_mode=parse_mode,
                    disable_notification=silent,
                    reply_markup=markup,
                    message_thread_id=thread,
                    reply_parameters=under,
                ),
            )

        return await _simpler(call, caption, keys)

    async def file(self, place: Place, text: str, *, urgency: Urgency) -> None:
        """Say a text as a file. Errors: RefusedError."""

        def call(chat: int, thread: int | None) -> Awaitable[telegram.Message]:
            file = InputFile(text.encode(), filename="nightdesk.txt")
            return self._bot.send_document(chat, file, disable_notification=True, message_thread_id=thread)

        await self._there(place, urgency, call)

    async def change(self, chat: int, message: int, page: Page, keys: Rows, *, urgency: Urgency) -> None:
        """Change what a message says; that it says so already is fine. Errors: RefusedError."""

        def call(text: str, parse_mode: str | None, markup: InlineKeyboardMarkup | None) -> Awaitable[object]:
            return self._turn(
                chat,
                urgency,
                lambda: self._bot.edit_message_text(
                    text,
                    chat_id=chat,
                    message_id=message,
                    parse_mode=parse_mode,
                    reply_markup=markup,
                    link_preview_options=_NO_PREVIEW,
                ),
            )

        try:
            await _simpler(call, page, keys)
        except RefusedError as error:
            if error.kind is Kind.MOVED:
                said = "the group became a supergroup, and what was said before cannot be changed any more"
                raise RefusedError(said, Kind.GONE) from None
            if error.kind is not Kind.SAME:
                raise

    async def answer(self, query: str, text: str = "") -> None:
        """Answer a press, so that its button stops waiting. Errors: RefusedError."""
        patience = min(ANSWER, self._patience)
        await self._try(lambda: self._bot.answer_callback_query(query, text or None, show_alert=bool(text)), patience)

    async def _there(self, place: Place, urgency: Urgency, call: Callable[[int, int | None], Awaitable[_T]]) -> _T:
        """Call for a place; its chat may have moved, and its topic may be gone: then its general part is told."""
        room = next((each for each in self._rooms if place.chat in each.chats), None)
        chat = room.chat if room else place.chat
        try:
            said = await self._turn(chat, urgency, lambda: call(chat, place.thread))
        except RefusedError as error:
            if room and error.kind is Kind.MOVED and error.moved_to is not None:
                room.move(error.moved_to)
                return await self._turn(room.chat, urgency, lambda: call(room.chat, None))
            if error.kind is not Kind.THREAD or place.thread is None:
                if room and error.kind is Kind.CHAT:
                    room.amiss[Kind.CHAT] = str(error)
                raise
            if room and place.thread == room.topic:
                room.amiss[Kind.THREAD] = f"{error}; until then pages go to the group's general part"
            return await self._turn(chat, urgency, lambda: call(chat, None))
        if room:
            room.amiss.pop(Kind.CHAT, None)
            if place.thread == room.topic:
                room.amiss.pop(Kind.THREAD, None)
        return said

    async def _turn(self, chat: int, urgency: Urgency, call: Callable[[], Awaitable[_T]]) -> _T:
        """Call when it is this chat's turn; what would wait long is handed back, and holds up nothing more urgent."""
        lane, patience = self._lane(chat), PATIENT[urgency]
        wait = lane.wait(urgency)
        if wait > patience:
            raise _full(lane, urgency)
        try:
            async with asyncio.timeout(patience + wait):
                await lane.turn(urgency)
        except TimeoutError:
            raise _full(lane, urgency) from None
        try:
            return await self._try(call, chat=chat)
        except RefusedError as error:
            if error.retry_after is not None:
                lane.block(error.retry_after + MARGIN)
            raise

    def _lane(self, chat: int) -> Lane:
        lane = self._lanes.get(chat)
        if lane is None:
            while len(self._lanes) >= _LANES:
                del self._lanes[next(iter(self._lanes))]
            lane = self._lanes[chat] = Lane(self._pace, group=chat < 0, road=self._road)
        return lane

    async def _try(
        self, call: Callable[[], Awaitable[_T]], patience: float | None = None, chat: int | None = None
    ) -> _T:
        try:
            async with asyncio.timeout(patience or self._patience):
                return await call()
        except Exception as error:  # noqa: BLE001 - the library raises more than it says
            raise refusal(error, None if chat in self._rooms[0].chats else chat) from None


def _full(lane: Lane, urgency: Urgency) -> RefusedError:
    """Why something is handed back: Telegram asked the whole chat to wait, or it is only too many for our own pace."""
    own = not lane.blocked
    again = lane.later() if urgency is Urgency.EDIT and own else lane.wait(urgency)
    said = "Telegram takes no more messages in this chat for a while"
    return RefusedError(said, Kind.BUSY, retry_after=again, own=own)


async def _simpler(
    call: Callable[[str, str | None, InlineKeyboardMarkup | None], Awaitable[_T]], page: Page, keys: Rows
) -> _T:
    """Say it with markup, else without, else without buttons: a page that looks plain is better than none."""
    buttons = [[InlineKeyboardButton(each.label, callback_data=each.line) for each in row] for row in keys]
    markup = InlineKeyboardMarkup(buttons) if buttons else None
    try:
        return await call(page.html, ParseMode.HTML, markup)
    except RefusedError as error:
        if error.kind not in (Kind.MARKUP, Kind.MESSAGE):
            raise
        log.warning("said without markup", error=str(error))
        simpler = markup if error.kind is Kind.MARKUP else None
    return await call(page.plain, None, simpler)
