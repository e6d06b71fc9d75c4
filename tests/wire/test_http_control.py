from __future__ import annotations

import json
from typing import Any

import pytest

from monitor.controls import discover
from monitor.controls.http import HttpControl, Options
from monitor.model import Agent
from monitor.ports import ControlError
from tests import hostile
from tests.hostile import Behaviour, response, says, serve, tells

ALPHA = Agent("alpha")
UNSURE = "it may have obeyed; watch /status"


def a_control(url: str, **options: Any) -> HttpControl:
    return HttpControl(Options(url=url, **{"timeout": 5.0, "key": "s3cret", "key_env": "ALPHA_KEY", **options}))


async def order(behaviour: Behaviour, action: str = "pause", **options: Any) -> str:
    async with serve(behaviour) as server:
        return await a_control(server.url, **options).send(ALPHA, action, "ana", "drawdown")


async def test_an_order_is_posted_with_who_and_why() -> None:
    async with serve(tells({"ok": True, "detail": "paused"})) as server:
        control = a_control(server.url)
        assert await control.send(ALPHA, "pause", "ana", "drawdown") == "paused"
        assert await control.send(ALPHA, "resume", "ben\n", "") == "paused"
    first, second = server.requests
    assert (first.method, first.path, second.path) == ("POST", "/pause", "/resume")
    assert first.headers["authorization"] == "Bearer s3cret"
    assert json.loads(first.body) == {"by": "ana", "reason": "drawdown"}
    assert json.loads(second.body) == {"by": "ben", "reason": ""}
    assert "s3cret" not in repr(control.__dict__)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (response(b"fine\x00 with\n me"), "fine with me"),
        (response(b"", status="204 No Content"), ""),
        (response(b"x" * 100_000), "x" * 199 + "…"),
        (response(b"[" * 3000), "[" * 199 + "…"),
        (response(b"\x1f\x8b", "Content-Encoding: gzip"), ""),
    ],
)
async def test_what_an_agent_says_is_one_short_line(answer: bytes, said: str) -> None:
    assert await order(says(answer)) == said


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (says(response(b"", status="401 Unauthorized")), "refused the key: check ALPHA_KEY"),
        (
            says(response(b'{"error": "Takes no orders."}', status="403 Forbidden")),
            "answered HTTP 403: Takes no orders.",
        ),
        (says(response(b"", status="404 Not Found")), "does not know /pause"),
        (says(response(b"", status="503 Service Unavailable")), "answered HTTP 503"),
        (
            hostile.redirects("http://127.0.0.1:1/"),
            "answered HTTP 302, a redirect, which is not followed: correct its url",
        ),
        (hostile.closes, f"broke off before it had answered: {UNSURE}"),
        (hostile.breaks_off, f"broke off before it had answered: {UNSURE}"),
        (says(b"\x00\xffnonsense\r\n\r\n"), f"broke off before it had answered: {UNSURE}"),
    ],
)
async def test_everything_but_an_acceptance_is_an_error(behaviour: Behaviour, error: str) -> None:
    with pytest.raises(ControlError) as caught:
        await order(behaviour)
    assert str(caught.value) == error


@pytest.mark.parametrize("behaviour", [hostile.hangs, hostile.drips, hostile.drips_its_header])
async def test_no_answer_in_time_may_still_have_been_heard(behaviour: Behaviour) -> None:
    with pytest.raises(ControlError) as caught:
        await order(behaviour, timeout=0.3)
    assert str(caught.value) == f"did not answer within 0.3 s: {UNSURE}"


async def test_an_agent_that_is_not_there_got_no_order() -> None:
    for url in (hostile.closed_port(), "http://nowhere.invalid"):
        with pytest.raises(ControlError, match="cannot be reached at its url: it got no order"):
            await a_control(url).send(ALPHA, "pause", "ana", "")


async def test_an_agent_that_never_speaks_tls_got_no_order() -> None:
    async with serve(tells({})) as server:
        with pytest.raises(ControlError, match="cannot be reached at its url: it got no order"):
            await a_control(server.url.replace("http:", "https:"), timeout=0.5).send(ALPHA, "pause", "ana", "")


async def test_only_pause_and_resume_can_be_ordered() -> None:
    async with serve(tells({})) as server:
        with pytest.raises(ControlError, match="cannot be ordered to dance"):
            await a_control(server.url).send(ALPHA, "dance", "ana", "")
    assert server.requests == []


def test_the_http_control_is_found_by_its_name() -> None:
    assert discover()["http"].Options is Options


async def test_a_key_that_an_agent_sends_back_is_masked() -> None:
    with pytest.raises(ControlError, match="you sent Bearer ••••"):
        await order(says(response(b'{"error": "you sent Bearer s3cret"}', status="400 Bad Request")))
