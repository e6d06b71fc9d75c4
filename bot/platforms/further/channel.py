"""A message is said plainly, as title and text, to one address of apprise, one at a time."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator

import apprise

from bot.chat import Handler, Message, MessageRef, Table, Tone, TransportError
from bot.format import block, plain
from bot.settings import Further

PATIENCE = 30.0
"""Seconds one message may take."""
TITLE = 250
TEXT = 2_000
"""Characters of a text: enough for a card, and what a phone's screen still shows."""
_KINDS = {
    Tone.CRITICAL: apprise.NotifyType.FAILURE,
    Tone.WARN: apprise.NotifyType.WARNING,
    Tone.GOOD: apprise.NotifyType.SUCCESS,
}
_CALLS = re.compile(r"@(?=everyone|here|channel|all\b|room)|<(?=[!@#])", re.IGNORECASE)
"""Where a service might read a text as a call of everybody or of somebody."""
_STATUS = re.compile(r"\berror[=:] ?([1-5][0-9]{2})\b")
"""How apprise tells the status by which a service refused."""


class Channel:
    """One address of apprise. `patience`: seconds one message may take."""

    threads: bool = False
    """Every message stands for itself."""
    pictures: bool = False
    """They are said in words alone."""
    trouble: str | None = None
    """What is amiss shows when something is said."""
    heard: float | None = None
    """Nothing is listened to."""

    def __init__(self, about: Further, *, patience: float = PATIENCE) -> None:
        self._name = about.name
        self._service = _service(about)
        self._patience = patience
        self._busy = False
        """Whether a thread has a message in hand, its time-out past or not."""
        self._started = False
        self._said = itertools.count(1)

    @property
    def name(self) -> str:
        """The channel's name in the settings."""
        return self._name

    async def start(self, handler: Handler) -> None:  # noqa: ARG002 - it hears nothing
        """Take messages from now on."""
        self._started = True

    async def stop(self) -> None:
        """Take nothing from now on."""
        self._started = False

    async def send(
        self,
        message: Message,
        under: MessageRef | None = None,  # noqa: ARG002 - it has no threads
        *,
        to: str | None = None,
        key: str = "",  # noqa: ARG002 - nothing is found again
    ) -> MessageRef:
        """Say something. Errors: TransportError (not taken, or not known to be taken)."""
        if to is not None:
            raise TransportError(f"{self._name} is one address: it has no other chats.", permanent=True)
        if not self._started:
            raise TransportError(f"{self._name} is not started")
        if self._busy:
            raise TransportError(f"{self._name} is still busy with an earlier message.")
        try:
            async with asyncio.timeout(self._patience):
                refused = await self._in_thread(lambda: _tell(self._service, message))
        except TimeoutError:
            raise TransportError(
                f"{self._name} took nothing for {self._patience:g} s: look at its service.", uncertain=True
            ) from None
        if refused is not None:
            status = f" (HTTP {refused})" if refused else ""
            raise TransportError(
                f"{self._name} did not take a message{status}: look at its service and its address.",
                uncertain=not refused,
            )
        return MessageRef(self._name, self._name, f"{time.time():.3f}-{next(self._said)}")

    async def find(self, key: str, *, to: str | None = None, since: float) -> MessageRef | None:  # noqa: ARG002 - it cannot tell
        """None: nothing that was sent can be looked up."""
        return None

    async def edit(self, ref: MessageRef, message: Message) -> None:  # noqa: ARG002 - nothing is edited
        """Refuse: what was sent is out of reach. Errors: TransportError, always and for good."""
        raise TransportError(f"{self._name} cannot change what it has sent.", permanent=True)

    async def _in_thread(self, work: Callable[[], str | None]) -> str | None:
        """Run what blocks beside everything else; a thread that hangs keeps no process alive."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[str | None] = loop.create_future()

        def settle(result: str | None) -> None:
            if not done.done():
                done.set_result(result)

        def run() -> None:
            try:
                result = work()
            except Exception:  # noqa: BLE001 -- whatever a service's code raises may hold its address
                result = ""
            self._busy = False
            with contextlib.suppress(RuntimeError):  # the loop is gone
                loop.call_soon_threadsafe(settle, result)

        self._busy = True
        threading.Thread(target=run, name=f"channel {self._name}", daemon=True).start()
        return await done


def amiss(of: Further) -> str | None:
    """Why an address cannot be used, in a sentence without it; None when it can."""
    if len(_service(of)) == 1:
        return None
    return (
        f"the environment variable {of.url_env} holds no address that apprise knows: "
        "github.com/caronc/apprise lists how they are written."
    )


def _service(of: Further) -> apprise.Apprise:
    """The service behind an address; it holds none when the address cannot be read."""
    # Its own words about an address, or a request of it, may hold the secrets in it.
    for name in (apprise.LOGGER_NAME, "urllib3", "requests_oauthlib", "oauthlib"):
        logger = logging.getLogger(name)
        if logger.propagate:
            logger.propagate = False
            logger.addHandler(logging.NullHandler())
    # Without a time-out of its own: for that it keeps a pool, whose hung threads hold up the end of the process.
    asset = apprise.AppriseAsset(app_id="Nightdesk", app_desc="Nightdesk", async_mode=False, service_timeout=0)
    service = apprise.Apprise(asset=asset)
    found = apprise.Apprise.instantiate(of.url.get_secret_value(), asset=asset)
    if found is not None:
        service.add(found)
    return service


def _tell(service: apprise.Apprise, message: Message) -> str | None:
    """Send, and wait for it; None when taken, else the status by which it was refused, empty where none is known."""
    title, text = written(message)
    result = service.notify(
        title=title,
        body=text,
        notify_type=_KINDS.get(message.tone, apprise.NotifyType.INFO),
        body_format=apprise.NotifyFormat.TEXT,
        interpret_escapes=False,
    )
    with result:
        if result:
            return None
        found = [_STATUS.search(each.message) for each in result.logs()]
    return next((each[1] for each in found if each is not None), "")


def written(message: Message) -> tuple[str, str]:
    """A message as title and text, both within their limits; a title alone is the text."""
    title = _harmless(plain(message.title, TITLE)) or "Nightdesk"
    text = _harmless("\n".join(_lines(message)))
    if len(text) > TEXT:
        text = f"{text[: TEXT - 1]}…"
    return (title, text) if text else ("", title)


def _lines(message: Message) -> Iterator[str]:
    if message.mentions:
        yield f"For {', '.join(plain(each.name, 40) for each in message.mentions)}"
    if message.text:
        yield block(message.text)
    for each in message.fields:
        yield f"{plain(each.label)}: {block(each.value)}"
    for table in message.tables:
        yield from _rows(table)
    if message.footer:
        yield plain(message.footer)


def _rows(table: Table) -> Iterator[str]:
    for row in (table.columns, *table.rows):
        yield " · ".join(plain(cell) for cell in row)


def _harmless(text: str) -> str:
    """Text by which no service calls anybody: an invisible space parts the sign from the word."""
    return _CALLS.sub("\\g<0>\u200b", text)
