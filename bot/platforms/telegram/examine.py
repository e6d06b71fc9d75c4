"""What `nightdesk check` asks Telegram: token, webhook, rival, chat, topic, rights; no update is taken away."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeVar

from telegram import Bot, Chat, ChatFullInfo, ChatMember, ChatMemberRestricted
from telegram.request import HTTPXRequest

from bot.chat import Found, Message, TransportError
from bot.format import plain
from bot.platforms.telegram import elsewhere, render
from bot.platforms.telegram.errors import Kind, RefusedError, refusal
from bot.platforms.telegram.hear import NAME, Place
from bot.platforms.telegram.pace import Pace, Urgency
from bot.platforms.telegram.platform import GENERAL, trusted
from bot.platforms.telegram.poll import Sifted
from bot.platforms.telegram.react import MINE
from bot.platforms.telegram.voice import Room, Voice, rooms
from bot.settings import Settings, Telegram

PATIENCE = 3.0
"""Seconds that an answer may take."""
LISTEN = 2.5
"""Seconds for which another reader is waited for: one that was interrupted comes back within one or two."""
HOOKED = "the webhook takes its press"
"""Why nobody hears a press where a webhook is set."""
_CLOSE = 0.3
"""Seconds that saying goodbye may take."""
_RIVAL = (
    "another program polls with this token: is the desk already running, or does freqtrade use the same bot? "
    "One bot, one program: stop it, or make a bot of its own for each with @BotFather"
)
_TOPIC = "whether topic {topic} of {where} is there and open shows only a page: nightdesk check --send"
_MOST = 30
"""People who are looked for in the group."""
_T = TypeVar("_T")


async def examine(
    settings: Settings, *, running: bool, patience: float = PATIENCE, listen: float = LISTEN
) -> list[Found]:
    """Look at everything that [telegram] names.

    `running`: whether the desk runs now; then it is not looked for another reader, because that interrupts the desk.
    `patience`: seconds that each of four answers may take. `listen`: seconds for the look for another reader.
    """
    section = settings.telegram
    if section is None:
        return []
    try:
        async with speaking(section, patience) as bot:
            home, *others = rooms(section.chat, _topic(section), elsewhere(settings))
            looks = asyncio.gather(_room(bot, home, None), *(_room(bot, each, each.chat) for each in others))
            there = asyncio.gather(*(_present(bot, home, *each) for each in _known(settings)))
            found, reader, present = await asyncio.gather(looks, _reader(bot, listen, running=running), there)
            told = dict.fromkeys(itertools.chain.from_iterable(found))
            return [*_myself(bot), *reader, *told, *itertools.chain.from_iterable(present), *_people(settings, bot)]
    except RefusedError as error:
        return [Found(False, _told(error))]


async def identify(section: Telegram, *, patience: float = PATIENCE, listen: float = LISTEN) -> list[Found]:
    """Whose token it is, and whether the updates come to whoever polls: before there is a chat."""
    try:
        async with speaking(section, patience) as bot:
            return [*_myself(bot), *await _reader(bot, listen, running=False)]
    except RefusedError as error:
        return [Found(False, _told(error))]


async def say(settings: Settings, message: Message) -> str | None:
    """Say something in the chat without listening; returns what is amiss all the same. Errors: TransportError."""
    section = settings.telegram
    if section is None:
        raise TransportError("telegram is not set up")
    async with speaking(section, PATIENCE) as bot:
        (home,) = rooms(section.chat, _topic(section))
        voice = Voice(bot, (home,), Pace(), PATIENCE)
        place, page, keys = Place(home.chat, home.topic), render.card(message), render.keys(message.buttons)
        await voice.say(place, page, keys, urgency=Urgency.PAGE, silent=not message.loud)
        return "; ".join(home.amiss.values()) or None


@contextlib.asynccontextmanager
async def speaking(section: Telegram, patience: float) -> AsyncIterator[Bot]:
    """A bot that knows who it is. Errors: RefusedError."""
    try:
        bot = Bot(
            section.token.get_secret_value(),
            section.base_url,
            request=_request(HTTPXRequest, patience),
            get_updates_request=_request(Sifted, patience),
        )
    except Exception as error:  # noqa: BLE001 - whatever the library finds wrong with the token or the address
        raise refusal(error) from None
    try:
        await attempt(bot.initialize)
        yield bot
    finally:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_CLOSE):
                await bot.shutdown()


def _request(kind: type[HTTPXRequest], patience: float) -> HTTPXRequest:
    return kind(
        connection_pool_size=8,
        read_timeout=patience,
        write_timeout=patience,
        connect_timeout=patience,
        httpx_kwargs={"verify": trusted()},
    )


async def attempt(call: Callable[[], Awaitable[_T]], elsewhere: int | None = None) -> _T:
    """Call, and say in our words what came of it. Errors: RefusedError."""
    try:
        return await call()
    except Exception as error:  # noqa: BLE001 - the library raises more than it says
        raise refusal(error, elsewhere) from None


def _told(error: RefusedError) -> str:
    if error.kind is Kind.NETWORK:
        return f"{error}: look at this machine's network; a proxy is read from HTTPS_PROXY"
    return str(error)


def _myself(bot: Bot) -> Iterator[Found]:
    yield Found(True, f"the token is that of @{bot.username}")
    if bot.bot.can_join_groups is False:
        yield Found(None, f"@{bot.username} may join no group: @BotFather, /setjoingroups, Enable")


async def _reader(bot: Bot, listen: float, *, running: bool) -> list[Found]:
    """Whether the updates come to whoever polls, and to nobody else."""
    try:
        hooked = (await attempt(bot.get_webhook_info)).url
    except RefusedError as error:
        return [Found(False, _told(error))]
    if hooked:
        said = "a webhook is set for this bot: the desk removes it when it starts, so see that nobody needs it"
        found = Found(None, said, deaf=HOOKED)
    elif running:
        said = "the desk runs now: whether another program polls with this token too is said by its /status"
        found = Found(None, said)
    else:
        return await _rival(bot, listen)
    return [found]


async def _rival(bot: Bot, listen: float) -> list[Found]:
    """Poll for a while, without confirming anything: whoever polls too ends our poll with a conflict.

    The newest poll wins, so a short one would see nothing, and interrupt the other all the same.
    """
    held = max(1, round(listen))
    try:
        async with asyncio.timeout(listen):
            while True:
                await bot.get_updates(limit=1, timeout=held)
                await asyncio.sleep(listen / 10)
    except TimeoutError:
        return []
    except Exception as error:  # noqa: BLE001 - the library raises more than it says
        why = refusal(error)
        if why.kind is Kind.RIVAL:
            return [Found(False, _RIVAL, deaf="the other program may take its press")]
        return [Found(False, _told(why))]


async def _room(bot: Bot, room: Room, elsewhere: int | None) -> list[Found]:
    """A chat that is paged, and what the bot may do there."""
    try:
        chat = await attempt(lambda: bot.get_chat(room.chat), elsewhere)
        if chat.type == Chat.PRIVATE:
            return [Found(True, f"pages go to {_named(chat)} in private")]
        member = await attempt(lambda: bot.get_chat_member(room.chat, bot.id), elsewhere)
    except RefusedError as error:
        return [Found(False, _missing(error, room, bot))]
    if room.topic is not None and not chat.is_forum:
        said = f"topic = {room.topic} is set, but {_named(chat)} has no topics: switch them on there (Edit, Topics), "
        return [Found(False, f"{said}or take topic out of [telegram]"), *_rights(chat, member, bot)]
    topic = [] if room.topic is None else [Found(None, _TOPIC.format(topic=room.topic, where=_named(chat)))]
    return [*_rights(chat, member, bot), *topic]


def _missing(error: RefusedError, room: Room, bot: Bot) -> str:
    if error.kind is Kind.MOVED:
        return f"{error}: write {room.setting.format(error.moved_to)}"
    if error.kind is not Kind.CHAT:
        return _told(error)
    if room.chat > 0:
        return f"{error}; if it is a person, they must open @{bot.username} and press Start"
    return f"{error}; add @{bot.username} to the group: /ids@{bot.username} there tells its id while the desk runs"


def _rights(chat: ChatFullInfo, member: ChatMember, bot: Bot) -> Iterator[Found]:
    name, where = f"@{bot.username}", _named(chat)
    limited = member if isinstance(member, ChatMemberRestricted) else None
    if member.status in (ChatMember.LEFT, ChatMember.BANNED) or (limited and not limited.is_member):
        yield Found(False, f"{name} is not in {where}: add it to the group")
        return
    chief = member.status in (ChatMember.ADMINISTRATOR, ChatMember.OWNER)
    silent = chat.permissions is not None and not chat.permissions.can_send_messages
    if (limited and not limited.can_send_messages) or (silent and not chief and not limited):
        said = f"{name} may not write in {where}: Edit, Permissions, Send messages; or make it administrator"
        yield Found(False, said)
        return
    yield Found(True, f"pages go to {where}")
    if chat.type == Chat.CHANNEL:
        yield Found(None, f"{where} is a channel: its buttons work, but orders that are typed have no author there")
    if chief:
        yield Found(True, f"a reaction to a page in {where} ({' '.join(sorted(MINE))}) acknowledges it")
    else:
        yield Found(None, "reactions reach it only as administrator; buttons and replies work")
        if not bot.bot.can_read_all_group_messages:
            yield Found(None, "privacy mode: in groups it hears only commands, replies and mentions, which is enough")


def _known(settings: Settings) -> list[tuple[str, int]]:
    """Names and ids of the people whom Telegram can be asked about."""
    found = ((each.name, each.ids.get(NAME, "")) for each in settings.people)
    return [(name, int(user)) for name, user in found if user.isdecimal()][:_MOST]


async def _present(bot: Bot, room: Room, name: str, user: int) -> list[Found]:
    """Whether somebody can give orders in the group; what Telegram does not say is no news."""
    if room.chat > 0:
        return []
    try:
        member = await attempt(lambda: bot.get_chat_member(room.chat, user))
    except RefusedError:
        return []
    who = f"{plain(name, 40)} ({user})"
    if member.status in (ChatMember.LEFT, ChatMember.BANNED):
        return [Found(None, f"{who} is not in the group: its pages and buttons do not reach them")]
    if getattr(member, "is_anonymous", False):
        said = (
            f"{who} is an anonymous administrator, so what they write there counts for nobody: Edit, Administrators, "
        )
        return [Found(None, f"{said}{plain(name, 40)}, switch off Remain anonymous; buttons work")]
    return []


def _people(settings: Settings, bot: Bot) -> Iterator[Found]:
    lacking = ", ".join(each.name for each in settings.people if NAME not in each.ids)
    if lacking:
        how = f"whoever presses Start at @{bot.username} while the desk runs is told their id"
        yield Found(None, f"no telegram id, and so no orders there: {plain(lacking, 120)}; {how}")


def _named(chat: ChatFullInfo) -> str:
    return plain(chat.effective_name or str(chat.id), 60)


def _topic(section: Telegram) -> int | None:
    return section.topic if section.topic != GENERAL else None
