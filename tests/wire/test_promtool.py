from __future__ import annotations

import asyncio
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from bot.app import App
from bot.platforms.memory import Memory
from bot.settings import load
from monitor.alerts.alert import State
from monitor.exposition import Figures, prometheus_text
from monitor.sdk import Probe
from tests import hostile
from tests.stores import an_alert
from tests.wire.probing import a_venue, calm

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is missing: install Debian's package prometheus")


async def said_by_promtool(text: bytes) -> str:
    done = await asyncio.to_thread(
        subprocess.run, [PROMTOOL or "", "check", "metrics"], input=text, capture_output=True, check=False, timeout=30
    )
    said = (done.stdout + done.stderr).decode()
    return said if said or not done.returncode else f"exit code {done.returncode}"


async def fetched(url: str) -> bytes:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        answer = await client.get(url)
        answer.raise_for_status()
        return answer.content


@needs_promtool
async def test_promtool_finds_nothing_in_an_agents_metrics() -> None:
    async with a_venue() as venue, Probe('al"p\\ha', venue=venue.url, machine=calm) as probe:
        probe.money(balance=80.5, equity=81, open_positions=1)
        text = await fetched(f"http://127.0.0.1:{probe.port}/metrics?format=prometheus")
    assert b"balance_usd{" in text
    assert b"api_latency_seconds{" in text
    assert await said_by_promtool(text) == ""


@needs_promtool
async def test_promtool_finds_nothing_in_the_desks_metrics(tmp_path: Path) -> None:
    figures = {"equity": 10_000.0, "balance": 9_000.0, "pnl_24h": 1.5, "status": "ok", "venue_latency": 0.1}
    async with hostile.serve(hostile.tells(figures)) as server:
        file = tmp_path / "nightdesk.toml"
        file.write_text(
            '[desk]\ndatabase = "nightdesk.db"\ninterval = "200ms"\n[web]\nlisten = "127.0.0.1:0"\n'
            '[[people]]\nname = "ana"\nrole = "admin"\nconsole = "ana"\n'
            f'[[agents]]\nid = "alpha"\nsource = {{ kind = "http", url = "{server.url}" }}\n'
            '[[agents]]\nid = "beta"\nsource = { kind = "http", url = "http://127.0.0.1:9" }\n'
        )
        app = App(load(file, {}), platforms=[Memory("console")])
        try:
            await app.start()
            async with asyncio.timeout(20):
                while not (app.desk.agent("alpha").answered and app.desk.alerts()):  # noqa: ASYNC110 - there is no event to wait for
                    await asyncio.sleep(0.02)
            text = await fetched(f"http://127.0.0.1:{app.port}/metrics")
        finally:
            await app.stop()
    assert b'balance_usd{agent_id="alpha"} 9000.0' in text
    assert b'nightdesk_alerts{severity="critical",state="firing"} 1.0' in text
    assert await said_by_promtool(text) == ""


@needs_promtool
async def test_promtool_finds_nothing_whatever_there_is_to_tell() -> None:
    alerts = [replace(an_alert(), state=each) for each in State]
    full = Figures(
        "0.1.0",
        uptime=1.0,
        well=False,
        alerts=alerts,
        undelivered=5,
        oldest=61.5,
        dead_letters=1,
        chats={"telegram:-1001": False},
        heard={"telegram": 90.0},
        pinged=30.0,
        times={"notify": (4, 2.5), "acknowledge": (1, 30.0), "recover": (0, 0.0)},
    )
    assert await said_by_promtool(prometheus_text(full, [], "EUR")) == ""
