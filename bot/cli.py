"""The command `nightdesk`: run, check, demo. Whatever a person can mend is one sentence on stderr and exit code 2."""

from __future__ import annotations

import asyncio
import functools
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bot.settings import Settings

cli = typer.Typer(
    name="nightdesk",
    help="The on-call desk for autonomous trading agents.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

DEFAULT = Path("nightdesk.toml")
TO_MEND = 2
"""Exit code for what the person who typed the command can mend."""

SettingsPath = Annotated[
    Path | None,
    typer.Option("--settings", "-s", help="Settings file [default: nightdesk.toml, else one agent from AGENT_ID ...]"),
]
Level = Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")]


@cli.command()
def run(settings: SettingsPath = None, log_level: Level = "info") -> None:
    """Watch the fleet, page people, take their orders, until Ctrl-C or SIGTERM."""
    from bot.app import App, serve  # noqa: PLC0415 - `nightdesk --help` stays quick
    from bot.logs import configure  # noqa: PLC0415

    async def work() -> int:
        chosen = _settings(settings)
        configure(level=log_level, secrets=chosen.secrets)
        return await serve(App(chosen))

    _finish(work)


@cli.command()
def check(
    settings: SettingsPath = None,
    show: Annotated[bool, typer.Option("--show", help="Print the settings too, secrets masked.")] = False,
    send: Annotated[bool, typer.Option("--send", help="Send a test page with a button to every chat too.")] = False,
    wait: Annotated[float, typer.Option(min=0, max=3600, help="With --send: seconds to wait for its press.")] = 60.0,
) -> None:
    """Check settings, people, database, runbooks, every chat and agent: one line each, with what to do."""
    from bot.check import check as examine  # noqa: PLC0415
    from bot.logs import configure  # noqa: PLC0415
    from bot.settings import masked  # noqa: PLC0415
    from bot.wiring import discover_platforms, looking  # noqa: PLC0415

    async def work() -> int:
        chosen = _settings(settings)
        configure(level="error", secrets=chosen.secrets)
        if show:
            typer.echo(masked(chosen))
        async with looking(chosen) as (fetch, reach):
            chats = [each for each in discover_platforms(chosen) if each.name != "console"] if send else None
            return await examine(chosen, fetch, reach, typer.echo, send=chats, wait=wait)

    _finish(work)


@cli.command()
def init(
    settings: Annotated[Path, typer.Option("--settings", "-s", help="File to write.")] = DEFAULT,
    telegram: Annotated[bool | None, typer.Option("--telegram/--no-telegram", help="Page in Telegram.")] = None,
    slack: Annotated[bool | None, typer.Option("--slack/--no-slack", help="Page in Slack.")] = None,
    telegram_chat: Annotated[str | None, typer.Option(help="Id of the chat that is paged; found by itself.")] = None,
    slack_channel: Annotated[str | None, typer.Option(help="Id of the channel that is paged; found by itself.")] = None,
    person: Annotated[
        list[str] | None, typer.Option(help="ana:admin:telegram=1001:slack=U0ANA; again for more")
    ] = None,
    agent: Annotated[list[str] | None, typer.Option(help="alpha=http://127.0.0.1:9001; again for more")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: what no flag says is one sentence.")] = False,
    test: Annotated[bool, typer.Option(help="Send a test page and wait for its press.")] = True,
    wait: Annotated[float, typer.Option(min=1, max=3600, help="Seconds to wait for that.")] = 120.0,
    telegram_base_url: Annotated[str, typer.Option(hidden=True)] = "https://api.telegram.org/bot",
    slack_base_url: Annotated[str, typer.Option(hidden=True)] = "https://slack.com/api/",
) -> None:
    """Set a desk up, step by step: tokens, chats and people found by themselves, the first agents, a test page."""
    from bot.logs import configure  # noqa: PLC0415
    from bot.setup.asking import Console  # noqa: PLC0415
    from bot.setup.options import Options  # noqa: PLC0415
    from bot.setup.wizard import run as setup  # noqa: PLC0415

    options = Options(
        file=settings,
        telegram=telegram,
        slack=slack,
        telegram_chat=telegram_chat,
        slack_channel=slack_channel,
        people=person or [],
        agents=agent or [],
        telegram_url=telegram_base_url,
        slack_url=slack_base_url,
        test=test,
        wait=wait,
    )

    async def work() -> int:
        hide = functools.partial(configure, "error")
        hide(())
        return await setup(options, Console(interactive=sys.stdin.isatty() and not yes), os.environ, hide)

    _finish(work)


@cli.command()
def performance(
    file: Annotated[Path, typer.Argument(help="CSV with the columns time and equity, and flow if you like.")],
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Reckon Sharpe, drawdown and the rest of an equity curve in a file, each with its interval."""
    from bot.offline.performance import performance as reckon  # noqa: PLC0415

    async def work() -> int:
        typer.echo(reckon(file, json=as_json))
        return 0

    _finish(work)


Mapped = Annotated[list[str] | None, typer.Option("--map", help="size=qty: a field and its column; again for more.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="strategy=grid: where a row says nothing; or more.")]
Rate = Annotated[list[str] | None, typer.Option("--rate", help="BNB=612.3: what a currency of fees is worth.")]
TimeUnit = Annotated[str, typer.Option("--time-unit", help="s, ms, us or ns, of times that are numbers.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave rows out that are refused.")]
RefusedPath = Annotated[Path | None, typer.Option("--refused", help="File to write every refused row to.")]


@cli.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Closed trades as CSV, JSON or parquet.")],
    agent: Annotated[str, typer.Option("--agent", "-a", help="Whose trades they are.")],
    settings: SettingsPath = None,
    mapped: Mapped = None,
    defaults: Set = None,
    rate: Rate = None,
    time_unit: TimeUnit = "s",
    skip_bad: SkipBad = False,
    refused: RefusedPath = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look through the file, store nothing.")] = False,
) -> None:
    """Store the closed trades of a file: all of them or none, once, however often it is imported."""
    from bot.offline.importing import Options, layout, prepared  # noqa: PLC0415
    from bot.offline.importing import run as store  # noqa: PLC0415
    from monitor.storage import open_store  # noqa: PLC0415

    async def work() -> int:
        chosen = _settings(settings)
        said = layout(mapped or (), defaults or (), rate or (), time_unit)
        options = prepared(chosen, agent, Options(file, agent, said, skip_bad, dry_run, refused))
        return await store(options, lambda: open_store(chosen.database))

    _finish(work)


@cli.command()
def pnl(
    what: Annotated[list[str] | None, typer.Argument(help="trades.csv and 7d; no file: what the desk stored.")] = None,
    by: Annotated[list[str] | None, typer.Option(help="strategy, asset, hour ... or two crossed.")] = None,
    agent: Annotated[str | None, typer.Option("--agent", "-a", help="Of what the desk stored: one agent.")] = None,
    period: Annotated[str | None, typer.Option(help="7d, or 2026-11-01..2026-12-01.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    as_csv: Annotated[bool, typer.Option("--csv")] = False,
    paper: Annotated[bool, typer.Option("--paper", help="Trades without money.")] = False,
    settings: SettingsPath = None,
    mapped: Mapped = None,
    defaults: Set = None,
    rate: Rate = None,
    time_unit: TimeUnit = "s",
    skip_bad: SkipBad = False,
    refused: RefusedPath = None,
) -> None:
    """Split profit and loss of a file's trades, or of those the desk has stored."""
    import time  # noqa: PLC0415

    from bot.offline import pnl as offline  # noqa: PLC0415
    from bot.offline.importing import layout  # noqa: PLC0415
    from monitor.storage import open_store  # noqa: PLC0415

    form: offline.Form = "json" if as_json else "csv" if as_csv else "table"

    async def work() -> int:
        file, told = offline.words(what or ())
        split, of = by or ("strategy",), period or told
        if file is not None:
            said = layout(mapped or (), defaults or (), rate or (), time_unit)
            told_all = offline.pnl(
                file, split, form=form, layout=said, period=of, paper=paper, skip_bad=skip_bad, refused=refused
            )
            typer.echo(told_all)
            return 0
        store = await open_store(_settings(settings).database)
        try:
            typer.echo(
                await offline.stored(store, split, now=time.time(), form=form, agent=agent, period=of, paper=paper)
            )
        finally:
            await store.close()
        return 0

    _finish(work)


@cli.command()
def demo(
    story: Annotated[
        bool, typer.Option("--story", help="Play one night without a person; exit 0 only if it held.")
    ] = False,
) -> None:
    """Start five living agents and a desk in this terminal; faults come by themselves."""
    from bot.demo.play import live  # noqa: PLC0415
    from bot.demo.story import tell  # noqa: PLC0415

    _finish(tell if story else live)


export = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Print what other programs need.")
cli.add_typer(export, name="export")


@export.callback()
def _export() -> None:
    """Print what other programs need."""


@export.command("slack-manifest")
def slack_manifest(
    mode: Annotated[str, typer.Option(help="socket, http or webhook, as in [slack].")] = "socket",
    url: Annotated[str | None, typer.Option(help="In http mode: where Slack reaches /slack/events, by https.")] = None,
    name: Annotated[str, typer.Option(help="What the app is called.")] = "nightdesk",
) -> None:
    """Print the manifest of the Slack app: paste it at api.slack.com/apps, Create New App, From a manifest."""
    import yaml  # noqa: PLC0415

    from bot.platforms.slack.manifest import manifest  # noqa: PLC0415

    try:
        made = manifest(name, mode, url)
    except ValueError as error:
        typer.echo(f"nightdesk: {error}", err=True)
        raise typer.Exit(TO_MEND) from None
    typer.echo(yaml.safe_dump(made, sort_keys=False, allow_unicode=True), nl=False)


def main() -> None:
    """Entry point of the console script."""
    cli()


def _settings(path: Path | None) -> Settings:
    from bot.settings import envfile, load  # noqa: PLC0415

    file = path or (DEFAULT if DEFAULT.exists() else None)
    beside = envfile.read(file.with_name(envfile.NAME)) if file is not None else {}
    return load(file, {**beside, **os.environ})


def _finish(work: Callable[[], Coroutine[object, object, int]]) -> None:
    """Run to the end and exit with its code; a mendable error is its sentence."""
    from bot.demo.processes import DemoError  # noqa: PLC0415
    from bot.settings import SettingsError  # noqa: PLC0415
    from bot.setup.asking import SetupError  # noqa: PLC0415
    from monitor.alerts.runbooks import RunbookError  # noqa: PLC0415
    from monitor.curve_file import CurveFileError  # noqa: PLC0415
    from monitor.ports import StoreError  # noqa: PLC0415
    from monitor.text_file import TradeFileError  # noqa: PLC0415

    try:
        code = asyncio.run(work())
    except (SettingsError, SetupError, RunbookError, StoreError, DemoError, CurveFileError, TradeFileError) as error:
        typer.echo(f"nightdesk: {error}", err=True)
        code = TO_MEND
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    raise typer.Exit(code)
