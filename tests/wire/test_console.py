from __future__ import annotations

import asyncio
import os
import pty
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.chat import Button, Handler, Invocation, Message, Reply, Tone, TransportError
from bot.platforms.console import AT_ONCE, BUTTONS, PROMPT, Console

CARD = Message("🚨 CRITICAL · alpha", buttons=(Button("Acknowledge", "ack 3f9c"), Button("Runbook", "runbook 3f9c")))


class Ears:
    """A handler that keeps what it heard and says it back."""

    def __init__(self) -> None:
        self.heard: list[Invocation] = []
        self._changed = asyncio.Condition()

    async def __call__(self, invocation: Invocation, reply: Reply) -> None:
        await reply(Message(f"heard {invocation.line}"))
        async with self._changed:
            self.heard.append(invocation)
            self._changed.notify_all()

    async def wait(self, many: int) -> list[Invocation]:
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: len(self.heard) >= many)
        return self.heard


class Pipes:
    """A console between two pipes or on one pseudo-terminal; what it shows is gathered as it comes."""

    def __init__(self, read: int, write: int, into: int, out: int) -> None:
        self.read, self.write = os.fdopen(read, "rb", 0), os.fdopen(write, "wb", 0)
        self.console = Console("ana", self.read, self.write, within=0.3)
        self.into, self.out = into, out
        self.ears = Ears()
        self._seen = b""

    def type(self, text: str | bytes) -> None:
        os.write(self.into, text if isinstance(text, bytes) else text.encode())

    async def see(self, text: str) -> str:
        """Wait until `text` has been shown; returns everything shown so far."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def take() -> None:
            self._seen += os.read(self.out, 65_536)
            if text.encode() in self._seen:
                done.set()

        if text.encode() not in self._seen:
            loop.add_reader(self.out, take)
            try:
                await asyncio.wait_for(done.wait(), 10)
            finally:
                loop.remove_reader(self.out)
        return self._seen.decode()


@asynccontextmanager
async def running(pipes: Pipes, handler: Handler | None = None) -> AsyncIterator[Pipes]:
    await pipes.console.start(handler or pipes.ears)
    try:
        yield pipes
    finally:
        await asyncio.wait_for(pipes.console.stop(), 5)


def close(*descriptors: int) -> None:
    for each in descriptors:
        try:
            os.close(each)
        except OSError:
            continue


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    (read, into), (out, write) = os.pipe(), os.pipe()
    yield (made := Pipes(read, write, into, out))
    made.read.close()
    made.write.close()
    close(into, out)


@pytest.fixture
def terminal() -> Iterator[Pipes]:
    master, slave = pty.openpty()
    yield (made := Pipes(slave, os.dup(slave), master, master))
    made.read.close()
    made.write.close()
    close(master)


async def test_a_number_presses_its_button_and_says_which_line_that_is(pipes: Pipes) -> None:
    async with running(pipes):
        await pipes.console.send(CARD)
        assert "[1] Acknowledge  [2] Runbook" in await pipes.see("Runbook")
        pipes.type("2\n")
        (heard,) = await pipes.ears.wait(1)
        assert (heard.line, heard.button, heard.user) == ("runbook 3f9c", True, "ana")
        assert "[2] /runbook 3f9c" in await pipes.see("heard runbook")


async def test_numbers_count_on_and_old_cards_stay_pressable_up_to_a_bound(pipes: Pipes) -> None:
    async with running(pipes):
        for number in range(BUTTONS // 2 + 1):
            await pipes.console.send(Message("card", buttons=(Button("a", f"ack {number}"), Button("b", "alerts"))))
        pipes.type("1\n3\n")
        (heard,) = await pipes.ears.wait(1)
        assert heard.line == "ack 1"
        await pipes.see("There is no button 1")


async def test_an_edit_prints_the_card_again_as_updated(pipes: Pipes) -> None:
    async with running(pipes):
        ref = await pipes.console.send(CARD)
        await pipes.console.edit(ref, Message("✅ resolved · alpha"))
        await pipes.see("updated · ✅ resolved · alpha")


async def test_without_a_terminal_there_is_no_colour_no_prompt_and_no_frame(pipes: Pipes) -> None:
    async with running(pipes):
        await pipes.console.send(Message("red", "text", tone=Tone.CRITICAL, loud=True))
        pipes.type("/status\n")
        shown = await pipes.see("heard /status")
    assert "\x1b" not in shown
    assert "\a" not in shown
    assert PROMPT not in shown
    assert "╭" not in shown


@pytest.mark.parametrize(("tone", "colour"), [(Tone.WARN, "38;2;234;179;8"), (Tone.CRITICAL, "38;2;239;68;68")])
async def test_a_terminal_has_colours_of_the_tone_a_frame_and_a_prompt(
    terminal: Pipes, monkeypatch: pytest.MonkeyPatch, tone: Tone, colour: str
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")  # rich looks nowhere else
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    async with running(terminal):
        await terminal.console.send(Message("a card", tone=tone, loud=True))
        shown = await terminal.see("\a")
    assert colour in shown
    assert "╭" in shown
    assert shown.count(PROMPT) == 2


async def test_a_terminal_is_talked_to_like_a_pipe(terminal: Pipes) -> None:
    async with running(terminal):
        terminal.type("/status alpha\n")
        assert (await terminal.ears.wait(1))[0].line == "/status alpha"
        await terminal.see("heard /status alpha")


async def test_a_terminal_whose_control_sequences_come_from_data_is_not_moved(terminal: Pipes) -> None:
    async with running(terminal):
        await terminal.console.send(Message("\x1b[2Jtitle\x07", "\x1b]0;pwned\x07text\r\x9b2Jend"))
        shown = await terminal.see("end")
    assert "\x1b[2J" not in shown
    assert "pwned" not in shown
    assert "\x9b" not in shown


async def test_when_the_input_ends_pages_are_still_shown(pipes: Pipes) -> None:
    async with running(pipes):
        pipes.type("/last without newline")
        close(pipes.into)
        assert (await pipes.ears.wait(1))[0].line == "/last without newline"
        await pipes.console.send(CARD)
        await pipes.see("CRITICAL")


async def test_lines_in_a_file_and_dev_null_are_read_to_their_end(tmp_path: Path) -> None:
    given = tmp_path / "lines"
    given.write_text("".join(f"/status {number}\n" for number in range(100)))
    for source, many in ((given, 100), (Path(os.devnull), 0)):
        with source.open("rb") as read, (tmp_path / "page").open("wb") as write:
            console, ears = Console("ana", read, write), Ears()
            await console.start(ears)
            await ears.wait(many)
            await console.send(CARD)
            await asyncio.wait_for(console.stop(), 5)
            assert sorted(each.line for each in ears.heard) == sorted(f"/status {number}" for number in range(many))


async def test_a_command_that_waits_holds_up_no_other_and_lines_beyond_the_bound_wait_their_turn(pipes: Pipes) -> None:
    gate, begun = asyncio.Event(), asyncio.Semaphore(0)
    running_now: list[str] = []

    async def slow(invocation: Invocation, _reply: Reply) -> None:
        running_now.append(invocation.line)
        begun.release()
        await gate.wait()

    async with running(pipes, slow):
        pipes.type("".join(f"/wait {number}\n" for number in range(AT_ONCE + 5)))
        async with asyncio.timeout(5):
            for _ in range(AT_ONCE):
                await begun.acquire()
        assert len(running_now) == AT_ONCE
        gate.set()
        async with asyncio.timeout(5):
            for _ in range(5):
                await begun.acquire()
        assert sorted(running_now) == sorted(f"/wait {number}" for number in range(AT_ONCE + 5))


@pytest.mark.parametrize("noise", [b"\xff\xfe\x00\n", b"\r\n\r\n", b"0\n", b"99999999999999999999\n", "²\n".encode()])
async def test_noise_on_the_line_stops_nothing(pipes: Pipes, noise: bytes) -> None:
    async with running(pipes):
        pipes.type(noise)
        pipes.type("/status\n")
        async with asyncio.timeout(5):
            while not any(each.line == "/status" for each in pipes.ears.heard):
                await pipes.ears.wait(len(pipes.ears.heard) + 1)


async def test_a_line_without_an_end_is_kept_within_bounds(pipes: Pipes) -> None:
    async with running(pipes):
        written = asyncio.to_thread(pipes.type, b"x" * 1_000_000 + b"\n/status\n")
        await asyncio.wait_for(written, 10)
        heard = await pipes.ears.wait(2)
        assert len(heard[0].line) <= 8_192
        assert heard[1].line == "/status"


async def test_an_output_that_is_gone_is_worth_another_try(pipes: Pipes) -> None:
    async with running(pipes):
        close(pipes.out)
        with pytest.raises(TransportError, match="gone") as caught:
            await pipes.console.send(CARD)
        assert not caught.value.permanent
        pipes.type("/status\n")
        await asyncio.sleep(0)


async def test_an_output_that_was_closed_elsewhere_is_never_mistaken_for_the_next_file(tmp_path: Path) -> None:
    page, other, nothing = tmp_path / "page", tmp_path / "other", tmp_path / "nothing"
    nothing.touch()
    with nothing.open("rb") as read, page.open("wb") as write:
        console = Console("ana", read, write)
        await console.start(Ears())
        write.close()
        with other.open("wb"):
            await console.send(CARD)
        await console.stop()
        with pytest.raises(TransportError, match="cannot be opened") as caught:
            await console.start(Ears())
    assert not caught.value.permanent
    assert "CRITICAL" in page.read_text()
    assert other.read_bytes() == b""


@pytest.mark.parametrize("kind", ["pipes", "terminal"])
async def test_an_output_that_nobody_reads_holds_up_no_loop(kind: str, request: pytest.FixtureRequest) -> None:
    chat: Pipes = request.getfixturevalue(kind)
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    async with running(chat):
        turning = asyncio.create_task(turn())
        with pytest.raises(TransportError, match="takes no output") as caught:
            await chat.console.send(Message("big", "word " * 60_000))
        turning.cancel()
    assert turns > 3
    assert not caught.value.permanent


async def test_a_message_on_its_way_when_the_console_stops_is_worth_another_try(pipes: Pipes) -> None:
    async with running(pipes):
        sent = asyncio.create_task(pipes.console.send(Message("big", "word " * 60_000)))
        await asyncio.sleep(0)
        await pipes.console.stop()
        with pytest.raises(TransportError) as caught:
            await sent
        assert not caught.value.permanent


async def test_an_output_that_is_read_slowly_gets_everything(pipes: Pipes) -> None:
    async with running(pipes):
        sent = asyncio.create_task(pipes.console.send(Message("big", "word " * 60_000, footer="the end")))
        shown = await pipes.see("the end")
        await sent
    assert shown.split().count("word") == 60_000


A_DESK = """
import asyncio
from bot.chat import Message
from bot.platforms.console import build

