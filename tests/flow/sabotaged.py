"""Plays the demo's story with one of its eight steps broken: `python -m tests.flow.sabotaged STEP`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot import command
from bot.chat import Button, ChatPlatform, Field, Handler, Message, MessageRef, Table, Tone, TransportError
from bot.command import Command, Context
from bot.demo.processes import CAST
from bot.demo.story import tell


def says(name: str, message: Message) -> dict[str, Command]:
    """Every command, but one only talks."""

    async def talk(_ctx: Context) -> Message:
        return message

    found = dict(command.discover())
    return {**found, name: replace(found[name], run=talk, confirm=None)}


class Mute:
    """A console that does not take some of what it is to say."""

    threads = False
    pictures = False
    trouble = None
    heard = None

    def __init__(self, inner: ChatPlatform, refuses: Callable[[Message], bool]) -> None:
        self._inner = inner
        self._refuses = refuses

    @property
    def name(self) -> str:
        return self._inner.name

    async def start(self, handler: Handler) -> None:
        await self._inner.start(handler)

    async def stop(self) -> None:
        await self._inner.stop()

    async def send(
        self, message: Message, under: MessageRef | None = None, *, to: str | None = None, key: str = ""
    ) -> MessageRef:
        if self._refuses(message):
            raise TransportError("not today")
        return await self._inner.send(message, under, to=to, key=key)

    async def find(self, key: str, *, to: str | None = None, since: float) -> MessageRef | None:
        return await self._inner.find(key, to=to, since=since)

    async def edit(self, ref: MessageRef, message: Message) -> None:
        await self._inner.edit(ref, message)


def mute(refuses: Callable[[Message], bool]) -> Callable[[ChatPlatform], ChatPlatform]:
    """Put the mute console in place of the real one."""
    return lambda inner: Mute(inner, refuses)


MADE_UP = Table(("Strategy", "Net"), (("momentum", "+1.00"), ("total", "+1.00")))

SABOTAGE: dict[str, dict[str, Any]] = {
    "status": {"commands": says("status", Message("5 agents", "All is well."))},
    "page": {"around": mute(lambda message: message.tone is Tone.CRITICAL)},
    "acknowledgement": {"commands": says("ack", Message("Acknowledged by ana", tone=Tone.GOOD))},
    "runbook": {"commands": says("runbook", Message("Runbook", fields=(Field("Step 1", "Look."),)))},
    "pause": {"faults": ("lie",)},
    "pnl": {"commands": says("pnl", Message("Profit", tables=(MADE_UP,)))},
    "recovery": {"around": mute(lambda message: message.title.startswith("✅ momentum is back"))},
    "resume": {"commands": says("resume", Message("Resume?", buttons=(Button("Yes", "whoami"),)))},
}


if __name__ == "__main__":
    sys.exit(asyncio.run(tell(**SABOTAGE[sys.argv[1]], cast=CAST[:1], interval="200ms", patience=6.0)))
