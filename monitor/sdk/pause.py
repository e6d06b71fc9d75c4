"""A pause outlives the agent: it is on disk before it is confirmed, and a file nobody can read means paused."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from monitor.sdk.numbers import finite

FILE_LIMIT = 16_384


@dataclass(frozen=True, slots=True)
class Pause:
    """Whether the agent is to hold still, by whose word, and since when (seconds since the epoch)."""

    paused: bool = False
    by: str = ""
    reason: str = ""
    since: float | None = None


def read_pause(path: Path) -> Pause:
    """What the state file says: no file is running, a file that makes no sense is paused, with the reason."""
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_LIMIT + 1)
        if len(raw) > FILE_LIMIT:
            return _unreadable(path, "it is too long")
        said = json.loads(raw)
    except FileNotFoundError:
        return Pause()
    except OSError as error:
        return _unreadable(path, error.strerror or type(error).__name__)
    except (ValueError, RecursionError):
        return _unreadable(path, "it is not JSON")
    if not isinstance(said, dict) or not isinstance(said.get("paused"), bool):
        return _unreadable(path, "it does not say whether the agent is paused")
    words = (said.get("by"), said.get("reason"))
    by, reason = (word if isinstance(word, str) else "" for word in words)
    return Pause(said["paused"], by, reason, finite(said.get("since")))


def write_pause(path: Path, pause: Pause) -> None:
    """Replace the state file in one step; it is on disk when this returns. Errors: OSError, and the old one stays."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(pause), file, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _unreadable(path: Path, why: str) -> Pause:
    return Pause(
        paused=True,
        by="state file",
        reason=f"the pause file {path.name} cannot be trusted ({why}), so the agent is paused until it is resumed",
    )
