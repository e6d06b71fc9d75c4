"""What answers at an address is told apart, and what does not is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.setup.probing import Answer, probe
from monitor.sdk import Probe
from tests.fakes.freqtrade import fake_freqtrade
from tests.hostile import closed_port
from tests.wire.probing import KEY, calm
from tests.wire.test_prometheus_source import GUIDE, serving


async def test_an_agent_of_the_sdk_says_its_name_and_wants_its_key(tmp_path: Path) -> None:
    async with Probe("alpha", key=KEY, state=tmp_path / "pause.json", machine=calm) as agent:
        url = f"http://127.0.0.1:{agent.port}"
        assert (await probe(url)).kind == "key"
        found = await probe(url, KEY)
    assert (found.kind, found.id, found.url, found.path) == ("sdk", "alpha", url, "")


async def test_freqtrade_is_known_by_its_ping() -> None:
    async with fake_freqtrade() as fake:
        assert (await probe(fake.url)).kind == "freqtrade"


@pytest.mark.parametrize(
    ("text", "kind", "known"),
    [
        (GUIDE, "prometheus", True),
        ('{"balance": 9731.2, "pnl_24h": 31.5}', "json", True),
        ('{"wallet": {"total": 9731.2}, "profit": 31.5, "on": true}', "json", False),
        ("<html>hello</html>", "nothing", True),
        ("", "nothing", True),
    ],
)
async def test_what_is_served_is_told_apart(text: str, kind: str, known: bool) -> None:
    async with serving(text) as url:
        found = await probe(f"{url}/stats")
    assert (found.kind, found.known) == (kind, known)
    if not known:
        assert (dict(found.figures), found.path) == ({"wallet.total": 9731.2, "profit": 31.5}, "/stats")


@pytest.mark.parametrize("address", ["", "nonsense://x", "http://", "http://ana:pw@127.0.0.1:1"])
async def test_what_is_no_address_is_said(address: str) -> None:
    assert await probe(address) == Answer("nothing", "that is no address: write it like http://127.0.0.1:9001")


async def test_where_nothing_answers_is_said() -> None:
    found = await probe(closed_port())
    assert (found.kind, "does it run there?" in found.says) == ("nothing", True)
