"""A command runs to its end: whatever a person can mend is one sentence on stderr and exit code 2."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bot.settings import Settings

DEFAULT = Path("nightdesk.toml")
TO_MEND = 2
"""Exit code for what the person who typed the command can mend."""


def read_settings(path: Path | None) -> Settings:
    """The settings of a file, else of nightdesk.toml, else of the environment. Errors: SettingsError."""
    from bot.settings import envfile, load  # noqa: PLC0415

    file = path or (DEFAULT if DEFAULT.exists() else None)
    beside = envfile.read(file.with_name(envfile.NAME)) if file is not None else {}
    return load(file, {**beside, **os.environ})


def finish(work: Callable[[], Coroutine[object, object, int]]) -> None:
    """Run to the end and exit with its code; a mendable error is its sentence."""
    from bot.demo.processes import DemoError  # noqa: PLC0415
    from bot.offline.past import ReplayError  # noqa: PLC0415
    from bot.settings import SettingsError  # noqa: PLC0415
    from bot.setup.asking import SetupError  # noqa: PLC0415
    from monitor.alerts.runbooks import RunbookError  # noqa: PLC0415
    from monitor.curve_file import CurveFileError  # noqa: PLC0415
    from monitor.ports import StoreError  # noqa: PLC0415
    from monitor.sources._freqtrade_history import HistoryError  # noqa: PLC0415
    from monitor.text_file import TradeFileError  # noqa: PLC0415

    told = (SettingsError, SetupError, RunbookError, StoreError, DemoError, CurveFileError, TradeFileError)
    try:
        code = asyncio.run(work())
    except (*told, ReplayError, HistoryError) as error:
        typer.echo(f"nightdesk: {error}", err=True)
        code = TO_MEND
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    raise typer.Exit(code)
