"""A whole desk with both chats: the real client libraries, the strict fakes, an agent that says what the test wants."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.app import App
from bot.platforms.slack.pace import Pace as SlackPace
from bot.platforms.telegram.pace import Pace as TelegramPace
from bot.settings import Settings, load
from bot.wiring import discover_platforms
from tests import hostile
from tests.fakes.slack import FakeSlack, Posted, fake_slack
from tests.fakes.telegram import FakeTelegram, fake_telegram
from tests.fakes.telegram_values import Entry

HURRIED: dict[str, Callable[[], object]] = {
    "telegram": lambda: TelegramPace(burst=10_000, every=0.001, group=10_000),
    "slack": lambda: SlackPace(0.0),
}
ANA, BEN, VIC, STRANGER = (1001, "U0ANA"), (1002, "U0BEN"), (1003, "U0VIC"), (6666, "U0EVIL")


@dataclass
class Puppet:
    """An agent that answers what it is told to answer, and obeys."""

    url: str = ""
    says: dict[str, Any] = field(
        default_factory=lambda: {
            "equity": 10_000.0,
            "balance": 10_000.0,
            "pnl_24h": 12.5,
            "paused": False,
            "status": "ok",
        }
    )
    orders: list[str] = field(default_factory=list)

    async def answer(self, request: hostile.Request, writer: asyncio.StreamWriter) -> None:
        if request.method == "POST":
            self.orders.append(request.path)
            self.says["paused"] = request.path == "/pause"
        writer.write(hostile.response(json.dumps(self.says).encode()))
        await writer.drain()


@dataclass
class Chats:
    """The desk, both chats and the agent."""

    app: App
    telegram: FakeTelegram
    slack: FakeSlack
    puppet: Puppet

    async def crash(self) -> tuple[Entry, Posted]:
        """Let the agent lose a fifth, and give the card in either chat."""
        await self.seen()
        self.puppet.says["equity"] = 8_000.0
        return await self.cards()

    async def cards(self) -> tuple[Entry, Posted]:
        """The card in either chat, once it is there."""
        in_telegram = await self.telegram.wait_for(lambda entry: "Drawdown over the limit" in entry.text)
        in_slack = await self.slack.wait_for(lambda posted: "Drawdown over the limit" in posted.reading)
        return in_telegram, in_slack

    async def seen(self) -> None:
        """Wait until the desk has seen every agent."""
        async with asyncio.timeout(10):
            while not all(each.answered for each in self.app.desk.status()):  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.01)

    async def delivered(self, within: float = 30.0) -> None:
        """Wait until everything in the outbox has been told."""
        async with asyncio.timeout(within):
            while (await self.app.store.undelivered())[0]:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.02)

    async def settled(self, holds: Callable[[], object], within: float = 5.0) -> None:
        """Wait until something holds of the desk."""
        async with asyncio.timeout(within):
            while not holds():  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.005)


def settings(
    folder: Path,
    telegram: FakeTelegram,
    slack: FakeSlack,
    agents: Mapping[str, str],
    *,
    interval: str = "200ms",
    group_wait: str = "0s",
    venues: Mapping[str, str] | None = None,
) -> tuple[Path, dict[str, str]]:
    """The settings file of such a desk, and its environment. `venues`: of agents that have one."""
    people = "".join(
        f'[[people]]\nname = "{name}"\nrole = "{role}"\ntelegram = {ids[0]}\nslack = "{ids[1]}"\n'
        for name, role, ids in (("ana", "admin", ANA), ("ben", "operator", BEN), ("vic", "viewer", VIC))
    )
    watched = "".join(
        f'[[agents]]\nid = "{name}"\nsource = {{ kind = "http", url = "{url}" }}\n'
        f'control = {{ kind = "http", url = "{url}" }}\nconfirm_within = "5s"\n'
        + (f'labels = {{ venue = "{venues[name]}" }}\n' if venues else "")
        for name, url in agents.items()
    )
    file = folder / "nightdesk.toml"
    file.write_text(
        f'[desk]\ndatabase = "nightdesk.db"\ninterval = "{interval}"\n'
        f'[alerts]\ngroup_wait = "{group_wait}"\n'
        f'[telegram]\nchat = {telegram.chat}\nbase_url = "{telegram.url}"\n'
        f'[slack]\nchannel = "{slack.channel}"\nbase_url = "{slack.url}"\n{people}{watched}'
    )
    environ = {
        "TELEGRAM_TOKEN": telegram.token,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
    }
    return file, environ


@contextlib.asynccontextmanager
async def two_chats(folder: Path, *, start: bool = True, agents: int = 1, hurried: bool = True) -> AsyncIterator[Chats]:
    """A running desk with both chats; without `start` it is built and not started.

    `hurried`: without the pace that the real chats want kept, and with less patience for one that hangs.
    """
    puppet = Puppet()
    async with fake_telegram() as telegram, fake_slack() as slack, hostile.serve(puppet.answer) as server:
        puppet.url = server.url
        names = {"alpha" if number == 0 else f"alpha-{number}": server.url for number in range(agents)}
        chosen: Settings = load(*settings(folder, telegram, slack, names))
        platforms = [each for each in discover_platforms(chosen) if each.name != "console"]
        for each in platforms if hurried else ():
            vars(each)["_pace"] = HURRIED[each.name]()
            vars(each)["_patience"] = 2.0
        app = App(chosen, platforms=platforms, grace=0.5)
        chats = Chats(app, telegram, slack, puppet)
        if start:
            await app.start()
        try:
            yield chats
        finally:
            await app.stop()
