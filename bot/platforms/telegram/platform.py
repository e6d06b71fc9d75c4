"""The Telegram platform: what is said goes out in turns, what is heard is handed on at once, each line by itself."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import httpx
import structlog
from telegram import Bot, ChatMember, Update
from telegram.request import HTTPXRequest

from bot.chat import Handler, Message, MessageRef, TransportError
from bot.format import plain
from bot.platforms.telegram import render
from bot.platforms.telegram.errors import Kind, refusal
from bot.platforms.telegram.hear import NAME, Ears, Heard, Place, hear
from bot.platforms.telegram.line import Line
from bot.platforms.telegram.menu import menu
from bot.platforms.telegram.pace import Pace, Urgency
from bot.platforms.telegram.poll import Poller, Sifted
from bot.platforms.telegram.react import Shown
from bot.platforms.telegram.voice import ID, Voice, rooms
from bot.settings import Telegram as Section

AT_ONCE = 200
"""Lines under way at once; Telegram keeps what is more."""
STOP = (0.3, 0.7)
"""Seconds that stopping waits for lines under way, and for Telegram."""
GENERAL = 1
"""The topic of a group that Telegram refuses to be named."""
log = structlog.get_logger()


class Telegram:
    """One bot: pages go to one chat or where they are told to, and people write to it there or in private.

    `also`: further chats whose lines count. `people`: ids of those who are known; only so that a stranger's press is
    answered to their eyes alone. `commands`: name -> summary. `poll`: seconds that Telegram holds a poll; `patience`:
    seconds that any other call may take; `again`: seconds before a failed poll is tried again, doubled each time.
    """

    threads = False
    pictures = True

    def __init__(
        self,
        section: Section,
        *,
        also: frozenset[str] = frozenset(),
        people: Iterable[str] = (),
        commands: Mapping[str, str],
        pace: Pace | None = None,
        poll: float = 20.0,
        patience: float = 10.0,
        again: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._section = section
        self._people = frozenset(people)
        self._commands = commands
        self._pace = pace or Pace()
        self._poll = poll
        self._patience = patience
        self._again = again
        self._clock = clock
        topic = section.topic if section.topic and section.topic != GENERAL else None
        self._rooms = rooms(section.chat, topic, also)
        self._home = self._rooms[0]
        self._shown = Shown()
        self._bot: Bot | None = None
        self._voice: Voice | None = None
        self._poller: Poller | None = None
        self._handler: Handler | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._kept: dict[int, Message] = {}
        """Person -> what could not be said to them alone yet."""

    @property
    def name(self) -> str:
        """The key of people's ids."""
        return NAME

    @property
    def trouble(self) -> str | None:
        """Why it cannot be relied on now."""
        deaf = self._poller.trouble if self._poller else None
        moved = (each.amiss.get(Kind.MOVED) for each in self._rooms[1:])
        return "; ".join(dict.fromkeys(filter(None, (deaf, *self._home.amiss.values(), *moved)))) or None

    @property
    def heard(self) -> float | None:
        """Seconds since Telegram last answered a poll; None while it is not asked."""
        return self._poller.heard if self._poller else None

    async def start(self, handler: Handler) -> None:
        """Ask Telegram who the bot is, set its menu, listen. Errors: TransportError."""
        await self.stop()
        token, patience = self._section.token.get_secret_value(), self._patience
        try:
            bot = Bot(token, self._section.base_url, request=_request(patience), get_updates_request=_reader())
        except Exception as error:  # noqa: BLE001 - whatever the library finds wrong with the token or the address
            raise refusal(error) from None
        try:
            async with asyncio.timeout(3 * patience):
                await self._introduce(bot)
        except Exception as error:  # noqa: BLE001 - the library raises more than it says
            await _closed(bot)
            raise refusal(error) from None
        except BaseException:
            await _closed(bot)
            raise
        self._bot, self._handler = bot, handler
        self._voice = Voice(bot, self._rooms, self._pace, patience)
        silent = 2 * self._poll + patience
        self._poller = Poller(bot, self._take, held=self._poll, silent=silent, again=self._again)

    async def _introduce(self, bot: Bot) -> None:
        await bot.initialize()
        if (await bot.get_webhook_info()).url:
            log.warning("a webhook was set for this bot; the desk polls, and has removed it")
            await bot.delete_webhook(drop_pending_updates=False)
        try:
            await bot.set_my_commands(menu(self._commands))
        except Exception as error:
            why = refusal(error)
            if why.kind is Kind.NETWORK:
                raise
            log.warning("the menu of commands was not taken", error=str(why))

    async def stop(self) -> None:
        """Stop listening, and confirm what was heard; lines under way have a moment to end."""
        bot, poller = self._bot, self._poller
        if bot is None or poller is None:
            return
        grace, within = STOP
        lines = asyncio.create_task(self._ended(grace))
        await asyncio.gather(lines, poller.finish(grace, within))
        self._bot = self._poller = self._handler = self._voice = None
        await _closed(bot)

    async def _ended(self, grace: float) -> None:
        """Wait for lines under way, for a moment, and give the others up."""
        if self._lines:
            await asyncio.wait(self._lines, timeout=grace)
        for task in self._lines:
            task.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def send(
        self, message: Message, under: MessageRef | None = None, *, to: str | None = None, key: str = ""
    ) -> MessageRef:
        """Say something new; what has buttons, or a picture, is one message. Errors: TransportError."""
        del key  # Telegram keeps nothing by which a message could be found again
        voice, home = self._speaking(), self._home
        if to is not None and not ID.fullmatch(to):
            raise TransportError(
                f'"{plain(to, 40)}" is no chat of Telegram: write its id, like -100123', permanent=True
            )
        chat = home.chat if to is None or int(to) in home.chats else int(to)
        urgency = Urgency.PAGE if message.loud else Urgency.NEWS
        below = int(under.id) if under and under.platform == NAME and under.chat == str(chat) else None
        place = Place(chat, home.topic if chat == home.chat else None, below)
        if message.picture is not None:
            caption = render.caption(message) or render.heading(message)
            sent = await voice.photo(place, message.picture, caption, urgency=Urgency.EDIT)
            return MessageRef(NAME, str(sent.chat.id), str(sent.message_id))
        told = render.Told((render.card(message),)) if message.buttons else render.told(message)
        first, *more = told.pages
        keys = render.keys(message.buttons)
        sent = await voice.say(place, first, keys, urgency=urgency, silent=not message.loud)
        self._shown.note(sent.chat.id, sent.message_id, message, place.thread)
        for page in more:
            await voice.say(place, page, urgency=urgency)
        if told.file is not None:
            await voice.file(place, told.file, urgency=urgency)
        return MessageRef(NAME, str(sent.chat.id), str(sent.message_id))

    async def find(self, key: str, *, to: str | None = None, since: float) -> MessageRef | None:  # noqa: ARG002 - see below
        """Nothing: a bot cannot read what stands in a chat."""
        return None

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Change a message; it makes no sound. Errors: TransportError (for good when it is not there any more)."""
        if ref.platform != NAME or not (ID.fullmatch(ref.chat) and ref.id.isdecimal()):
            raise TransportError(f"{ref.platform} has that message, not {NAME}", permanent=True)
        page, keys, chat = render.card(message), render.keys(message.buttons), int(ref.chat)
        await self._speaking().change(chat, int(ref.id), page, keys, urgency=Urgency.EDIT)
        self._shown.note(chat, int(ref.id), message, self._home.topic if chat == self._home.chat else None)

    def _speaking(self) -> Voice:
        if self._voice is None:
            raise TransportError("telegram is not started")
        return self._voice

    async def _take(self, updates: Sequence[Update], age: float | None) -> bool:
        """Hand every line of these updates on; returns once each is in the handler's hands, or False if one is not."""
        handed: list[asyncio.Future[bool]] = []
        for update in updates:
            try:
                self._notice(update)
                heard = hear(update, self._ears(), self._clock())
            except Exception:
                log.exception("an update was not understood", update=update.update_id)
                continue
            if heard is not None:
                await self._room.acquire()
                handed.append(self._begin(heard, age))
        if handed:
            await asyncio.wait(handed)
        return all(each.result() for each in handed)

    def _ears(self) -> Ears:
        bot = self._bot
        if bot is None:
            raise TransportError("telegram is not started")
        chats = {chat: room.channel for room in self._rooms for chat in room.chats}
        return Ears(bot.username, bot.id, chats, self._commands, self._shown)

    def _notice(self, update: Update) -> None:
        """What an update says about a chat itself: it moved, or the bot was removed from it, or is back."""
        member, message = update.my_chat_member, update.message
        for room in self._rooms:
            if message is not None and message.migrate_to_chat_id and message.chat.id == room.chat:
                room.move(message.migrate_to_chat_id)
            if member is not None and member.chat.id == room.chat:
                gone = member.new_chat_member.status in (ChatMember.LEFT, ChatMember.BANNED)
                if gone:
                    room.amiss[Kind.CHAT] = "the bot was removed from the chat: add it again"
                else:
                    room.amiss.pop(Kind.CHAT, None)

    def _begin(self, heard: Heard, age: float | None) -> asyncio.Future[bool]:
        """Run a line beside the others; what is returned is known once the handler has it, or never will."""
        handed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._run(heard, age, handed), name="telegram line")
        self._lines.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._lines.discard(task)
            self._room.release()
            if not handed.done():
                handed.set_result(not task.cancelled())

        task.add_done_callback(ended)
        return handed

    async def _run(self, heard: Heard, age: float | None, handed: asyncio.Future[bool]) -> None:
        handler, voice, bot = self._handler, self._voice, self._bot
        if handler is None or voice is None or bot is None:
            return
        oldest = 0.0 if age is None else self._clock() - age
        line = Line(voice, heard, kept=self._kept, bot=bot.username, people=self._people, oldest=oldest)
        try:
            await line.run(handler, lambda: handed.set_result(True))
        except TransportError as error:
            log.warning("a line was not answered", error=str(error))
        except Exception:
            log.exception("a line failed")


@functools.cache
def trusted() -> ssl.SSLContext:
    """Whom every connection to Telegram trusts; slow to make."""
    return httpx.create_ssl_context()


def _request(patience: float) -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=16,
        read_timeout=patience,
        write_timeout=patience,
        connect_timeout=patience / 2,
        pool_timeout=patience / 2,
        media_write_timeout=patience,
        httpx_kwargs={"verify": trusted()},
    )


def _reader() -> HTTPXRequest:
    return Sifted(connection_pool_size=2, httpx_kwargs={"verify": trusted()})


async def _within(seconds: float, work: Awaitable[object]) -> None:
    """Wait for something that may fail, or never end, and is not needed."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(seconds):
            await work


async def _closed(bot: Bot) -> None:
    await _within(STOP[0], bot.shutdown())
