"""How far something has come is shown on stderr, where somebody may see it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


@contextmanager
def bar(what: str, *, shown: bool = True) -> Iterator[Callable[[float], None]]:
    """A bar on stderr, if that is a terminal and it is to be `shown`; gives what is told how much is done, 0..1."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    hidden = not shown or not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden) as drawn:
        step, task = drawn.add_task(what, total=1.0), asyncio.current_task()

        def told(done: float) -> None:
            drawn.update(step, completed=done)
            if task is not None and task.cancelling():  # Ctrl-C, which is heard only where something is awaited
                raise asyncio.CancelledError

        yield told
