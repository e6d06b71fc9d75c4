from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sized
from dataclasses import dataclass, field

import httpx
import pytest
from structlog.testing import capture_logs

from bot.heartbeat import Heartbeat, Signs, checks, judge
from bot.web import Face, Health, serving
from tests import hostile

SECRET = "/ping/0c7d-s3cret"


@dataclass
class Desk:
    """What the web face is told."""

    ready: bool = True
    why: str | None = None
    gate: asyncio.Event | None = None
    asked: list[bool] = field(default_factory=list)

    def health(self) -> Health:
        return Health(self.why, {"engine": self.why, "telegram": None}, 12.3456, "0.1.0")

    async def metrics(self, milliseconds: bool) -> bytes:
        self.asked.append(milliseconds)
        if self.gate is not None:
            await self.gate.wait()
        if self.why == "broken":
            raise ValueError("a secret")
        return b"# HELP up Text.\n# TYPE up gauge\nup 1.0\n"


@contextlib.asynccontextmanager
async def face(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with serving("127.0.0.1", 0, Face(lambda: desk.ready, desk.health, desk.metrics)) as port:
        base = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=10) as client:
            yield client


async def test_a_desk_that_is_well_says_so_everywhere() -> None:
    async with face(Desk()) as client:
        for path in ("/live", "/ready"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        answer = await client.get("/health")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.json() == {
            "status": "ok",
            "why": None,
            "checks": {"engine": "ok", "telegram": "ok"},
            "uptime": 12.346,
            "version": "0.1.0",
        }


async def test_a_desk_that_is_not_well_still_lives_and_says_why_it_is_not() -> None:
    async with face(Desk(why="no agent has been polled for 1 m", ready=False)) as client:
        assert (await client.get("/live")).status_code == 200
        assert (await client.get("/ready")).status_code == 503
        answer = await client.get("/health")
        assert answer.status_code == 503
        assert (answer.json()["status"], answer.json()["why"]) == ("unwell", "no agent has been polled for 1 m")


async def test_metrics_are_prometheus_text_and_the_guides_names_are_asked_for() -> None:
    desk = Desk()
    async with face(desk) as client:
        answer = await client.get("/metrics")
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert answer.text.endswith("up 1.0\n")
        assert (await client.get("/metrics?format=guide")).status_code == 200
        assert (await client.get("/metrics?format=xml")).status_code == 400
    assert desk.asked == [False, True]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_it_shows_and_takes_nothing(method: str) -> None:
    async with face(Desk()) as client:
        for path in ("/live", "/ready", "/health", "/metrics"):
            assert (await client.request(method, path, content=b"x" * 10_000)).status_code == 405
        assert (await client.head("/health")).status_code == 200
        assert (await client.get("/../nightdesk.db")).status_code == 404


async def test_a_crowd_that_asks_for_metrics_is_bounded() -> None:
    desk = Desk(gate=asyncio.Event())
    async with face(desk) as client:
        asks = [asyncio.create_task(client.get("/metrics")) for _ in range(20)]
        refused = 0
        async with asyncio.timeout(10):
            for done in asyncio.as_completed(asks):
                refused += (await done).status_code == 503
                if refused == 12 and desk.gate is not None:
                    desk.gate.set()
        assert refused == 12
    assert len(desk.asked) == 8


async def test_what_fails_inside_is_not_shown() -> None:
    with capture_logs() as logs:
        async with face(Desk(why="broken")) as client:
            answer = await client.get("/metrics")
    assert answer.status_code == 500
    assert answer.json() == {"error": "The desk failed to answer; its log says why."}
    assert [entry["event"] for entry in logs] == ["a request could not be answered"]


async def test_a_port_that_is_taken_is_an_error_at_once() -> None:
    desk = Desk()
    async with serving("127.0.0.1", 0, Face(lambda: True, desk.health, desk.metrics)) as port:
        with pytest.raises(OSError, match="address already in use"):
            async with serving("127.0.0.1", port, Face(lambda: True, desk.health, desk.metrics)):
                pass


WELL = Signs(ready=True, chats={"telegram": None, "slack": None})


@pytest.mark.parametrize(
    ("signs", "why"),
    [
        (Signs(ready=False), "the desk is starting or stopping"),
        (Signs(ready=True, ticked=31, chats=WELL.chats), "no agent has been polled for 31 s"),
        (Signs(ready=True, turned=60, chats=WELL.chats), "the desk has not come round for 1 m"),
        (Signs(ready=True, stored=45, chats=WELL.chats), "the database has taken nothing for 45 s"),
        (Signs(ready=True, refused="The disk is full.", chats=WELL.chats), "The disk is full."),
        (Signs(ready=True), "no chat is set up that could page anybody"),
        (
            Signs(ready=True, chats={"telegram": "refused", "slack": "hangs"}),
            "no chat can be relied on: telegram: refused; slack: hangs",
        ),
    ],
)
def test_one_thing_that_fails_is_enough_to_be_unwell(signs: Signs, why: str) -> None:
    assert judge(signs, 30.0) == why


def test_one_chat_that_pages_is_enough_to_be_well() -> None:
    assert judge(WELL, 30.0) is None
    half = Signs(ready=True, ticked=29, turned=29, stored=29, chats={"telegram": "refused", "slack": None})
    assert judge(half, 30.0) is None
    assert checks(half, 30.0)["telegram"] == "refused"
    assert [name for name, found in checks(WELL, 30.0).items() if found is not None] == []


@contextlib.asynccontextmanager
async def switch(
    answer: bytes, why: list[str | None], every: float = 0.1
) -> AsyncIterator[tuple[Heartbeat, list[str]]]:
    """A dead man's switch with its pings; `why[-1]` is why there must be none."""
    pings: list[str] = []

    async def take(request: hostile.Request, writer: asyncio.StreamWriter) -> None:
        pings.append(f"{request.method} {request.path}")
        writer.write(answer)
        await writer.drain()

    async with hostile.serve(take) as server:
        beating = Heartbeat(server.url + SECRET, every, lambda: why[-1])
        task = asyncio.create_task(beating.run())
        try:
            yield beating, pings
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.wait((task,))


async def until(found: Sized, count: int) -> None:
    async with asyncio.timeout(10):
        while len(found) < count:  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(0.01)


@pytest.mark.slow
async def test_the_switch_is_pinged_while_the_desk_is_well_and_only_then() -> None:
    why: list[str | None] = ["the desk is starting or stopping"]
    with capture_logs() as logs:
        async with switch(hostile.response(b"OK"), why) as (beating, pings):
            await asyncio.sleep(0.3)
            assert pings == []
            why.append(None)
            await until(pings, 3)
            assert (beating.trouble, beating.pinged is not None) == (None, True)
            why.append("the disk is full")
            await asyncio.sleep(0.15)  # a ping may have been on its way
            known = len(pings)
            await asyncio.sleep(0.4)
            assert len(pings) == known
            why.append(None)
            await until(pings, known + 1)
            await until(logs, 3)  # what is said of a ping is said once it is answered
    assert set(pings) == {f"GET {SECRET}"}
    assert [entry.get("why") for entry in logs] == [None, "the disk is full", None]


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        (hostile.response(b"no", status="404 Not Found"), "its ping was answered with 404"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
            "its ping was answered with 302",
        ),
        (b"nonsense\r\n\r\n", "its ping did not get through (RemoteProtocolError)"),
    ],
)
async def test_a_switch_that_does_not_take_pings_is_said_so_without_its_address(
    answer: bytes, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with capture_logs() as logs:
        async with switch(answer, [None]) as (beating, pings):
            await until(pings, 3)
    assert (beating.trouble, beating.pinged) == (trouble, None)
    assert [entry["state"] for entry in logs if "state" in entry] == [trouble]
    assert "s3cret" not in str(logs) + caplog.text


async def test_a_switch_that_is_not_there_is_tried_again() -> None:
    beating = Heartbeat("http://127.0.0.1:9" + SECRET, 0.1, lambda: None)
    with capture_logs() as logs:
        task = asyncio.create_task(beating.run())
        async with asyncio.timeout(10):
            while beating.trouble is None:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        assert not task.done()
        task.cancel()
        await asyncio.wait((task,))
    assert beating.trouble == "its ping did not get through (ConnectError)"
    assert [entry["state"] for entry in logs if "state" in entry] == [beating.trouble]
