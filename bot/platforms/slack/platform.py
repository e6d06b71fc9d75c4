"""The desk in one Slack channel: pages go out, orders come in, and trouble with either is told."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable

import aiohttp
import structlog
from pydantic import SecretStr

from bot import settings
from bot.chat import Handler, Invocation, Message, MessageRef, Picture, Tone, TransportError
from bot.format import plain
from bot.platforms.slack.answers import Answers
from bot.platforms.slack.api import WITHIN, Api, Identity
from bot.platforms.slack.bolt import Take, taking
from bot.platforms.slack.errors import NOT_THERE, RefusedError
from bot.platforms.slack.find import found
from bot.platforms.slack.http import Listener
from bot.platforms.slack.incoming import Order
from bot.platforms.slack.pace import Pace
from bot.platforms.slack.socket import Socket

NAME = "slack"
WEBHOOK = "webhook"
"""Where a message stands that came by a webhook: nobody can find it again."""
STOP = 1.0
"""Seconds that stopping waits for what does not end."""
AT_ONCE = 200
"""Lines under way at once; more of them are dropped."""
_SOON = 5.0
"""Seconds after which a failed probe is made again."""
_NOTHING = "Nothing was done here"
log = structlog.get_logger()


class Slack:
    """One channel of one workspace, and whichever others it is told to speak in.

    `also`: further channels whose lines count. `every`: seconds between two messages in one channel in the long run;
    `ping`, `probe`: seconds between two looks whether the connection, the token still holds; `patience`: seconds that
    each step of a start may take.
    """

    def __init__(
        self,
        about: settings.Slack,
        *,
        also: frozenset[str] = frozenset(),
        every: float = 1.0,
        ping: float = 5.0,
        probe: float = 60.0,
        patience: float = 5.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._about = about
        self._channel = about.channel or ""
        self._channels = {**{each: f"{NAME}:{each}" for each in also}, self._channel: NAME}
        """Id -> what notifications call it."""
        self._pace = Pace(every)
        self._ping = ping
        self._probe = probe
        self._patience = patience
        self._clock = clock
        self._handler: Handler | None = None
        self._session: aiohttp.ClientSession | None = None
        self._api: Api | None = None
        self._identity = Identity()
        self._socket: Socket | None = None
        self._listener: Listener | None = None
        self._keepers: list[asyncio.Task[None]] = []
        self._orders: set[asyncio.Task[None]] = set()
        self._refused: str | None = None
        """Why the last probe failed."""
        self._said = itertools.count(1)

    @property
    def name(self) -> str:
        """The key of people's ids."""
        return NAME

    @property
    def threads(self) -> bool:
        """A card's thread is its time line; a webhook cannot answer anything."""
        return self._about.mode != WEBHOOK

    @property
    def pictures(self) -> bool:
        """A file in the card's thread; a webhook takes none."""
        return self._about.mode != WEBHOOK

    @property
    def trouble(self) -> str | None:
        """Why nothing comes in, or the token is refused."""
        return self._refused or (self._socket.trouble if self._socket is not None else None)

    @property
    def heard(self) -> float | None:
        """Seconds since anything came through the connection; None where Slack is not listened to by one."""
        return self._socket.heard if self._socket is not None else None

    @property
    def port(self) -> int | None:
        """Where requests of Slack are received in HTTP mode; None while they are not."""
        return self._listener.port if self._listener is not None else None

    async def start(self, handler: Handler) -> None:
        """Ask who we are, and listen. Errors: TransportError; messages can be sent all the same."""
        await self._deaf()
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=WITHIN, trust_env=True)
            self._api = Api(self._session, self._about.base_url, _open(self._about.bot_token), self._pace)
        if self._about.mode == WEBHOOK:
            return
        api = self._ready()
        try:
            async with asyncio.timeout(self._patience):
                self._identity = await api.identity()
        except TimeoutError:
            raise TransportError(f"Slack did not answer within {self._patience:g} s.") from None
        self._refused = None
        self._handler = handler
        take = taking(api.client, lambda: self._identity, self._begin)
        try:
            if self._about.mode == "http":
                await self._listen(take)
            else:
                await self._connect(take, api, self._session)
        except BaseException:
            await self._deaf()
            raise
        self._keepers.append(asyncio.create_task(self._mind(api)))

    async def stop(self) -> None:
        """Hear and say nothing any more; lines under way are given up."""
        await self._deaf()
        self._api = None
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP):
                    await session.close()

    async def send(
        self, message: Message, under: MessageRef | None = None, *, to: str | None = None, key: str = ""
    ) -> MessageRef:
        """Post a card, or an answer in the thread of one; what is loud, or says that it is over, the channel sees too.

        Of a message with a picture the picture alone is shown, under the message's title. Errors: TransportError.
        """
        api, channel = self._ready(), to or self._channel
        if self._about.mode == WEBHOOK:
            await self._pace.turn(WEBHOOK, page=True)
            await api.hook(_open(self._about.webhook), message)
            return MessageRef(NAME, WEBHOOK, f"{self._clock():.3f}-{next(self._said)}")
        thread = under.id if under is not None and (under.platform, under.chat) == (NAME, channel) else None
        if message.picture is not None:
            file = await _uploaded(api, message.picture)
            await api.show(channel, file, plain(message.title), thread)
            return MessageRef(NAME, channel, file)  # Slack does not say where it stands
        seen = message.loud or message.tone is Tone.GOOD
        where, ts = await api.post(channel, message, thread=thread, broadcast=seen, page=True, key=key)
        return MessageRef(NAME, where, ts)

    async def find(self, key: str, *, to: str | None = None, since: float) -> MessageRef | None:
        """Where the message sent under a key stands; one that only its thread shows is not found.

        Also None where the app may not look, or posts by a webhook. Errors: TransportError (it could not look).
        """
        api, channel = self._ready(), to or self._channel
        if self._about.mode == WEBHOOK:
            return None
        ts = await found(api, self._identity, channel, key, since)
        return None if ts is None else MessageRef(NAME, channel, ts)

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Change a card where it stands. Errors: TransportError, for good where it can never be changed."""
        if ref.platform != NAME:
            raise TransportError(f"{ref.platform} has that message, not Slack", permanent=True)
        if WEBHOOK in (ref.chat, self._about.mode):
            raise TransportError("A webhook cannot edit what it has posted.", permanent=True)
        try:
            await self._ready().update(ref.chat, ref.id, message)
        except RefusedError as error:
            if error.code in NOT_THERE and ref.chat not in self._channels:
                raise TransportError(
                    "The card stands in a channel that is not the desk's any more.", permanent=True
                ) from None
            raise

    def _ready(self) -> Api:
        if self._api is None:
            raise TransportError("Slack is not started")
        return self._api

    async def _deaf(self) -> None:
        """Stop listening, within STOP seconds."""
        self._handler = self._socket = None
        listener, self._listener = self._listener, None
        tasks = [*self._keepers, *self._orders]
        self._keepers.clear()
        for task in tasks:
            task.cancel()
        closing = [asyncio.create_task(listener.stop())] if listener is not None else []
        if tasks or closing:
            await asyncio.wait((*tasks, *closing), timeout=STOP)

    async def _listen(self, take: Take) -> None:
        secret = _open(self._about.signing_secret)
        self._listener = Listener(self._about.listen, secret, take, self._clock)
        await self._listener.start()

    async def _connect(self, take: Take, api: Api, session: aiohttp.ClientSession) -> None:
        token = _open(self._about.app_token)
        self._socket = Socket(session, lambda: api.socket_url(token), take, ping=self._ping, hello=self._patience)
        self._keepers.append(asyncio.create_task(self._socket.run()))
        await self._socket.up(self._patience)

    async def _mind(self, api: Api) -> None:
        """Look now and then whether the token still holds."""
        while True:
            await asyncio.sleep(self._probe if self._refused is None else min(_SOON, self._probe))
            try:
                await api.identity()
            except TransportError as error:
                self._refused = self._refused if error.retry_after is not None else str(error)
            else:
                self._refused = None

    def _begin(self, order: Order) -> None:
        """Begin what was ordered, beside everything else."""
        handler = self._handler
        if handler is None or self._api is None:
            return
        if len(self._orders) >= AT_ONCE:
            log.warning("a line was dropped: too many are under way", user=order.user)
            return
        answers = Answers(self._api, order)
        hint = self._hint(order)
        task = asyncio.create_task(_run(handler, self._invocation(order), answers, hint))
        self._orders.add(task)
        task.add_done_callback(self._orders.discard)

    def _hint(self, order: Order) -> Message | None:
        """Why a line is not even looked at; None when it may go on."""
        if not order.teams or not order.teams <= self._identity.homes:
            log.warning("a line from another workspace was refused", user=order.user)
            return Message(_NOTHING, "This desk takes orders from its own workspace only.", private=True)
        if order.chat not in self._channels:
            text = f"This desk listens in its own channels only, {self._channel}; the id of this one is {order.chat}."
            return Message(_NOTHING, text, private=True)
        if order.aside:
            return Message(_NOTHING, "An order begins with the mention: @nightdesk status.", private=True)
        return None

    def _invocation(self, order: Order) -> Invocation:
        return Invocation(
            line=order.line,
            platform=NAME,
            user=order.user,
            display=order.display,
            chat=order.chat,
            time=self._clock() if order.time is None else order.time,
            button=order.button,
            event=order.event,
            about=None if order.card is None else MessageRef(NAME, order.chat, order.card),
            channel=self._channels.get(order.chat),
        )


async def _uploaded(api: Api, picture: Picture) -> str:
    """Hand a picture over; whatever becomes of that, nobody has seen it yet. Errors: TransportError."""
    try:
        return await api.upload(picture)
    except TransportError as error:
        error.uncertain = False
        raise


async def _run(handler: Handler, invocation: Invocation, answers: Answers, hint: Message | None) -> None:
    try:
        await (handler(invocation, answers.say) if hint is None else answers.say(hint))
    except TransportError as error:
        log.warning("an answer was not taken by Slack", error=str(error))
    except Exception:
        log.exception("a line from Slack failed")


def _open(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
