"""A test page in each chat, and who presses its button: what `nightdesk check --send` shows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.access import Access
from bot.chat import Button, ChatPlatform, Found, Invocation, Message, MessageRef, Reply, Tone, TransportError
from bot.format import plain

PAGE = Message(
    "Test page from nightdesk check",
    "Nothing is wrong: somebody tries whether a page arrives here, and whether its button is heard.",
    buttons=(Button("Acknowledge", "whoami"),),
    tone=Tone.CRITICAL,
    loud=True,
)
STEP = 15.0
"""Seconds that starting, sending or changing may take."""
_ANSWER = 5.0
_NOT_THE_DESK = Message(
    "Nothing was done",
    "For a moment `nightdesk check --send` listens here in place of the desk: give it again in a minute.",
    private=True,
)
Tell = Callable[[Found], None]
Say = Callable[[Message], Awaitable[str | None]]
"""Says something without listening; returns what is amiss all the same. Errors: TransportError."""


async def post(say: Say, why: str, tell: Tell) -> None:
    """Send the test page and do not listen; `why`: the reason, in a few words. Never raises."""
    try:
        async with asyncio.timeout(STEP):
            amiss = await say(PAGE)
    except Exception as error:  # noqa: BLE001 -- whatever a platform raises is told
        tell(_unsent(error))
    else:
        tell(_sent(why) if amiss is None else Found(False, f"test page sent, but {amiss}"))


async def press(platform: ChatPlatform, people: Access, wait: float, tell: Tell) -> None:
    """Listen, send the test page, and wait `wait` seconds until somebody presses its button. Never raises.

    Whoever gives an order meanwhile is told that the desk did not hear it.
    """
    ear = _Ear(people)
    try:
        async with asyncio.timeout(2 * STEP):
            await platform.start(ear.hear)
            ref = await platform.send(PAGE)
    except Exception as error:  # noqa: BLE001 -- whatever a platform raises is told
        tell(_unsent(error))
    else:
        tell(Found(None, f"test page sent: press its button within {wait:g} s"))
        found, shown = await ear.pressed(ref, wait)
        amiss = platform.trouble or await _changed(platform, ref, shown)
        tell(found if amiss is None else Found(False, f"{found.sentence}; {amiss}"))
    finally:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(STEP):
                await platform.stop()


class _Ear:
    """Hears every line, and waits for the press of one button."""

    def __init__(self, people: Access) -> None:
        self._people = people
        self._ref: asyncio.Future[MessageRef] = asyncio.get_running_loop().create_future()
        self._press: asyncio.Future[Invocation] = asyncio.get_running_loop().create_future()

    async def pressed(self, ref: MessageRef, wait: float) -> tuple[Found, Message]:
        """What came of the page at `ref` within `wait` seconds, and what the page becomes."""
        self._ref.set_result(ref)
        over = replace(PAGE, text="Nobody pressed its button in time.", buttons=(), tone=Tone.OVER, loud=False)
        try:
            async with asyncio.timeout(wait):
                by = await self._press
        except TimeoutError:
            return _sent(f"not pressed within {wait:g} s", fine=None), over
        known = self._people.who(by.platform, by.user)
        if known is None:
            said = f"pressed by {_named(by)}, whom the desk does not know: write {_setting(by)} under their name"
            return _sent(f"{said} in [[people]]", fine=False), replace(over, text="A stranger pressed its button.")
        person, role = known
        who = f"{person.name} ({role.name.lower()})"
        return _sent(f"pressed by {by.user}, who is {who}"), replace(over, text=f"Pressed by {who}.", tone=Tone.GOOD)

    async def hear(self, invocation: Invocation, reply: Reply) -> None:
        """Take a press of the page; tell everybody else that this is not the desk."""
        ours = invocation.button and invocation.about == await asyncio.shield(self._ref)
        known = self._people.who(invocation.platform, invocation.user) is not None
        if not (ours and known):
            said = f"To let you in, an admin writes {_setting(invocation)} under your name in [[people]]."
            hint = Message("The desk does not know you", said, private=True)
            with contextlib.suppress(TransportError, TimeoutError):
                async with asyncio.timeout(_ANSWER):
                    await reply(hint if ours else _NOT_THE_DESK)
        if ours and not self._press.done():
            self._press.set_result(invocation)


def _named(by: Invocation) -> str:
    user, display = plain(by.user, 40), plain(by.display, 40)
    return f"{user} ({display})" if display not in ("", user) else user


def _setting(by: Invocation) -> str:
    """How the settings say who they are."""
    return f"{by.platform} = {by.user}" if by.user.isdecimal() else f'{by.platform} = "{plain(by.user, 40)}"'


def _sent(what: str, *, fine: bool | None = True) -> Found:
    return Found(fine, f"test page sent; {what}")


def _unsent(error: Exception) -> Found:
    if isinstance(error, TransportError):
        return Found(False, f"test page not sent: {error}")
    why = "it took too long" if isinstance(error, TimeoutError) else f"the platform failed ({type(error).__name__})"
    return Found(False, f"test page not sent: {why}")


async def _changed(platform: ChatPlatform, ref: MessageRef, shown: Message) -> str | None:
    """Change the page, as every card is changed; returns why that failed."""
    try:
        async with asyncio.timeout(STEP):
            await platform.edit(ref, shown)
    except Exception as error:  # noqa: BLE001 -- whatever a platform raises is told
        why = str(error) if isinstance(error, TransportError) else type(error).__name__
        return f"it could not be changed afterwards: {why}"
    return None
