"""What several commands take behind their names, as typer reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SettingsPath = Annotated[
    Path | None,
    typer.Option("--settings", "-s", help="Settings file [default: nightdesk.toml, else one agent from AGENT_ID ...]"),
]
Level = Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")]
AsJson = Annotated[bool, typer.Option("--json")]

Mapped = Annotated[list[str] | None, typer.Option("--map", help="size=qty: a field and its column; again for more.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="strategy=grid: where a row says nothing; or more.")]
Rate = Annotated[list[str] | None, typer.Option("--rate", help="BNB=612.3: what a currency of fees is worth.")]
TimeUnit = Annotated[str, typer.Option("--time-unit", help="s, ms, us or ns, of a trade's times that are numbers.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave rows out that are refused.")]
RefusedPath = Annotated[Path | None, typer.Option("--refused", help="File to write every refused row to.")]

Past = Annotated[
    list[str] | None,
    typer.Argument(help="equity.csv, and trades.csv if you have it; or 30d of what the desk stored."),
]
OfAgent = Annotated[str | None, typer.Option("--agent", "-a", help="Whose past it is; of several, only that one.")]
FalsePages = Annotated[
    str | None,
    typer.Option(
        "--false-pages",
        help='"1 per month", or none: what each agent is allowed [default: as in the settings, else 1 per week].',
    ),
]
Interval = Annotated[str | None, typer.Option("--interval", help="30s: between two polls [default: as in the file].")]
Incident = Annotated[
    list[str] | None, typer.Option("--incident", help="2026-03-02T04:10Z: which budget catches it; again for more.")
]
Freqtrade = Annotated[str | None, typer.Option("--freqtrade", help="http://127.0.0.1:8080: a bot's closed trades.")]
Username = Annotated[str, typer.Option("--username", help="With --freqtrade: of its api_server.")]
PasswordEnv = Annotated[str, typer.Option("--password-env", help="Variable that holds the password for it.")]
