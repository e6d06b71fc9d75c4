"""`nightdesk check` names who is on duty, what leads nowhere, who cannot be called, and tries further channels."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.check import check
from bot.format import tell_times_in
from bot.settings import Settings, load
from bot.telling import examine
from bot.wiring import discover_platforms
from tests.wire.checking import TITLE, fetch, reach

NOW = dt.datetime(2026, 1, 6, 12, tzinfo=dt.UTC).timestamp()
ENVIRON = {"TELEGRAM_TOKEN": "t0ken", "PHONE_URL": "json://127.0.0.1:1/s3cret"}
GOOD = """[[people]]
name = "ana"
role = "admin"
console = "ana"
telegram = 1001
[[people]]
name = "ben"
role = "operator"
console = "ben"
[[agents]]
id = "alpha"
source = { kind = "http", url = "http://127.0.0.1:9001" }
[telegram]
chat = -100
base_url = "http://127.0.0.1:1/bot"
"""
ROTATION = """[[rotations]]
name = "main"
people = ["ana", "ben"]
start = 2026-01-05
"""
PHONE = '[[channels]]\nname = "phone"\nurl_env = "PHONE_URL"\n'


def settings(folder: Path, text: str, url: str = ENVIRON["PHONE_URL"]) -> Settings:
    path = folder / "nightdesk.toml"
    path.write_text(GOOD + text)
    return load(path, {**ENVIRON, "PHONE_URL": url})


def found(chosen: Settings, about: str) -> list[tuple[bool | None, str]]:
    tell_times_in(chosen.timezone)
    return [(each.fine, each.sentence) for name, each in examine(chosen, NOW) if name == about]


def test_every_rotation_is_named_with_who_is_on_duty_now(tmp_path: Path) -> None:
    chosen = settings(tmp_path, ROTATION + ROTATION.replace("main", "nobody").replace('["ana", "ben"]', "[]"))
    assert found(chosen, "on-call") == [
        (True, "main: ana until 2026-01-12 09:00 UTC, then ben"),
        (False, "nobody: nobody is on duty: add people (nightdesk.toml:22: rotations[1].people)"),
    ]


def test_a_list_of_channels_that_leads_nowhere_is_no_good_and_one_that_lacks_some_is_noted(tmp_path: Path) -> None:
    text = """[alerts]
failover = ["phone"]
[[routes]]
to = ["slack"]
rule = "drawdown"
[[routes]]
to = ["telegram", "telegram:-200", "slack:C0999"]
[[policies]]
name = "night"
steps = [{ to = ["slack", "phone"] }]
"""
    assert found(settings(tmp_path, text + PHONE), "routes") == [
        (False, "nightdesk.toml:19: routes[0].to names slack, which is not set up: it leads nowhere"),
        (None, "nightdesk.toml:22: routes[1].to names slack:C0999, which is not set up: the rest of it is used"),
        (None, "nightdesk.toml:25: policies[0].steps[0].to names slack, which is not set up: the rest of it is used"),
    ]


def test_a_person_whom_a_step_would_call_where_no_chat_knows_them_is_noted_once(tmp_path: Path) -> None:
    said = 'ben has no id in telegram, where the policy "default" would call them'
    assert found(settings(tmp_path, ROTATION), "people") == [(None, said)]
    assert found(settings(tmp_path, ROTATION.replace('"ben"', '"ana"')), "people") == [(None, said)]
    policy = '[[policies]]\nname = "phone"\nsteps = [{ whom = ["ben"], to = ["telegram", "phone"] }]\n'
    own = f"[alerts]\nfailover = ['phone']\n{policy}{PHONE}"
    assert found(settings(tmp_path, own), "people") == [(None, said)]
    assert found(settings(tmp_path, own.replace('"telegram", "phone"', '"telegram"')), "people") == [
        (None, said.replace("default", "phone"))
    ]


def test_where_others_see_that_the_desk_works_is_named_without_what_is_secret_in_it(tmp_path: Path) -> None:
    text = '[web]\nlisten = "127.0.0.1:9999"\n[desk]\ndead_mans_switch = "https://hc.example/uuid"\n'
    chosen = settings(tmp_path, text + 'dead_mans_every = "90s"\n')
    (ping,), (face,) = found(chosen, "ping"), found(chosen, "web")
    assert ping == (True, "desk.dead_mans_switch is pinged each 1 m 30 s while the desk truly works")
    assert face == (True, "the desk's /health and /metrics are at http://127.0.0.1:9999 while it runs")


def test_an_address_that_apprise_does_not_know_is_told_unseen(tmp_path: Path) -> None:
    ((fine, said),) = found(settings(tmp_path, PHONE, "nosuch://s3cret"), "phone")
    assert fine is False
    assert said.startswith("the environment variable PHONE_URL holds no address that apprise knows")
    assert said.endswith("(nightdesk.toml:18: channels[0].url_env)")
    assert "s3cret" not in said
    assert found(settings(tmp_path, PHONE), "phone") == []


async def test_the_test_page_goes_to_a_further_channel_too_whose_press_nobody_waits_for(tmp_path: Path) -> None:
    got: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        got.append(await request.json())
        return web.Response(status=200 if len(got) == 1 else 500)

    app = web.Application()
    app.router.add_post("/s3cret", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"json://127.0.0.1:{runner.addresses[0][1]}/s3cret"
    chosen = settings(tmp_path, PHONE, url)
    said: list[str] = []

    phone = [each for each in discover_platforms(chosen) if each.name == "phone"]
    for _ in range(2):
        await check(chosen, fetch, reach, said.append, send=phone, wait=0.0, patience=0.5)
    await runner.cleanup()
    assert got[0]["title"] == TITLE
    told = [each for each in said if each.split()[1] == "phone"]
    assert told[0] == "ok    phone      test page sent; it takes messages and hears no press"
    assert told[1].startswith("fail  phone      test page not sent: phone did not take a message (HTTP 500)")
    assert "ok    platforms  console, telegram, phone" in said
