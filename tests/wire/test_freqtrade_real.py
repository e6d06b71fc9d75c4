"""A real freqtrade: the desk shows what it shows, to the last digit, and what is ordered is what it then is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Self

import pytest

from bot.app import App
from bot.chat import Message
from bot.platforms.memory import Memory
from bot.settings import console_user, load
from monitor.controls.freqtrade import Options, build
from monitor.model import Agent, Sample
from tests.wire.real_freqtrade import PASSWORD, USER, Bot, freqtrade

PROGRAM = os.environ.get("NIGHTDESK_FREQTRADE")
pytestmark = [
    pytest.mark.peers,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        PROGRAM is None, reason="name freqtrade's program in NIGHTDESK_FREQTRADE: pip install freqtrade, elsewhere"
    ),
]


def say(line: str) -> None:
    """One line of the transcript."""
    print(line)  # noqa: T201 - it is read by a person


class Desk:
    """A desk over one bot, and its chat."""

    def __init__(self, folder: Path, bot: Bot, login: str, interval: str = "1s") -> None:
        options = f'url = "{bot.url}", username = "{USER}", password_env = "FT_PASSWORD"'
        self.file = folder / "nightdesk.toml"
        self.file.write_text(
            f'[alerts]\ngroup_wait = "0s"\n[[people]]\nname = "ana"\nrole = "admin"\nconsole = "{console_user()}"\n'
            f'[[agents]]\nid = "alpha"\ninterval = "{interval}"\nconfirm_within = "20s"\n'
            f'source = {{ kind = "freqtrade", {options}, login = "{login}" }}\n'
            f'control = {{ kind = "freqtrade", {options} }}\n'
        )
        self.chat = Memory("console")

    async def __aenter__(self) -> Self:
        self.app = App(load(self.file, {"FT_PASSWORD": PASSWORD}), platforms=[self.chat])
        await self.app.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.app.stop()

    @property
    def sample(self) -> Sample:
        """The newest look."""
        found = self.app.desk.agent("alpha").sample
        return found if found is not None else Sample("alpha", 0.0, error="not looked at yet")

    async def hears(self) -> bool:
        """Whether its chat has begun to listen."""
        return self.app.states().get("console") == "up"

    async def give(self, line: str) -> Message:
        """Type a line; a question is answered with yes."""
        answer = (await self.chat.give(line, console_user()))[-1]
        if answer.buttons and answer.buttons[0].line.startswith("confirm "):
            say(f"ana> {line}\n  {answer.title}")
            answer = (await self.chat.give(answer.buttons[0].line, console_user()))[-1]
            say(f"  Yes\n  {answer.title}")
            return answer
        say(f"ana> {line}\n  {answer.title}")
        return answer

    async def net(self) -> tuple[int, Decimal]:
        """How many closed trades are stored, and what they made."""
        total = (await self.app.desk.attribution("strategy", paper=True)).total
        return total.trades, total.net


async def until(holds: Callable[[], Awaitable[bool]], within: float = 60.0) -> None:
    async with asyncio.timeout(within):
        while not await holds():  # noqa: ASYNC110 - a process elsewhere says nothing by itself
            await asyncio.sleep(0.2)


async def agrees(desk: Desk, bot: Bot) -> bool:
    """Whether both have the same closed trades, and made the same by them."""
    before = await bot.ask("profit")
    trades, net = await desk.net()
    after = await bot.ask("profit")
    same = before["closed_trade_count"] == after["closed_trade_count"] == trades
    return same and net == Decimal(str(after["profit_closed_coin"]))


async def halted(bot: Bot) -> bool:
    """Whether it enters nothing, in the words of its version."""
    config = await bot.ask("show_config")
    say(f"show_config.state {config['state']}, max_open_trades {config['max_open_trades']:g}")
    return bool(config["state"] == "paused" or config["max_open_trades"] == 0)


async def forced(bot: Bot) -> set[str]:
    """By what kinds of orders trades were left that somebody closed."""
    trades = (await bot.ask("trades"))["trades"]
    return {
        each["order_type"] for trade in trades for each in trade["orders"] if each.get("ft_order_tag") == "force_exit"
    }


@pytest.mark.parametrize("login", ["basic", "jwt"])
async def test_the_desk_shows_what_freqtrade_shows_and_orders_are_obeyed(tmp_path: Path, login: str) -> None:
    assert PROGRAM is not None
    async with freqtrade(tmp_path, PROGRAM) as bot, Desk(tmp_path, bot, login) as desk:
        version = (await bot.ask("version"))["version"]

        async def traded() -> bool:
            return (
                (await desk.net())[0] >= 2 and desk.sample.open_positions not in (None, 0) and await agrees(desk, bot)
            )

        await until(traded, 240)
        profit, balance, sample = await bot.ask("profit"), await bot.ask("balance"), desk.sample
        trades, net = await desk.net()
        say(f"freqtrade {version}, {login}")
        say(f"{trades} closed trades, net {net} USDT; /profit {profit['profit_closed_coin']}")
        say(f"equity {sample.equity}, /balance total_bot {balance['total_bot']}; open {sample.open_positions}")
        assert sample.equity is not None
        assert sample.equity == pytest.approx(balance["total_bot"], rel=0.02)
        assert sample.paper is True
        say(f"win rate {sample.win_rate}, /profit {profit['winrate']}; max drawdown {sample.max_drawdown}")
        assert sample.positions is not None
        status = await desk.give("/status alpha")
        assert "paper" in status.title

        paused = await desk.give("/pause alpha")
        assert paused.title.startswith("alpha is paused: confirmed by alpha after")
        assert await halted(bot)

        await bot.restart()  # it comes back running: the desk pauses it again
        say("freqtrade was restarted")

        async def held() -> bool:
            return desk.sample.paused is True and await halted(bot)

        await until(held, 60)
        say("it was paused again by the desk")
        resumed = await desk.give("/resume alpha")
        assert resumed.title.startswith("alpha is running again: confirmed by alpha after")
        assert not await halted(bot)

        lines = await desk.give("/logs alpha 20")
        assert "freqtrade" in lines.text
        assert PASSWORD not in lines.text

        stopped = await desk.give("/stop alpha")
        assert stopped.title.startswith("alpha is stopped: confirmed by alpha after")
        refused = await desk.give("/close alpha")
        assert "did not take the order to close" in refused.title
        assert "502" in refused.text
        say(f"  {refused.text.splitlines()[0]}")
        await desk.give("/resume alpha")

        await desk.give("/pause alpha")
        closed = await desk.give("/close alpha")
        assert closed.title.startswith("alpha holds no position any more: confirmed by alpha after")
        assert await forced(bot) <= {"market"}
        await until(lambda: agrees(desk, bot), 30)
        trades, net = await desk.net()
        say(f"{trades} closed trades, net {net} USDT; /profit {(await bot.ask('profit'))['profit_closed_coin']}")


async def test_a_wrong_password_is_one_sentence_that_names_its_variable(tmp_path: Path) -> None:
    assert PROGRAM is not None
    async with freqtrade(tmp_path, PROGRAM) as bot:
        for login in ("basic", "jwt"):
            desk = Desk(tmp_path, bot, login)
            desk.app = App(load(desk.file, {"FT_PASSWORD": "wrong"}), platforms=[desk.chat])
            await desk.app.start()
            try:
                await until(lambda desk=desk: _asked(desk))  # type: ignore[misc] # bound to this one
                assert desk.sample.error == "refused user and password: check FT_PASSWORD"
                await until(desk.hears)
                say(f"wrong password, {login}: alpha {desk.sample.error}")
                answer = await desk.give("/pause alpha")
                assert "refused user and password: check FT_PASSWORD" in answer.text
            finally:
                await desk.app.stop()


async def _asked(desk: Desk) -> bool:
    return desk.sample.time > 0


async def test_a_fill_is_seen_at_once_and_not_at_the_next_poll(tmp_path: Path) -> None:
    assert PROGRAM is not None
    async with freqtrade(tmp_path, PROGRAM) as bot, Desk(tmp_path, bot, "basic", interval="10m") as desk:

        async def open_() -> bool:
            return bool(await bot.ask("status"))

        await until(open_, 120)
        desk.app.desk.stir("alpha")
        await until(lambda: _asked(desk))
        await asyncio.sleep(2.0)  # its WebSocket connects after the first look
        trade = (await bot.ask("status"))[0]["trade_id"]
        await bot.ask("forceexit", "POST", tradeid=str(trade), ordertype="market")

        async def stored() -> bool:
            return any(each.id.startswith(f"{trade}-") for each in await desk.app.store.trades("alpha", 0.0))

        begun = asyncio.get_running_loop().time()
        await until(stored, 30)
        say(f"a forced exit was stored {asyncio.get_running_loop().time() - begun:.1f} s later, at a poll of 10 min")


async def test_what_is_closed_is_left_at_market_though_the_strategy_leaves_by_limit_orders(tmp_path: Path) -> None:
    assert PROGRAM is not None
    async with freqtrade(tmp_path, PROGRAM) as bot:
        control = build(Options.model_validate({"url": bot.url, "username": USER, "password": PASSWORD}))

        async def left() -> bool:
            """Its own exits may come first: until one was forced."""
            await control.send(Agent("alpha"), "close", "ana", "")
            return bool(await forced(bot))

        await until(left, 120)
        assert await forced(bot) == {"market"}
        say(f"orders of forced exits: {await forced(bot)}; its strategy leaves by limit orders")
