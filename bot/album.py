"""Pictures that a chat cannot show lie as files in a directory of their own: the newest ones."""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from dataclasses import replace
from pathlib import Path

from bot.chat import Field, Message, Picture, without_picture

MOST = 20
"""Pictures that are kept."""


class Album:
    """Keeps pictures under the system's directory for passing files; only who runs the desk can read them."""

    def __init__(self) -> None:
        self._kept: list[Path] = []
        self._where: Path | None = None

    async def told(self, message: Message) -> Message:
        """A message with what its picture shows and where it lies in place of the picture itself."""
        if message.picture is None:
            return message
        try:
            where = await asyncio.to_thread(self._keep, message.picture)
        except OSError as error:
            return without_picture(message, f"it could not be written ({error.strerror or type(error).__name__})")
        fields = (*message.fields, Field("Picture", message.picture.alt), Field("File", str(where)))
        return replace(message, fields=fields, picture=None)

    def _keep(self, picture: Picture) -> Path:
        if self._where is None or not self._where.is_dir():
            self._where = Path(tempfile.mkdtemp(prefix="nightdesk-"))
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", picture.name).lstrip(".-")[:80] or "picture.png"
        path = self._where / f"{len(self._kept) + 1:03d}-{name}"
        path.write_bytes(picture.png)
        self._kept.append(path)
        if len(self._kept) > MOST:
            with contextlib.suppress(OSError):
                self._kept[-MOST - 1].unlink()
        return path
