"""Any HTTP call can be an order: its words are encoded, and only the answer that was asked for is an acceptance."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from pydantic import ValidationError

from monitor.controls.call import Options, build
from monitor.model import Agent
from monitor.ports import ControlError
from tests.hostile import closed_port

ALPHA = Agent("alpha")
NASTY = 'x"}, "evil": true, {"y": "&admin=1#\n'


@dataclass
class Box:
    """Somebody's own control box: what it was asked, and what it answers."""

    url: str = ""
    status: int = 200
    text: str = '{"detail": "off"}'
    heard: list[dict[str, Any]] = field(default_factory=list)


@asynccontextmanager
async def box() -> AsyncIterator[Box]:
    one = Box()

    async def answer(request: web.Request) -> web.Response:
        one.heard.append(
            {
                "method": request.method,
                "path": request.path,
                "raw": request.raw_path,
                "query": dict(request.query),
                "headers": dict(request.headers),
                "body": await request.text(),
            }
        )
        return web.Response(status=one.status, text=one.text)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield one
    finally:
        await runner.cleanup()


async def test_words_are_put_into_json_and_queries_and_cannot_break_out_of_them() -> None:
    async with box() as one:
        body = {"enabled": False, "who": "{by}", "why": ["{reason}", "for {agent}"]}
        control = build(
            Options.model_validate(
                {
                    "pause": {"url": f"{one.url}/bots/7?note={{reason}}&fixed=1", "method": "PUT", "body": body},
                    "key": "k-secret",
                    "key_header": "X-Api-Key",
                    "means": "no entries; positions are kept",
                }
            )
        )
        assert control.abilities == {"pause": "no entries; positions are kept"}
        assert await control.send(ALPHA, "pause", "ana", NASTY) == "off"
        (heard,) = one.heard
    said = NASTY.strip()
    assert (heard["method"], heard["path"]) == ("PUT", "/bots/7")
    assert heard["query"] == {"note": said, "fixed": "1"}
    assert json.loads(heard["body"]) == {"enabled": False, "who": "ana", "why": [said, "for alpha"]}
    assert heard["headers"]["X-Api-Key"] == "k-secret"
    assert "Authorization" not in heard["headers"]


async def sent(template: dict[str, Any], reason: str = NASTY) -> dict[str, Any]:
    """What arrives of one call."""
    async with box() as one:
        await build(Options.model_validate({"pause": {"url": one.url, **template}})).send(ALPHA, "pause", "ana", reason)
    return one.heard[0]


@pytest.mark.parametrize("body", ['{"why": "{reason}", "keep": {}}', {"why": "{reason}", "keep": {}}])
async def test_json_is_sent_as_json_however_it_is_written(body: Any) -> None:
    heard = await sent({"body": body})
    assert json.loads(heard["body"]) == {"why": NASTY.strip(), "keep": {}}
    assert heard["headers"]["Content-Type"] == "application/json"


async def test_words_in_a_form_cannot_add_to_it() -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    heard = await sent({"body": "on=0&note={reason}&by={by}", "headers": form})
    assert parse_qs(heard["body"], strict_parsing=True) == {"on": ["0"], "note": [NASTY.strip()], "by": ["ana"]}
    assert (await sent({"body": "on=0&note={reason}"}))["headers"]["Content-Type"].startswith("text/plain")


async def test_words_that_a_person_says_are_not_read_as_words_in_braces() -> None:
    heard = await sent({"body": {"why": "{reason}"}}, "because {by} {key} {agent}")
    assert json.loads(heard["body"]) == {"why": "because {by} {key} {agent}"}


async def test_a_query_without_words_is_sent_as_it_was_written() -> None:
    async with box() as one:
        options = {"pause": {"url": f"{one.url}/off?now&x=a%2Fb+c"}}
        await build(Options.model_validate(options)).send(ALPHA, "pause", "ana", NASTY)
    assert one.heard[0]["raw"] == "/off?now&x=a%2Fb+c"


async def test_a_body_that_is_json_as_text_stays_json_and_plain_text_stays_plain() -> None:
    async with box() as one:
        for body in ('{"why": "{reason}"}', "off because {reason}"):
            control = build(Options.model_validate({"pause": {"url": one.url, "body": body}, "key": "k-secret"}))
            await control.send(ALPHA, "pause", "ana", 'say "no"')
    assert json.loads(one.heard[0]["body"]) == {"why": 'say "no"'}
    assert one.heard[1]["body"] == 'off because say "no"'
    assert one.heard[0]["headers"]["Authorization"] == "Bearer k-secret"


