"""What a freqtrade bot earned trade by trade on the money it began with: its equity, as far as closed trades tell."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import localcontext
from typing import Any

import aiohttp
import numpy as np
from pydantic import SecretStr

from monitor.model import EXACT, Agent, Trade
from monitor.outside import line
from monitor.past import History
from monitor.sources._freqtrade_api import Api
from monitor.sources._freqtrade_read import read_trade
from monitor.sources._http import FAULT, sentence
from monitor.sources._snapshot import BadAnswerError

PAGE, MOST = 500, 200_000
"""Trades a page, and in all."""
WITHIN = 30.0
"""Seconds that one answer may take."""
MOST_SAMPLES = 1_000_000


class HistoryError(Exception):
    """A bot could not be read; the message is one sentence that says what to mend."""


@dataclass(frozen=True, slots=True)
class Earned:
    """The closed trades of a bot and the money that it began with."""

    trades: tuple[Trade, ...]
    """In order of exit."""
    capital: float
    currency: str
    paper: bool

    def history(self, agent: Agent, since: float, now: float) -> History:
        """The equity at each poll since a time, or since the first trade was closed: a step where one was.

        Errors: HistoryError.
        """
        nets = np.cumsum([0.0, *(float(each.net) for each in self.trades)])
        closed = np.array([each.exit_time for each in self.trades], dtype=np.float64)
        begin = max(since, closed[0] - agent.interval) if len(closed) else since
        if (now - begin) / agent.interval > MOST_SAMPLES:
            raise HistoryError(f"That is more than {MOST_SAMPLES:,} samples: ask for fewer days, or a longer interval.")
        times = begin + agent.interval * np.arange(int((now - begin) / agent.interval) + 1, dtype=np.float64)
        equity = self.capital + nets[np.searchsorted(closed, times, side="right")]
        return History(agent, times, equity, self.trades)


@dataclass(frozen=True, slots=True)
class Login:
    """Where a bot answers, and who asks."""

    url: str
    user: str
    password: SecretStr
    password_env: str
    """The variable that holds it, for sentences."""


async def earned(session: aiohttp.ClientSession, login: Login, name: str) -> Earned:
    """Read all closed trades of a bot, as those of an agent called `name`. Errors: HistoryError."""
    api = Api(session, login.url, login.user, login.password, login.password_env, tokens=False)
    try:
        config, balance = await _asked(api, "show_config"), await _asked(api, "balance")
        paper = config.get("dry_run") is True
        trades = await _trades(api, name, paper=paper)
    except FAULT as error:
        raise HistoryError(f"The bot at {login.url} {sentence(error, WITHIN)}.") from None
    except ValueError as error:
        raise HistoryError(f"The bot at {login.url} tells of a trade that makes no sense: {error}.") from None
    return Earned(tuple(trades), _capital(balance, trades, login.url), line(str(balance.get("stake") or ""), 8), paper)


async def _asked(api: Api, path: str, **query: Any) -> dict[str, Any]:
    async with asyncio.timeout(WITHIN):
        said = await api.get(path, **query)
    if not isinstance(said, dict):
        raise BadAnswerError("answered something that is not freqtrade's")
    return said


async def _trades(api: Api, name: str, *, paper: bool) -> list[Trade]:
    found: dict[str, Trade] = {}
    for offset in range(0, MOST, PAGE):
        said = await _asked(api, "trades", exact=True, limit=PAGE, offset=offset, order_by_id="true")
        rows = said.get("trades")
        if not isinstance(rows, list) or len(rows) > PAGE:
            raise BadAnswerError("answered /trades without a page of trades")
        found |= {each.id: each for each in (read_trade(name, row, paper=paper) for row in rows)}
        if len(rows) < PAGE:
            break
    return sorted(found.values(), key=lambda each: (each.exit_time, each.id))


def _capital(balance: dict[str, Any], trades: list[Trade], url: str) -> float:
    """What it began with, as it says; else what it has now less what its closed trades made."""
    said = balance.get("starting_capital")
    if isinstance(said, int | float) and not isinstance(said, bool) and said > 0:
        return float(said)
    total = balance.get("total_bot", balance.get("total"))
    with localcontext(EXACT):
        made = float(sum(each.net for each in trades))
    if isinstance(total, bool) or not isinstance(total, int | float) or not total - made > 0:
        raise HistoryError(f"The bot at {url} does not say with how much money it began: is it of 2024 or later?")
    return float(total) - made
