"""A terminal is a chat of one person: lines go in, cards come out, and a button is a number to type."""

from __future__ import annotations

import asyncio
import io
import os
import secrets
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog
from rich import box
from rich.console import Console as Terminal
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table as Grid
from rich.text import Text

from bot.album import Album
from bot.chat import Button, ChatPlatform, Handler, Invocation, Message, MessageRef, Table, Tone, TransportError
from bot.format import block, plain
from bot.settings import console_user
from bot.terminal import Lines, Sink, Stream

NAME = "console"
PROMPT = "nightdesk> "
AT_ONCE = 8
"""Lines under way at once; more of them wait."""
BUTTONS = 100
"""Buttons that can still be pressed, the newest ones."""
WIDTH = 100
"""Columns where nobody says how many there are."""
_COLOURS = {
    Tone.PLAIN: "#94A3B8",
    Tone.WARN: "#EAB308",
    Tone.CRITICAL: "#EF4444",
    Tone.GOOD: "#22C55E",
    Tone.OVER: "#64748B",
}
log = structlog.get_logger()


class Console:
    """One person at a terminal, or a pipe in place of either side; `user` is who gives the lines.

    Without a terminal at `write` there is no colour and no frame, and without one at either side no prompt. Once `read`
    has ended, it goes on saying what there is to say. `within`: seconds that a terminal may take nothing before a
    message counts as not taken.
    """

    threads: bool = False
    pictures: bool = False
    trouble: str | None = None
    heard: float | None = None
    """It has no server, and what is amiss shows when something is said."""

    def __init__(
        self,
        user: str,
        read: Stream | None = None,
        write: Stream | None = None,
        *,
        within: float = 5.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._user = user
        self._read = read or sys.stdin
        self._write = write or sys.stdout
        self._within = within
        self._clock = clock
        self._handler: Handler | None = None
        self._lines: Lines | None = None
        self._sink: Sink | None = None
        self._waiting: deque[str] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._buttons: dict[int, str] = {}
        self._album = Album()
        self._session = secrets.token_hex(4)
        self._pressed = self._said = 0
        self._tty, self._ps1 = False, ""

    @property
    def name(self) -> str:
        """The key of people's ids."""
        return NAME

    async def start(self, handler: Handler) -> None:
        """Read lines and say things from now on. Errors: TransportError (the terminal cannot be opened)."""
        await self.stop()
        try:
            self._sink = Sink(self._write, self._within)
            self._tty = os.isatty(self._sink.fd)
        except (OSError, ValueError) as error:
            raise TransportError(f"the terminal cannot be opened: {error}") from error
        self._handler = handler
        try:
            self._ps1 = PROMPT if self._tty and os.isatty(self._read.fileno()) else ""
            await self._prompt()
            self._lines = Lines(self._read, self._typed, self._closed)
        except (OSError, ValueError, AttributeError):
            self._lines = None  # there is nobody to listen to, as with a closed standard input

    async def stop(self) -> None:
        """Read and say nothing any more; commands under way are given up."""
        self._handler = None
        if self._lines is not None:
            self._lines.close()
            self._lines = None
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._sink is not None:
            self._sink.close()
            self._sink = None

    async def send(
        self, message: Message, under: MessageRef | None = None, *, to: str | None = None, key: str = ""
    ) -> MessageRef:
        """Print a card. Errors: TransportError (not started, nobody reads it, closed)."""
        del under, to, key  # one terminal takes everything
        await self._print(self._card(message), loud=message.loud)
        self._said += 1
        return MessageRef(NAME, NAME, f"{self._session}-{self._said}")

    async def find(self, key: str, *, to: str | None = None, since: float) -> MessageRef | None:  # noqa: ARG002 - see below
        """Nothing: what a terminal has printed cannot be read back."""
        return None

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Print a card again, as it is now: what a terminal has printed stays. Errors: TransportError."""
        if ref.platform != NAME:
            raise TransportError(f"{ref.platform} has that message, not the console", permanent=True)
        await self._print(self._card(replace(message, title=f"updated · {message.title}")))

    def _typed(self, line: str) -> None:
        self._waiting.append(line)
        self._go_on()

    def _closed(self) -> None:
        """Say that nobody is listened to any more, to somebody who may not have meant it."""
        if self._ps1:
            self._ps1 = ""
            said = self._print(
                [Text("The input has ended: no more commands here. The desk watches on; Ctrl-C ends it.")]
            )
            task = asyncio.create_task(said)
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _go_on(self) -> None:
        while self._waiting and len(self._tasks) < AT_ONCE:
            task = asyncio.create_task(self._run(self._waiting.popleft().strip()))
            self._tasks.add(task)
            task.add_done_callback(self._done)
        if self._lines is not None:
            (self._lines.pause if self._waiting else self._lines.resume)()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._handler is not None:
            self._go_on()

    async def _run(self, line: str) -> None:
        if (handler := self._handler) is None:
            return
        try:
            pressed = line.isdecimal()
            if pressed:
                found = self._buttons.get(int(line[:9]))
                if found is None:
                    await self._print([Text(f"There is no button {line[:9]}: type one of the numbers in brackets.")])
                    return
                await self._print([Text(f"[{line}] /{found}")])
                line = found
            if not line:
                await self._prompt()
                return
            given = Invocation(line, NAME, self._user, self._user, NAME, self._clock(), pressed, channel=NAME)
            await handler(given, self._reply)
        except TransportError as error:
            log.warning("the console was not told", error=str(error))
        except Exception:
            log.exception("a line of the console failed")

    async def _reply(self, message: Message) -> None:
        await self._print(self._card(await self._album.told(message)))

    async def _prompt(self) -> None:
        if self._ps1:
            await self._put(self._ps1.encode())

    async def _print(self, parts: list[RenderableType], *, loud: bool = False) -> None:
        page = io.StringIO()
        terminal = Terminal(
            file=page,
            force_terminal=self._tty,
            color_system="auto" if self._tty else None,
            no_color=None if self._tty else True,
            width=_width(self._sink),
            markup=False,
            emoji=False,
            highlight=False,
            soft_wrap=False,
        )
        for part in parts:
            terminal.print(part)
        text = page.getvalue()
        if self._tty:
            erase = "" if terminal.is_dumb_terminal else "\r\x1b[K"
            text = f"{erase}{text}{self._ps1}" + ("\a" if loud else "")
        else:
            text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
        encoding = getattr(self._write, "encoding", None) or "utf-8"
        await self._put(text.encode(encoding, errors="replace"))

    async def _put(self, data: bytes) -> None:
        if self._sink is None or self._handler is None:
            raise TransportError("the console is not started")
        try:
            await self._sink.write(data)
        except TimeoutError:
            raise TransportError("the terminal takes no output: is it held (Ctrl-S) or full?") from None
        except OSError as error:
            raise TransportError(f"the terminal is gone: {error.strerror or error}") from error

    def _card(self, message: Message) -> list[RenderableType]:
        colour = _COLOURS[message.tone]
        title = Text(plain(message.title), style=f"bold {colour}")
        body = list(_body(message))
        if message.buttons:
            body.append(_wrapped(self._keys(message.buttons), _width(self._sink) - 4))
        if not self._tty:
            return [title, *body, Text("")]
        return [Panel(Group(title, *body), border_style=colour, box=box.ROUNDED)]

    def _keys(self, buttons: tuple[Button, ...]) -> list[Text]:
        """Number the buttons on from the last card, and forget the oldest."""
        keys = []
        for each in buttons:
            self._pressed += 1
            self._buttons[self._pressed] = each.line
            keys.append(Text.assemble((f"[{self._pressed}] ", "bold"), plain(each.label)))
        while len(self._buttons) > BUTTONS:
            del self._buttons[next(iter(self._buttons))]
        return keys


def _width(sink: Sink | None) -> int:
    try:
        return (os.get_terminal_size(sink.fd).columns if sink else 0) or WIDTH
    except OSError:
        return WIDTH


def _wrapped(keys: list[Text], width: int) -> Text:
    """Side by side as far as they fit, never a number without its label."""
    lines: list[list[Text]] = [[]]
    for key in keys:
        if lines[-1] and sum(each.cell_len + 2 for each in lines[-1]) + key.cell_len > width:
            lines.append([])
        lines[-1].append(key)
    return Text("\n").join(Text("  ").join(line) for line in lines)


def _body(message: Message) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if message.mentions:
        parts.append(Text(", ".join(plain(each.name) for each in message.mentions), style="bold"))
    if message.text:
        parts.append(Text(block(message.text)))
    if message.fields:
        grid = Grid.grid(padding=(0, 2))
        grid.add_column(overflow="fold", max_width=44)
        grid.add_column(overflow="fold", ratio=1)
        for field in message.fields:
            grid.add_row(Text(plain(field.label), style="dim"), Text(block(field.value)))
        parts.append(grid)
    for table in message.tables:
        parts += [Text(""), _table(table)]
    if message.footer:
        parts += [*[Text("")] * bool(message.tables), Text(block(message.footer), style="dim")]
    return parts


def _table(table: Table) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for index, column in enumerate(table.columns):
        grid.add_column(Text(plain(column)), justify="right" if index else "left", overflow="fold")
    for row in table.rows:
        grid.add_row(*(Text(plain(cell)) for cell in row))
    return grid


def build(_settings: Any) -> ChatPlatform | None:
    """The terminal that the desk was started from; None when it was started without any output."""
    return None if sys.stdout is None else Console(console_user(), sys.stdin)