async def main():
    console, heard = build(None), asyncio.Event()

    async def handler(invocation, reply):
        await reply(Message("heard " + invocation.line))
        heard.set()

    await console.start(handler)
    {talk}
    await console.stop()

asyncio.run(main())
"""
A_SHELL = """
import fcntl, os, subprocess, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.tcsetpgrp(0, os.getpgrp())
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], process_group=0)
_, status = os.waitpid(child.pid, os.WUNTRACED)
child.kill()
sys.exit(status != 0)
"""


async def ended(*command: str, chat: Pipes) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", *command, stdin=chat.read, stdout=chat.write, start_new_session=True
    )
    try:
        return await asyncio.wait_for(process.wait(), 20)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.slow
async def test_a_process_ends_though_its_input_stays_open(pipes: Pipes) -> None:
    pipes.type("/status\n")
    assert await ended(A_DESK.format(talk="await heard.wait()"), chat=pipes) == 0
    await pipes.see("heard /status")


@pytest.mark.slow
async def test_a_process_in_the_background_leaves_the_terminal_to_others_and_goes_on(terminal: Pipes) -> None:
    terminal.type("/status\n")
    talk = "await asyncio.sleep(0.1); assert not heard.is_set(); await console.send(Message('still here'))"
    assert await ended(A_SHELL, A_DESK.format(talk=talk), chat=terminal) == 0
    assert "heard" not in await terminal.see("still here")
