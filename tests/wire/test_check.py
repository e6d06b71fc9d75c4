"""`nightdesk check` asks real agents, all at once, and says of each thing whether it is fine or what to do."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bot.check import check
from bot.settings import console_user, load
from monitor.model import Check, Sample
from monitor.storage.lock import locked

HEAD = """
[desk]
database = "DATABASE"
[[people]]
name = "ana"
role = "ROLE"
console = "USER"
"""
Fetch = Callable[[str], Awaitable[Sample]]


def settings_of(
    folder: Path, ports: dict[str, int], *, role: str = "admin", database: str = "desk.db", more: str = ""
) -> Path:
    agents = [
        f'[[agents]]\nid = "{name}"\nsource = {{ kind = "http", url = "http://127.0.0.1:{port}" }}\n'
        for name, port in ports.items()
    ]
    path = folder / "nightdesk.toml"
    path.write_text(
        HEAD.replace("ROLE", role).replace("USER", console_user()).replace("DATABASE", database)
        + "".join(agents)
        + more
    )
    return path


def looking(ports: dict[str, int]) -> Fetch:
    """Look at an agent over real HTTP, as briefly as a check needs."""

    async def fetch(name: str) -> Sample:
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as session,
                session.get(f"http://127.0.0.1:{ports[name]}/metrics") as response,
            ):
                said = json.loads(await response.text())
        except aiohttp.ClientConnectionError:
            return Sample(name, 0.0, error="connection refused")
        checks = tuple(Check(each, ok, "timed out\nafter 3 s") for each, ok in said["checks"].items())
        return Sample(name, 0.0, equity=said["equity"], paused=said["paused"], poll_latency=0.0123, checks=checks)

    return fetch


async def serving(answer: dict[str, object], meet: asyncio.Barrier | None = None) -> tuple[web.AppRunner, int]:
    async def metrics(_request: web.Request) -> web.Response:
        if meet is not None:
            await meet.wait()
        return web.json_response(answer)

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, runner.addresses[0][1]


async def heard(name: str) -> str | None:
    """Orders get to every agent but mute."""
    return "cannot be reached at its url" if name == "mute" else None


async def examine(path: Path, fetch: Fetch) -> tuple[int, list[str]]:
    said: list[str] = []
    code = await check(load(path, {"TELEGRAM_TOKEN": "t0ken"}), fetch, heard, said.append)
    return code, said


def line(said: list[str], about: str) -> str:
    return next(each for each in said if each.split()[1] == about)


FINE: dict[str, object] = {
    "equity": 10003.2,
    "paused": False,
    "checks": {"venue": True, "wallet": True, "memory": True},
}


async def test_a_fleet_that_is_fine_gets_a_line_each_and_code_0(tmp_path: Path) -> None:
    runner, port = await serving(FINE)
    code, said = await examine(settings_of(tmp_path, {"alpha": port}), looking({"alpha": port}))
    await runner.cleanup()
    assert code == 0
    assert line(said, "alpha") == (
        "ok    alpha      answers in 12 ms, equity 10,003.20 USD, 3 checks ok, takes no orders"
    )
    assert [each.split()[:2] for each in said] == [
        ["ok", each] for each in ("settings", "people", "platforms", "budget", "database", "runbooks", "alpha")
    ]
    assert line(said, "people").endswith("ana admin")
    assert line(said, "budget") == "ok    budget     statistical pages: 3 per week for alpha"
    assert line(said, "database").endswith(f"{tmp_path / 'desk.db'} can be created")


async def test_a_control_that_hears_nothing_is_told_and_where_it_stands(tmp_path: Path) -> None:
    runner, port = await serving(FINE)
    path = settings_of(tmp_path, {"mute": port}, more='control = { kind = "http", url = "http://127.0.0.1:1" }\n')
    code, said = await examine(path, looking({"mute": port}))
    await runner.cleanup()
    assert code == 1
    assert line(said, "mute") == (
        "fail  mute       answers, but its control cannot be reached at its url: "
        "mend nightdesk.toml:11: agents[0].control"
    )


async def test_what_is_worth_knowing_is_noted_and_no_failure(tmp_path: Path) -> None:
    runner, port = await serving(FINE)
    path = settings_of(tmp_path, {"alpha": port}, database='desk.db"\ndetector = "zscore')
    path.write_text(path.read_text().replace(f'console = "{console_user()}"', 'console = "somebody"'))
    code, said = await examine(path, looking({"alpha": port}))
    await runner.cleanup()
    assert code == 0
    notes = [each for each in said if each.startswith("note")]
    assert f"at this console you are {console_user()}, whom the desk does not know" in notes[0]
    assert notes[1].startswith(
        "note  budget     statistical pages: alpha by zscore, without a budget: expect 10 to 55 "
    )


async def test_an_agent_that_is_down_is_told_with_its_place_in_the_settings(tmp_path: Path) -> None:
    runner, port = await serving(FINE)
    await runner.cleanup()
    code, said = await examine(settings_of(tmp_path, {"beta": port}), looking({"beta": port}))
    assert code == 1
    assert line(said, "beta") == (
        "fail  beta       connection refused: see whether it runs, or mend its address "
        f"(http://127.0.0.1:{port}, nightdesk.toml:10: agents[0].source.url)"
    )


async def test_a_failing_check_of_the_agent_is_told_in_one_line(tmp_path: Path) -> None:
    runner, port = await serving({"equity": None, "paused": True, "checks": {"venue": False, "memory": True}})
    code, said = await examine(settings_of(tmp_path, {"alpha": port}), looking({"alpha": port}))
    await runner.cleanup()
    assert code == 1
    assert line(said, "alpha").startswith(
        "fail  alpha      answers, but its own checks fail: venue: timed out after 3 s"
    )


async def test_a_paused_agent_is_fine_and_said_to_be_paused(tmp_path: Path) -> None:
    runner, port = await serving({"equity": None, "paused": True, "checks": {}})
    code, said = await examine(settings_of(tmp_path, {"alpha": port}), looking({"alpha": port}))
    await runner.cleanup()
    assert code == 0
    assert line(said, "alpha").endswith("answers in 12 ms, is paused, equity n/a, reports no checks, takes no orders")


async def test_all_agents_are_asked_at_once(tmp_path: Path) -> None:
    meet = asyncio.Barrier(5)
    served = [await serving(FINE, meet) for _ in range(5)]
    ports = {f"agent-{index}": port for index, (_, port) in enumerate(served)}
    async with asyncio.timeout(20):
        code, said = await examine(settings_of(tmp_path, ports), looking(ports))
    for runner, _ in served:
        await runner.cleanup()
    assert code == 0
    assert [each.split()[1] for each in said[-5:]] == list(ports)


async def test_an_agent_that_never_answers_holds_nobody_up(tmp_path: Path) -> None:
    async def hang(_name: str) -> Sample:
        await asyncio.Event().wait()
        raise AssertionError

    settings = load(settings_of(tmp_path, {"alpha": 1}, more='timeout = "100ms"\n'), {})
    said: list[str] = []
    assert await check(settings, hang, heard, said.append, grace=0.0) == 1
    assert "no answer within 0.1 s" in line(said, "alpha")


@pytest.mark.parametrize(
    ("role", "database", "more", "about", "told"),
    [
        ("viewer", "desk.db", "", "people", "nobody may acknowledge: make somebody an operator or admin"),
        (
            "admin",
            "none/desk.db",
            "",
            "database",
            "none does not exist: create it, or mend nightdesk.toml:3: desk.database",
        ),
        ("admin", ".", "", "database", "cannot be written: mend its permissions, or nightdesk.toml:3"),
        ("admin", "postgresql://db/desk", "", "database", "postgresql is not supported: write a path"),
        ("admin", 'desk.db"\nrunbooks = "none.yaml', "", "runbooks", "none.yaml: cannot be read: No such file"),
        ("admin", 'desk.db"\nrunbooks = "few.yaml', "", "runbooks", "few.yaml has none for agent_unreachable, "),
    ],
)
async def test_what_is_not_fine_in_the_house_is_told_with_what_to_do(
    tmp_path: Path, role: str, database: str, more: str, about: str, told: str
) -> None:
    (tmp_path / "few.yaml").write_text(
        "drawdown: {title: a, severity: warn, about: a, steps: [{say: a}], verify: a}", encoding="utf-8"
    )
    runner, port = await serving(FINE)
    path = settings_of(tmp_path, {"alpha": port}, role=role, database=database, more=more)
    code, said = await examine(path, looking({"alpha": port}))
    await runner.cleanup()
    assert code == 1
    assert line(said, about).startswith("fail")
    assert told in line(said, about)
    assert [each for each in said if each.startswith("fail")] == [line(said, about)]


async def test_an_sqlite_address_is_looked_at_like_a_path(tmp_path: Path) -> None:
    runner, port = await serving(FINE)
    path = settings_of(tmp_path, {"alpha": port}, database=f"sqlite:///{tmp_path}/desk.db")
    _, said = await examine(path, looking({"alpha": port}))
    await runner.cleanup()
    assert line(said, "database").endswith(f"{tmp_path / 'desk.db'} can be created")


async def test_a_chat_that_is_set_up_is_named_and_looked_at(tmp_path: Path) -> None:
    runner, port = await serving(FINE)
    path = settings_of(tmp_path, {"alpha": port}, more='[telegram]\nchat = 1\nbase_url = "http://127.0.0.1:1/bot"\n')
    code, said = await examine(path, looking({"alpha": port}))
    await runner.cleanup()
    assert code == 1
    assert line(said, "platforms") == "ok    platforms  console, telegram"
    assert line(said, "telegram") == (
        "fail  telegram   Telegram cannot be reached (ConnectError): "
        "look at this machine's network; a proxy is read from HTTPS_PROXY"
    )


async def test_a_desk_that_was_killed_is_not_taken_for_one_that_runs(tmp_path: Path) -> None:
    runner, port = await serving(FINE)
    (tmp_path / "desk.db.lock").write_text("4242\n")  # as one leaves it that could not take its pid out
    _, said = await examine(settings_of(tmp_path, {"alpha": port}), looking({"alpha": port}))
    await runner.cleanup()
    assert line(said, "database").endswith("can be created")


async def test_a_desk_that_runs_is_named_by_its_pid(tmp_path: Path) -> None:
    runner, port = await serving(FINE)
    with locked(tmp_path / "desk.db"):
        code, said = await examine(settings_of(tmp_path, {"alpha": port}), looking({"alpha": port}))
    await runner.cleanup()
    assert code == 0
    assert line(said, "database").endswith(f"desk.db is in use by the desk that runs now (pid {os.getpid()})")
