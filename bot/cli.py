"""The command `nightdesk`: run, check, demo. Whatever a person can mend is one sentence on stderr and exit code 2."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.finishing import DEFAULT, TO_MEND, finish, read_settings
from bot.flags import (
    AsJson,
    FalsePages,
    Freqtrade,
    Incident,
    Interval,
    Level,
    Mapped,
    OfAgent,
    PasswordEnv,
    Past,
    Rate,
    RefusedPath,
    Set,
    SettingsPath,
    SkipBad,
    TimeUnit,
    Username,
)

cli = typer.Typer(
    name="nightdesk",
    help="The on-call desk for autonomous trading agents.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@cli.command()
def run(settings: SettingsPath = None, log_level: Level = "info") -> None:
    """Watch the fleet, page people, take their orders, until Ctrl-C or SIGTERM."""
    from bot.app import App, serve  # noqa: PLC0415 - `nightdesk --help` stays quick
    from bot.logs import configure  # noqa: PLC0415

    async def work() -> int:
        chosen = read_settings(settings)
        configure(level=log_level, secrets=chosen.secrets)
        return await serve(App(chosen))

    finish(work)


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
        chosen = read_settings(settings)
        configure(level="error", secrets=chosen.secrets)
        if show:
            typer.echo(masked(chosen))
        async with looking(chosen) as (fetch, reach):
            chats = [each for each in discover_platforms(chosen) if each.name != "console"] if send else None
            return await examine(chosen, fetch, reach, typer.echo, send=chats, wait=wait)

    finish(work)


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

    finish(work)


@cli.command()
def performance(
    file: Annotated[Path, typer.Argument(help="CSV with the columns time and equity, and flow if you like.")],
    as_json: AsJson = False,
) -> None:
    """Reckon Sharpe, drawdown and the rest of an equity curve in a file, each with its interval."""
    from bot.offline.performance import performance as reckon  # noqa: PLC0415

    async def work() -> int:
        typer.echo(reckon(file, json=as_json))
        return 0

    finish(work)


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
        chosen = read_settings(settings)
        said = layout(mapped or (), defaults or (), rate or (), time_unit)
        options = prepared(chosen, agent, Options(file, agent, said, skip_bad, dry_run, refused))
        return await store(options, lambda: open_store(chosen.database))

    finish(work)


@cli.command()
def pnl(
    what: Annotated[list[str] | None, typer.Argument(help="trades.csv and 7d; no file: what the desk stored.")] = None,
    by: Annotated[list[str] | None, typer.Option(help="strategy, asset, hour ... or two crossed.")] = None,
    agent: Annotated[str | None, typer.Option("--agent", "-a", help="Of what the desk stored: one agent.")] = None,
    period: Annotated[str | None, typer.Option(help="7d, or 2026-11-01..2026-12-01.")] = None,
    as_json: AsJson = False,
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
        store = await open_store(read_settings(settings).database)
        try:
            typer.echo(
                await offline.stored(store, split, now=time.time(), form=form, agent=agent, period=of, paper=paper)
            )
        finally:
            await store.close()
        return 0

    finish(work)


@cli.command()
def replay(
    past: Past = None,
    agent: OfAgent = None,
    false_pages: FalsePages = None,
    interval: Interval = None,
    incident: Incident = None,
    as_json: AsJson = False,
    freqtrade: Freqtrade = None,
    username: Username = "",
    password_env: PasswordEnv = "FREQTRADE_PASSWORD",  # noqa: S107 - its name
    settings: SettingsPath = None,
    mapped: Mapped = None,
    defaults: Set = None,
    rate: Rate = None,
    time_unit: TimeUnit = "s",
    skip_bad: SkipBad = False,
) -> None:
    """Tell which pages a desk would have sent over a past: of files, of a freqtrade bot, or of what a desk stored."""
    from bot.offline.importing import layout  # noqa: PLC0415
    from bot.offline.past import Bot, Options  # noqa: PLC0415
    from bot.offline.replay import run as tell  # noqa: PLC0415
    from monitor.storage import open_store  # noqa: PLC0415

    async def work() -> int:
        said = layout(mapped or (), defaults or (), rate or (), time_unit)
        options = Options(agent, false_pages, interval, incident or (), said, skip_bad, as_json)
        bot = None if freqtrade is None else Bot(freqtrade, username, password_env)
        chosen = None if settings is None else read_settings(settings)
        typer.echo(await tell(past or (), options, bot, chosen, lambda: read_settings(None), open_store))
        return 0

    finish(work)


@cli.command()
def demo(
    story: Annotated[
        bool, typer.Option("--story", help="Play one night without a person; exit 0 only if it held.")
    ] = False,
) -> None:
    """Start five living agents and a desk in this terminal; faults come by themselves."""
    from bot.demo.play import live  # noqa: PLC0415
    from bot.demo.story import tell  # noqa: PLC0415

    finish(tell if story else live)


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
