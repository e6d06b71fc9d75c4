"""One desk for one database: a lock that the operating system gives back however its holder ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.ports import StoreError


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Hold `<database>.lock`, with our pid inside. Errors: StoreError (held by another desk, folder not writable).

    The file stays behind, empty: removing it would let two desks lock two different files of the same name.
    """
    file = _open(database)
    try:
        _take(file, database)
        yield
        os.ftruncate(file, 0)
    finally:
        os.close(file)


def holder(database: Path) -> int | None:
    """The pid of the desk that holds the lock now; None while nobody does, or nobody can tell."""
    try:
        file = os.open(f"{database}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        pid = os.read(file, 20).decode(errors="replace").strip()
        if pid.isdecimal():  # whoever ended well has taken it out, and is not asked for
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(pid)
    except OSError:
        pass
    finally:
        os.close(file)
    return None


def _open(database: Path) -> int:
    try:
        return os.open(f"{database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except FileNotFoundError:
        raise StoreError(f"The folder {database.parent} of the database does not exist: create it first.") from None
    except OSError as error:
        raise StoreError(
            f"The lock {database}.lock cannot be written ({error.strerror}): "
            "give the desk a database in a folder it may write to."
        ) from None


def _take(file: int, database: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.read(file, 20).decode(errors="replace").strip()
        whose = f" (pid {pid})" if pid.isdecimal() else ""
        raise StoreError(
            f"Another Nightdesk{whose} already uses {database.name}: stop it first, or give this one its own database."
        ) from None
    except OSError as error:
        raise StoreError(
            f"The lock {database}.lock cannot be taken ({error.strerror}): keep the database on a local disk."
        ) from None
    os.ftruncate(file, 0)
    os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
