"""A CancelledError ends the task that was told to end; in any other it is a fault of what that task called."""

from __future__ import annotations

import asyncio


def told_to_end() -> bool:
    """Whether the task that runs was itself cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
