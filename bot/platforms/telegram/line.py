"""One line somebody gave: its press is answered, the desk is asked, and what it says goes to whom it is for."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace

import structlog

from bot.chat import Handler, Message, Picture, without_picture
from bot.platforms.telegram import render
from bot.platforms.telegram.errors import Kind, RefusedError
from bot.platforms.telegram.hear import Heard, Place
from bot.platforms.telegram.pace import Urgency
from bot.platforms.telegram.voice import Voice

WITHIN = 30.0
"""Seconds that an answer may wait for Telegram before it is given up."""
KEPT = 100
"""People for whom something is kept until they may be written to."""
log = structlog.get_logger()


class Line:
    """A line under way."""

    def __init__(
        self,
        voice: Voice,
        heard: Heard,
        *,
        kept: dict[int, Message],
        bot: str,
        people: Collection[str],
        oldest: float = 0.0,
    ) -> None:
        """`kept`: person -> what could not be said to them alone yet. `people`: ids of those who are known.

        `oldest`: when a press may have been made at the earliest, seconds since the epoch.
        """
        self._voice = voice
        self._heard = heard
        self._kept = kept
        self._bot = bot
        self._oldest = oldest
        self._unanswered = heard.query if heard.refused or heard.invocation.user not in people else None
        """A press that is answered with what the desk says, to the eyes of whoever pressed: a stranger's."""

    async def run(self, handler: Handler, handed: Callable[[], None]) -> None:
        """Hand the line on, saying so, and say what is answered. Errors: TransportError."""
        heard = self._heard
        invocation = heard.invocation
        if heard.query is not None and self._unanswered is None:
            invocation = replace(invocation, time=await self._acknowledged(heard.query))
        handed()
        await handler(invocation, self._refuse if heard.refused else self._reply)
        await self._alert("")
        if heard.person is not None and not heard.place.group and heard.person in self._kept:
            await self._say(heard.place, self._kept.pop(heard.person))

    async def _acknowledged(self, query: str) -> float:
        """Answer a press at once; returns when it was made, as far as Telegram lets that be known."""
        try:
            await self._voice.answer(query)
        except RefusedError as error:
            return 0.0 if error.kind is Kind.LATE else self._oldest
        return self._heard.invocation.time

    async def _reply(self, message: Message) -> None:
        heard = self._heard
        if not message.private or not heard.place.group:
            await self._say(heard.place, message)
        elif not await self._alert(render.alert(message)):
            await self._alone(message)

    async def _refuse(self, _hint: Message) -> None:
        """Say why the line counts for nothing, where the desk would say that it does not know whoever gave it."""
        heard = self._heard
        message = Message("Nothing was done", heard.refused or "", private=heard.private)
        await self._reply(message)

    async def _alert(self, text: str) -> bool:
        """Answer a stranger's press; False when there is none that waits for it."""
        query, self._unanswered = self._unanswered, None
        if query is None:
            return False
        try:
            await self._voice.answer(query, text)
        except RefusedError as error:
            log.info("a press was not answered", error=str(error))
            return False
        return True

    async def _alone(self, message: Message) -> None:
        """Say something to the person alone; until they let the bot write to them, it is kept."""
        person = self._heard.person
        if person is None:
            return
        try:
            await self._say(Place(person), message)
        except RefusedError as error:
            if error.kind is not Kind.CHAT:
                raise
            self._kept.pop(person, None)
            self._kept[person] = message
            while len(self._kept) > KEPT:
                del self._kept[next(iter(self._kept))]
            if not self._heard.refused:
                said = f"Open @{self._bot} and press Start: the answer is for you alone, and waits there."
                await self._say(self._heard.place, Message("I cannot write to you alone yet", said))

    async def _say(self, place: Place, message: Message) -> None:
        if message.picture is not None:
            message = await self._shown(place, message, message.picture)
            if message.picture is not None:
                return
        told, keys = render.told(message), render.keys(message.buttons)
        say = functools.partial(self._voice.say, urgency=Urgency.ANSWER, silent=not message.loud)
        *pages, last = told.pages
        for page in pages:
            await _insisted(functools.partial(say, place, page))
        await _insisted(functools.partial(say, place, last, keys))
        if told.file is not None:
            await _insisted(functools.partial(self._voice.file, place, told.file, urgency=Urgency.ANSWER))

    async def _shown(self, place: Place, message: Message, picture: Picture) -> Message:
        """Show a message's picture, with all of it as the caption where that has room.

        Returns what is left to be said: the message itself when nothing is.
        """
        caption = render.caption(message)
        page, keys = (render.heading(message), ()) if caption is None else (caption, render.keys(message.buttons))
        silent = not message.loud
        photo = functools.partial(self._voice.photo, place, picture, page, keys, urgency=Urgency.ANSWER, silent=silent)
        try:
            await _insisted(photo)
        except RefusedError as error:
            if error.kind not in (Kind.PICTURE, Kind.MESSAGE, Kind.MARKUP):
                raise
            log.warning("an answer was said without its picture", error=str(error))
            return without_picture(message, str(error))
        return message if caption is not None else replace(message, picture=None)


async def _insisted(call: Callable[[], Awaitable[object]]) -> None:
    """Try again for a while when Telegram is busy or away: nobody else repeats an answer. Errors: RefusedError."""
    now = asyncio.get_running_loop().time
    end, wait = now() + WITHIN, 0.5
    while True:
        try:
            await call()
        except RefusedError as error:
            wait = 2 * wait if error.retry_after is None else error.retry_after
            if error.kind not in (Kind.BUSY, Kind.NETWORK) or now() + wait > end:
                raise
        else:
            return
        await asyncio.sleep(wait)
