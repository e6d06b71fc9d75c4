"""Orders need the key, are on disk before they are confirmed, and outlive the agent."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from monitor.sdk import Probe
from monitor.sdk.pause import Pause, read_pause, write_pause
from tests.wire.probing import KEY, ask, calm, order


def keyed(state: Path, **settings: object) -> Probe:
    return Probe("alpha", key=KEY, state=state, machine=calm, **settings)  # type: ignore[arg-type]  # passed through


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("key", [None, "wrong", "", KEY + "x", "schlüssel"])
@pytest.mark.parametrize("path", ["/metrics", "/trades", "/nowhere"])
async def test_reading_without_the_key_is_401(tmp_path: Path, path: str, key: str | None) -> None:
    async with keyed(tmp_path / "s") as probe:
        answer = await ask(probe, path, key=key)
        assert (await ask(probe, "/live", key=None)).status == 200
        assert (await ask(probe, "/health", key=None)).status == 200
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.body == {"error": "The key is missing or wrong; send it as 'Authorization: Bearer KEY'."}


@pytest.mark.parametrize("name", ["pause", "resume", "close"])
async def test_an_order_with_a_wrong_key_changes_nothing(tmp_path: Path, name: str) -> None:
    async def never() -> None:
        raise AssertionError

    async with keyed(tmp_path / "s", on_pause=never, on_resume=never, on_close=never) as probe:
        assert (await order(probe, name, key="wrong")).status == 401
        assert not probe.paused


@pytest.mark.parametrize("name", ["pause", "resume", "close"])
async def test_without_a_key_every_order_is_refused(name: str) -> None:
    async with Probe("alpha", machine=calm) as probe:
        answer = await order(probe, name)
        assert not probe.paused
        assert (await ask(probe, "/metrics", key=None)).status == 200
    assert answer.status == 403
    assert answer.body == {"error": "This agent takes no orders: it was started without a key."}


async def test_a_pause_is_on_disk_when_it_is_confirmed_and_survives_the_restart(tmp_path: Path) -> None:
    state = tmp_path / "alpha.pause.json"
    async with keyed(state) as probe:
        assert (await ask(probe, "/metrics")).body["paused"] is False
        answer = await order(probe, "pause", data=b'{"by": "ana", "reason": "too deep"}')
        assert answer.status == 200
        assert answer.body == {"ok": True, "detail": "paused"}
        assert json.loads(state.read_text())["paused"] is True
        assert probe.paused
    async with keyed(state) as probe:
        assert probe.paused
        snapshot = (await ask(probe, "/metrics")).body
        assert (snapshot["status"], snapshot["paused"]) == ("paused", True)
        assert (await ask(probe, "/health")).body["pause"]["by"] == "ana"
        assert (await order(probe, "resume")).body == {"ok": True, "detail": "running"}
        assert (await ask(probe, "/metrics")).body["status"] == "ok"
    assert not keyed(state).paused
    assert names(tmp_path) == ["alpha.pause.json"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not JSON"),
        (b'{"paused": fal', "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 9000, "not JSON"),
        (b"[]", "does not say"),
        (b"{}", "does not say"),
        (b'{"paused": 0}', "does not say"),
        (b'{"paused": false}' + b" " * 20_000, "too long"),
    ],
)
async def test_a_state_file_that_makes_no_sense_means_paused_until_somebody_resumes(
    tmp_path: Path, content: bytes, why: str
) -> None:
    state = tmp_path / "s"
    state.write_bytes(content)
    async with keyed(state) as probe:
        assert probe.paused
        health = await ask(probe, "/health")
        assert health.body["status"] == "paused"
        assert why in health.body["pause"]["reason"]
        await order(probe, "resume")
        assert not probe.paused
    assert not keyed(state).paused


async def test_a_state_path_that_is_no_file_means_paused(tmp_path: Path) -> None:
    assert keyed(tmp_path).paused


async def test_a_pause_that_cannot_be_stored_holds_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    async with keyed(folder / "s") as probe:
        (folder / "s").unlink()
        folder.rmdir()
        answer = await order(probe, "pause")
        assert answer.status == 500
        assert answer.body["error"].startswith("paused until the process ends, but the pause file cannot be written")
        assert probe.paused
        assert (await order(probe, "resume")).status == 500
        assert probe.paused


async def test_a_state_file_that_can_never_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    probe = keyed(tmp_path / "no" / "such" / "s")
    with pytest.raises(OSError, match=r"the pause file .* cannot be written: No such file"):
        await probe.start()


async def test_orders_at_once_leave_memory_and_file_agreeing(tmp_path: Path) -> None:
    state = tmp_path / "s"
    async with keyed(state) as probe:
        answers = await asyncio.gather(*(order(probe, name) for name in ["pause", "resume"] * 10))
        assert {answer.status for answer in answers} == {200}
        assert read_pause(state).paused is probe.paused


async def test_a_caller_that_gives_up_does_not_undo_the_order(tmp_path: Path) -> None:
    state = tmp_path / "s"
    async with keyed(state) as probe:
        giving_up = asyncio.create_task(probe.pause("ana"))
        await asyncio.sleep(0)
        giving_up.cancel()
        await asyncio.wait({giving_up})
        await probe.resume("ben")
        assert not probe.paused
        assert read_pause(state) == Pause(False, "ben", "", read_pause(state).since)


async def test_the_old_state_stays_when_the_new_one_cannot_be_written(tmp_path: Path) -> None:
    state = tmp_path / "s"
    write_pause(state, Pause(True, "ana"))
    with pytest.raises(ValueError, match="Out of range"):
        write_pause(state, Pause(False, since=float("nan")))
    assert read_pause(state).paused
    assert names(tmp_path) == ["s"]


async def test_the_agent_is_told_of_orders_and_close_is_there_only_when_it_can(tmp_path: Path) -> None:
    told: list[str] = []

    async def paused() -> None:
        told.append("pause")

    async def resumed() -> None:
        told.append("resume")

    async def close() -> None:
        told.append("close")

    async with keyed(tmp_path / "s", on_pause=paused, on_resume=resumed, on_close=close) as probe:
        for name in ("pause", "close", "resume"):
            assert (await order(probe, name)).status == 200
    assert told == ["pause", "close", "resume"]
    async with keyed(tmp_path / "s") as probe:
        answer = await order(probe, "close")
        assert (answer.status, answer.body["error"]) == (
            404,
            "This agent cannot close: it was started without on_close.",
        )


async def test_a_callback_that_fails_or_hangs_is_told_and_the_pause_stands(tmp_path: Path) -> None:
    async def fails() -> None:
        raise LookupError("position s3cret")

    async def hangs() -> None:
        await asyncio.Event().wait()

    async with keyed(tmp_path / "s", on_pause=fails, on_close=hangs, callback_timeout=0.05) as probe:
        answer = await order(probe, "pause")
        assert (answer.status, answer.body["error"]) == (500, "paused, but on_pause raised LookupError")
        assert probe.paused
        answer = await order(probe, "close")
        assert answer.status == 500
        assert answer.body["error"] == "the order to close came, but on_close did not finish within 0.05 s"
        assert (await ask(probe, "/metrics")).body["errors_1h"] == 2


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense", 400),
        (b"[]", 400),
        (b"[" * 4000, 400),
        (b'{"by": 7}', 400),
        (b'{"by": "%s"}' % (b"x" * 101), 400),
        (b'{"reason": "%s"}' % (b"x" * 501), 400),
        (b"\xff\xff", 400),
        (b"x" * 5000, 413),
        (b'{"by": "' + b"\\ud800" * 100 + b'", "reason": "' + b"\\u0000" * 500 + b'"}', 200),
        (b"  ", 200),
    ],
)
async def test_a_body_that_makes_no_sense_is_refused_and_pauses_nothing(
    tmp_path: Path, data: bytes, status: int
) -> None:
    async with keyed(tmp_path / "s") as probe:
        answer = await order(probe, "pause", data=data)
        assert answer.status == status
        assert probe.paused is (status == 200)
        assert keyed(tmp_path / "s").paused is (status == 200)
        assert status == 200 or answer.body["error"].endswith(".")


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x01\x02 garbage\r\n\r\n",
        b"GET /metrics HTTP/9.9\r\n\r\n",
        b"GET /live HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
        b"POST /pause HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    ],
)
async def test_garbage_on_the_wire_is_400_and_the_agent_goes_on(tmp_path: Path, raw: bytes) -> None:
    async with keyed(tmp_path / "s") as probe, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", probe.port)
        writer.write(raw)
        line = await reader.readline()
        writer.close()
        assert line.split()[1] == b"400"
        assert (await ask(probe, "/live")).status == 200
        assert not probe.paused


async def test_unknown_paths_and_methods_get_a_sentence(tmp_path: Path) -> None:
    async with keyed(tmp_path / "s") as probe:
        missing = await ask(probe, "/nowhere")
        assert (missing.status, missing.body) == (404, {"error": "Not Found."})
        assert (await ask(probe, "/pause")).status == 405
        assert not probe.paused


async def test_reachable_from_outside_health_shows_its_checks_only_with_the_key(tmp_path: Path) -> None:
    async with keyed(tmp_path / "s", host="0.0.0.0") as probe:  # noqa: S104 - what is under test
        await order(probe, "pause", data=b'{"by": "ana"}')
        assert set((await ask(probe, "/health", key=None)).body) == {"status", "agent_id", "uptime", "timestamp"}
        assert {"checks", "pause"} < set((await ask(probe, "/health")).body)


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "10.0.0.1", "agent.example"])  # noqa: S104 - what is under test
def test_a_host_reachable_from_outside_needs_a_key(host: str) -> None:
    with pytest.raises(ValueError, match="can be reached from outside: give a key"):
        Probe("alpha", host=host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_a_loopback_host_needs_none(host: str) -> None:
    assert not Probe("alpha", host=host).paused


@pytest.mark.parametrize("key", ["", "two words", "schlüssel", "a\n"])
def test_a_key_that_cannot_travel_in_a_header_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ValueError, match="key must be ASCII characters without spaces") as caught:
        Probe("alpha", key=key, state="unused")
    assert not key or key not in str(caught.value)


def test_a_key_without_a_state_file_is_refused() -> None:
    with pytest.raises(ValueError, match="give state="):
        Probe("alpha", key=KEY)


@pytest.mark.parametrize("name", ["", "x" * 101, "a\nb"])
def test_an_agent_needs_a_name_that_can_be_printed(name: str) -> None:
    with pytest.raises(ValueError, match="agent_id must be"):
        Probe(name)


def test_the_key_is_in_no_repr(tmp_path: Path) -> None:
    probe = keyed(tmp_path / "s")
    assert KEY not in repr(probe)
    assert KEY not in repr(probe._face)