@pytest.mark.parametrize(
    ("status", "expect", "says", "uncertain"),
    [
        (500, (), "answered HTTP 500: off", True),
        (302, (), "answered HTTP 302, a redirect", False),
        (401, (), "refused the key: check ALPHA_KEY", False),
        (200, (202,), "answered HTTP 200: off", False),
    ],
)
async def test_only_the_answer_that_is_expected_is_an_acceptance(
    status: int, expect: tuple[int, ...], says: str, uncertain: bool
) -> None:
    async with box() as one:
        one.status = status
        options = {"pause": {"url": one.url, "expect": expect}, "key": "k-secret", "key_env": "ALPHA_KEY"}
        with pytest.raises(ControlError, match=says) as refused:
            await build(Options.model_validate(options)).send(ALPHA, "pause", "ana", "")
    assert refused.value.uncertain is uncertain


async def test_the_key_does_not_come_back_in_what_is_said() -> None:
    async with box() as one:
        one.text = "you sent k-secret-value"
        control = build(Options.model_validate({"pause": {"url": one.url}, "key": "k-secret-value"}))
        assert "k-secret-value" not in await control.send(ALPHA, "pause", "ana", "")


async def test_what_nobody_wrote_down_or_nobody_hears_is_refused() -> None:
    async with box() as one:
        control = build(Options.model_validate({"pause": {"url": one.url}}))
        await control.reach(ALPHA)
        with pytest.raises(ControlError, match="cannot be ordered to close: it takes pause"):
            await control.send(ALPHA, "close", "ana", "")
        assert [each["method"] for each in one.heard] == ["HEAD"]
    dead = build(Options.model_validate({"pause": {"url": f"http://127.0.0.1:{closed_port().rpartition(':')[2]}"}}))
    with pytest.raises(ControlError, match="it got no order") as refused:
        await dead.send(ALPHA, "pause", "ana", "")
    assert not refused.value.uncertain
    with pytest.raises(ControlError, match="cannot be reached"):
        await dead.reach(ALPHA)


@pytest.mark.parametrize(
    "template",
    [
        {"url": "http://{agent}.example/off"},
        {"url": "http://h.example/{agent}/off"},
        {"url": "http://ana:pw@h.example/"},
        {"url": "ftp://h.example/"},
        {"url": "http://h.example/?x={password}"},
        {"url": "http://h.example/", "body": {"a": ["{key}"]}},
        {"url": "http://h.example/", "method": "TRACE"},
        {"url": "http://h.example/", "headers": {"X": "a\r\nb"}},
        {"url": "http://h.example/", "headers": {"X\r\nY": "a"}},
        {"url": "http://h.example/", "headers": {"Content-Length": "3"}},
        {"url": "http://h.example/", "headers": {"x-a": "1", "X-A": "2"}},
        {"url": "http://h.example/", "headers": {"X": "{reason}"}},
        {"url": "http://h.example/", "headers": {"X-Api-Key": "mine"}},
        {"url": "http://h.example:99999/"},
        {"url": "http://h..example/"},
        {"url": "http://h.example/?{by}=1"},
        {"url": "http://h.example/", "body": {"{by}": 1}},
        {"url": "http://h.example/", "body": "why {Reason}"},
        {"url": "http://h.example/", "body": '{"why": {reason}}'},
        {"url": "http://h.example/", "body": "<why>{reason}</why>"},
        {"url": "http://h.example/", "body": "why: {reason}", "headers": {"Content-Type": "application/yaml"}},
        {
            "url": "http://h.example/",
            "body": "{by}=1",
            "headers": {"content-type": "application/x-www-form-urlencoded"},
        },
    ],
)
def test_a_template_that_could_go_elsewhere_is_refused(template: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate({"pause": template, "key": "k-secret", "key_header": "X-Api-Key"})


def test_nothing_to_call_is_refused_at_once_and_what_is_written_is_not_shown() -> None:
    with pytest.raises(ValidationError, match="needs a call: write at least pause"):
        Options.model_validate({"key": "k-secret"})
    written = {"pause": {"url": "http://h.example/", "headers": {"X-Other": "k-other"}}, "key": "k-secret"}
    assert "k-" not in repr(Options.model_validate(written))
