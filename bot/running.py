"""Parts that run beside each other until the desk stops; one that ends before that ends the desk."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import Collection, Coroutine, Mapping
from dataclasses import replace
from importlib import metadata
from urllib.parse import urlsplit

import structlog

from bot.chat import ChatPlatform, Handler
from bot.settings import Settings
from monitor.alerts.plan import Plan, Route

AGAIN = (1.0, 10.0)
"""Seconds before a platform that failed to start is tried again: at first, at most."""

log = structlog.get_logger()


class Crew:
    """Runs parts, and takes them from the stack in the order opposite to that in which they came."""

    def __init__(self, stack: contextlib.AsyncExitStack) -> None:
        self._stack = stack
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def spawn(self, work: Coroutine[object, object, None], name: str) -> None:
        """Run a part until the stack ends it."""
        task = asyncio.create_task(work, name=name)
        stopping = False

        def ended(task: asyncio.Task[None]) -> None:
            if not stopping and not self._broken.done():
                fault = None if task.cancelled() else task.exception()
                self._broken.set_exception(fault or RuntimeError(f"{name} ended"))

        async def cancel() -> None:
            nonlocal stopping
            stopping = True
            task.cancel()
            await asyncio.wait((task,))

        task.add_done_callback(ended)
        self._stack.push_async_callback(cancel)

    async def until(self, stop: asyncio.Event) -> None:
        """Wait until `stop` is set. Errors: whatever ended a part that must not end."""
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait((stopped, self._broken), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if self._broken.done():
            self._broken.result()


class Chats:
    """The platforms, each started until it listens; one that is down takes nothing with it."""

    def __init__(self, platforms: Mapping[str, ChatPlatform]) -> None:
        self.platforms = platforms
        self.down = dict.fromkeys(platforms, "starting")
        """Platform -> why it does not listen yet."""

    def troubles(self, channels: Collection[str], undelivered: Mapping[str, str]) -> Mapping[str, str | None]:
        """Channel -> why it cannot be relied on, None while all is well.

        `undelivered`: channel -> why its last message was not taken.
        """
        found: dict[str, str | None] = {}
        for channel in channels:
            name = channel.partition(":")[0]
            platform = self.platforms.get(name)
            down = None if platform is None else self.down.get(name) or platform.trouble
            found[channel] = down or undelivered.get(channel)
        return found

    async def keep(self, platform: ChatPlatform, handler: Handler) -> None:
        """Start a platform, again and again if need be."""
        wait, longest = AGAIN
        while True:
            try:
                await platform.start(handler)
            except Exception as error:  # noqa: BLE001 - whatever a platform raises is its own trouble
                self.down[platform.name] = f"down: {error}"
                log.warning("a platform did not start", platform=platform.name, error=str(error), again_in=wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, longest)
            else:
                self.down.pop(platform.name, None)
                await asyncio.Event().wait()


def version() -> str:
    """The version that runs; "checkout" where it was not installed."""
    try:
        return metadata.version("nightdesk")
    except metadata.PackageNotFoundError:
        return "checkout"


def elsewhere(settings: Settings) -> frozenset[str]:
    """Agents that are read from another machine."""
    found = {each.agent.id: urlsplit(str(each.source.options.get("url", ""))).hostname for each in settings.fleet}
    return frozenset(name for name, host in found.items() if host is not None and not _here(host))


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def around(plan: Plan, chats: Collection[str]) -> Plan:
    """The plan, by which a chat's own trouble is told in the other chats: there it would wait for its own end."""
    told = [
        Route(others, match=(("rule", rule), (label, chat)))
        for rule, label in (("chat_down", "platform"), ("desk_outbox", "channel"))
        for chat in plan.channels
        if (others := tuple(each for each in chats if each != chat.partition(":")[0]))
    ]
    return replace(plan, routes=(*told, *plan.routes))
