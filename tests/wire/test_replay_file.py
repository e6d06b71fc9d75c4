"""`nightdesk replay` from real files, from a bot that answers, and from a store: good ones and bad ones."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.offline.past import Bot, Options, Past, ReplayError, of_bot, of_files, of_store, words
from bot.offline.replay import run, told
from bot.settings import Settings, SettingsError, load
from monitor.curve_file import CurveFileError, read_curve
from monitor.model import Sample
from monitor.ports import Change
from monitor.sources._freqtrade_history import HistoryError
from monitor.trade_file import TradeFileError
from tests.fakes.freqtrade import NOW, PASSWORD, USER, FakeFreqtrade, a_row, fake_freqtrade
from tests.stores import new_store

START = 1_772_400_000.0
LOSS = 250
"""Which row is a loss of a fiftieth."""
SETTINGS = """
[desk]
false_pages = "3 per week"
[alerts]
group_wait = "10s"
[[people]]
name = "ana"
role = "admin"
console = "USER"
[[agents]]
id = "alpha"
drawdown_limit = "1%"
source = { kind = "http", url = "http://127.0.0.1:9001" }
"""
HEAD = "id,strategy,asset,side,size,entry_price,exit_price,entry_time,exit_time,fees"


@pytest.fixture
def equity(tmp_path: Path) -> Path:
    return curve(tmp_path / "equity.csv")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "nightdesk.toml"
    file.write_text(SETTINGS)
    return load(file, {})


def walked(many: int = 330, seed: int = 5) -> list[float]:
    made = np.random.default_rng(seed).normal(0.0, 4e-4, many)
    made[LOSS] = -0.02
    worth: list[float] = np.round(10_000.0 * np.cumprod(1.0 + made), 2).tolist()
    return worth


def curve(path: Path, agents: tuple[str, ...] = ()) -> Path:
    """Write a file of 30 s a row; with a column of agents where there are some."""
    rows = [f"{iso(START + 30.0 * at)}," for at in range(330)]
    if agents:
        lines = [f"{row}{name},{worth}" for name in agents for row, worth in zip(rows, walked(), strict=True)]
    else:
        lines = [f"{row}{worth}" for row, worth in zip(rows, walked(), strict=True)]
    path.write_text("\n".join(("time,agent,equity" if agents else "time,equity", *lines)) + "\n")
    return path


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def strictly(past: Past, settings: Settings | None = None, **options: Any) -> Any:
    """The JSON, read as strictly as others read it."""

    def refuse(name: str) -> float:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(told(past, Options(json=True, **options), settings), parse_constant=refuse)


async def test_a_loss_in_a_file_is_a_page_with_its_time_rule_and_reason(equity: Path) -> None:
    past = of_files([equity], Options(agent="alpha", false_pages="3 per day"), None)
    night = iso(START + 30.0 * LOSS)
    found = strictly(past, incidents=[night])
    (alert,), (page,) = found["alerts"], found["pages"]
    assert {name: alert[name] for name in ("time", "rule", "agent", "severity")} == {
        "time": iso(START + 30.0 * (LOSS + 1)),
        "rule": "shock",
        "agent": "alpha",
        "severity": "warn",
    }
    assert alert["reason"].startswith("alpha lost 2 % in 30 s, ")
    assert (page["time"], page["rule"], page["alerts"]) == (alert["time"], "shock", [alert["id"]])
    assert (found["samples"], found["agents"], found["false_pages"]) == (330, 1, 21.0)
    assert found["per_week"] == pytest.approx(1 / found["weeks"])
    (caught,) = found["incidents"]
    assert (caught["time"], caught["rule"]) == (night, "shock")
    assert caught["caught_by"] == "1 per quarter"
    text = told(past, Options())
    assert text.startswith(
        "1 page in 2 h 44 m.\nFrom 330 samples of 1 agent, 21 statistical false pages a week allowed."
    )
    assert "UTC  WARN Sudden loss\n  alpha lost 2 % in 30 s, " in text


@pytest.mark.slow
async def test_settings_say_limits_budget_and_how_long_a_page_waits(equity: Path, settings: Settings) -> None:
    past = of_files([equity], Options(), settings)
    assert [each.agent for each in past.histories] == list(settings.agents)
    found = strictly(past, settings)
    drawdown = next(each for each in found["pages"] if each["rule"] == "drawdown")
    fired = next(each for each in found["alerts"] if each["rule"] == "drawdown")
    assert fired["time"] == iso(START + 30.0 * LOSS)
    assert drawdown["time"] == iso(START + 30.0 * LOSS + 10.0)
    assert "by the rule drawdown, whatever the budget" in told(past, Options(incidents=[fired["time"]]), settings)
    (history,) = of_files([equity], Options(false_pages="none"), settings).histories
    assert history.agent.false_pages is None
    with pytest.raises(ReplayError, match='"beta" is no agent in the settings: there is alpha'):
        of_files([equity], Options(agent="beta"), settings)


def test_a_column_of_agents_makes_several_and_one_can_be_chosen(tmp_path: Path) -> None:
    file = curve(tmp_path / "fleet.csv", ("alpha", "beta"))
    past = of_files([file], Options(), None)
    assert [(each.agent.id, len(each.times), each.agent.interval) for each in past.histories] == [
        ("alpha", 330, 30.0),
        ("beta", 330, 30.0),
    ]
    assert [each.agent.id for each in of_files([file], Options(agent="beta"), None).histories] == ["beta"]
    with pytest.raises(ReplayError, match='has no agent "gamma": it has alpha, beta'):
        of_files([file], Options(agent="gamma"), None)
    with pytest.raises(ReplayError, match="say whose with --agent"):
        of_files([file, file], Options(), None)
    with pytest.raises(CurveFileError, match="holds 2 agents"):
        read_curve(file)


async def test_trades_beside_the_curve_tell_what_made_the_loss(equity: Path, tmp_path: Path) -> None:
    trades = tmp_path / "trades.csv"
    at = START + 30.0 * LOSS - 5.0
    trades.write_text(f"{HEAD}\nt1,grid,BTC,long,2,1000,902.5,{at - 60:.0f},{at:.0f},1\n")
    found = strictly(of_files([equity, trades], Options(agent="alpha", false_pages="3 per day"), None))
    assert "most of it: grid on BTC -196.00 (" in found["alerts"][0]["reason"]
    trades.write_text(f"{HEAD}\nt1,grid,BTC,up,2,1000,902.5,1,2,1\n")
    with pytest.raises(ReplayError, match=r"1 row refused.*--skip-bad:\n  line 2: side is neither long nor short"):
        of_files([equity, trades], Options(agent="alpha"), None)
    with pytest.raises(TradeFileError, match="cannot be read"):
        of_files([equity, tmp_path / "nowhere.csv"], Options(agent="alpha"), None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,open,high,low,close\n1,2,3,4,5\n", "prices of a market .* not the equity of an agent"),
        ("time,agent,equity\n1,a,2\n2, ,3\n", "line 3, column agent: .* is no name"),
        ("time,agent,agent,equity\n", "two columns agent"),
        ("time,agent,equity\n1,2\n", "line 2: 2 of its 3 columns are there; complete it"),
        ("time,equity\nyesterday,2\n", 'line 2, column time: "yesterday" is no time'),
        ("time,equity\n", "no rows below its header"),
    ],
)
def test_a_bad_file_is_one_sentence(equity: Path, text: str, said: str) -> None:
    equity.write_text(text)
    with pytest.raises(CurveFileError, match=said):
        of_files([equity], Options(), None)


async def test_a_bad_line_is_one_sentence(equity: Path) -> None:
    assert words([str(equity)]) == ((equity,), None)
    assert words(["30d"]) == ((), 30 * 86_400.0)
    assert words([]) == ((), None)
    for wrong in (["1d", "2d"], ["a.csv", "b.csv", "c.csv"], ["a.csv", "30d"]):
        with pytest.raises(ReplayError, match="Write one equity curve"):
            words(wrong)
    for option, said in (
        (Options(false_pages="often"), '"often" is not a budget: write it like .*, or "none"'),
        (Options(false_pages="4 per day"), '"4 per day" is more than 3 a day for one agent: write "3 per day" or less'),
        (Options(interval="soon"), '"soon" is not a duration'),
        (Options(interval="0s"), "out of range"),
    ):
        with pytest.raises(ReplayError, match=said):
            of_files([equity], option, None)
    past = of_files([equity], Options(), None)
    for incident, said in (
        ("soon", "is no time: write 2026-03-02T04:10Z"),
        ("2020-01-01", "is outside of what is known"),
    ):
        with pytest.raises(ReplayError, match=said):
            told(past, Options(incidents=[incident]))


async def test_what_a_desk_has_stored_is_replayed_hours_too(tmp_path: Path, settings: Settings) -> None:
    now = START + 30.0 * 329
    async with new_store(tmp_path) as store:
        samples = [Sample("alpha", START + 30.0 * at, equity=worth) for at, worth in enumerate(walked())]
        early = [Sample("alpha", now - 9 * 86_400.0 + 600.0 * at, equity=10_000.0 + at) for at in range(60)]
        await store.commit(Change(samples=[*early, *samples]))
        await store.forget(now - 7 * 86_400.0, 1_000)
        past = await of_store(store, settings, Options(), 30 * 86_400.0, now)
        assert [len(each.times) for each in past.histories] == [330 + 10]
        assert "only the last sample of each hour is kept" in told(past, Options(), settings)
        short = await of_store(store, settings, Options(), 86_400.0, now)
        assert (len(short.histories[0].times), list(short.notes)) == (330, [])
        with pytest.raises(ReplayError, match="Nothing is stored of alpha in that time"):
            await of_store(store, settings, Options(), 60.0, now + 86_400.0)


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FT_PASSWORD", PASSWORD)


@pytest.mark.usefixtures("password")
async def test_the_closed_trades_of_a_bot_are_an_equity_with_a_step_at_each_exit() -> None:
    async with fake_freqtrade() as fake:
        days = [NOW - 86_400 * (20 - at) for at in range(20)]
        fake.trades = [a_row(at + 1, "-300" if at == 18 else "2", day - 600, day) for at, day in enumerate(days)]
        fake.trades.append(a_row(21, closed=None))
        fake.answers["balance"] = {"starting_capital": 1_000.0, "stake": "USDT", "total": 1.0, "currencies": []}
        past = await of_bot(Bot(fake.url, USER, "FT_PASSWORD"), Options(interval="2h"), None, 10 * 86_400.0, NOW + 1.0)
        (history,) = past.histories
        assert history.equity[0] == pytest.approx(1_000.0 + 11 * 2)
        assert history.equity[-1] == pytest.approx(1_000.0 + 19 * 2 - 300)
        assert history.agent.labels == {"mode": "paper"}
        found = strictly(past)
        assert [(each["rule"], each["severity"]) for each in found["pages"]] == [("drawdown", "warn")]
        assert "20 closed trades on 1,000.00 USDT" in found["notes"][0]
        assert "a loss within an open trade is not in it" in found["notes"][0]
        del fake.answers["balance"]
        fallback = await of_bot(Bot(fake.url, USER, "FT_PASSWORD"), Options(), None, 30 * 86_400.0, NOW + 1.0)
        assert fallback.histories[0].equity[-1] == pytest.approx(993.7)


@pytest.mark.usefixtures("password")
async def test_a_bot_that_cannot_be_read_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    async with fake_freqtrade() as fake:
        await refused(fake, fake.fails | {"trades": 500}, "answered /trades with HTTP 500")
        fake.answers["balance"] = {}
        await refused(fake, {}, "does not say with how much money it began")
        fake.answers["trades"] = {"trades": [{"trade_id": 1}]}
        await refused(fake, {}, "tells of a trade that makes no sense: open_timestamp of a trade is no whole number")
        monkeypatch.setenv("FT_PASSWORD", "wrong")
        await refused(fake, {}, "refused user and password: check FT_PASSWORD")
        with pytest.raises(ReplayError, match="must be an address like"):
            await of_bot(Bot("ftp://x", USER, "FT_PASSWORD"), Options(), None, 60.0, NOW)
        with pytest.raises(ReplayError, match="set the variable NO_SUCH_THING"):
            await of_bot(Bot(fake.url, USER, "NO_SUCH_THING"), Options(), None, 60.0, NOW)
    await refused(fake, {}, "refused the connection or is out of reach")


async def refused(fake: FakeFreqtrade, fails: dict[str, int], said: str) -> None:
    fake.fails = fails
    with pytest.raises(HistoryError, match=said):
        await of_bot(Bot(fake.url, USER, "FT_PASSWORD"), Options(), None, 86_400.0, NOW)


async def test_a_night_that_no_budget_catches_is_told(equity: Path) -> None:
    text = told(of_files([equity], Options(), None), Options(incidents=[iso(START)]))
    assert "none of 1 per quarter, 1 per month, 1 per week, 1 per day, 3 per day pages within an hour" in text


async def test_files_and_a_bot_together_make_no_sense(equity: Path, settings: Settings) -> None:
    async def closed(_path: str) -> Any:
        raise AssertionError("nothing is opened for a file")

    with pytest.raises(ReplayError, match="leave out the files"):
        await run([str(equity)], Options(), Bot("http://127.0.0.1:1", "ana", "X"), None, lambda: settings, closed)
    began = time.monotonic()
    assert (await run([str(equity)], Options(agent="alpha"), None, None, lambda: settings, closed)).startswith("1 page")
    assert time.monotonic() - began < 20.0


async def test_where_nothing_is_stored_nothing_is_made_and_it_is_said_how_to_name_files(settings: Settings) -> None:
    async def closed(path: str) -> Any:
        raise AssertionError(f"{path} is opened")

    def missing() -> Settings:
        raise SettingsError("There is nothing to watch.")

    with pytest.raises(ReplayError, match=r"There is no database at .* yet: let the desk watch first, or name files"):
        await run(["30d"], Options(), None, settings, lambda: settings, closed)
    with pytest.raises(ReplayError, match="To replay files, name them: nightdesk replay equity"):
        await run([], Options(), None, None, missing, closed)
