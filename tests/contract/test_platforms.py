"""Every platform keeps these promises, whatever it looks like."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import AsyncIterator
from typing import BinaryIO, Protocol

import pytest

from bot.chat import Button, ChatPlatform, Field, Invocation, Message, MessageRef, Reply, Table, TransportError
from bot.platforms.console import Console
from bot.platforms.memory import Memory


class Desk:
    """A platform, a way to speak into it, and a way to read what it showed."""

    def __init__(self, platform: ChatPlatform) -> None:
        self.platform = platform
        self.heard: list[Invocation] = []

    async def handler(self, invocation: Invocation, reply: Reply) -> None:
        self.heard.append(invocation)
        await reply(Message(f"heard {invocation.line}"))


class Chat(Protocol):
    desk: Desk

    async def type(self, line: str) -> None: ...

    def shown(self) -> str: ...


class MemoryChat:
    def __init__(self) -> None:
        self.memory = Memory()
        self.desk = Desk(self.memory)

    async def type(self, line: str) -> None:
        await self.memory.give(line)

    def shown(self) -> str:
        messages = [*(message for _, message in (*self.memory.sent, *self.memory.edits)), *self.memory.replies]
        return "\n".join(text for message in messages for text in _texts(message))


class ConsoleChat:
    def __init__(self, out: BinaryIO, into: int, read: BinaryIO) -> None:
        self.desk = Desk(Console("ana", read, out))
        self._out = out
        self._into = into

    async def type(self, line: str) -> None:
        os.write(self._into, f"{line}\n".encode())
        await settled(self)

    def shown(self) -> str:
        with open(self._out.name, encoding="utf-8") as file:
            return file.read()


async def settled(chat: ConsoleChat) -> None:
    """Wait until the newest line was heard and answered."""
    import asyncio

    async with asyncio.timeout(5):
        while not chat.desk.heard or f"heard {chat.desk.heard[-1].line}" not in chat.shown():
            await asyncio.sleep(0.005)


def _texts(message: Message) -> list[str]:
    return [
        message.title,
        message.text,
        *(f"{field.label} {field.value}" for field in message.fields),
        *(cell for table in message.tables for row in (table.columns, *table.rows) for cell in row),
        *(button.label for button in message.buttons),
        message.footer,
    ]
