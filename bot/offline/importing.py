"""Trades of a file are stored all or, where one of them makes no sense, none; storing them again changes nothing."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import typer

from bot.format import count, plain
from bot.offline.progress import bar
from bot.offline.refusals import Refusals
from bot.quantities import shown
from bot.settings import Settings
from monitor.currency import currency
from monitor.model import PAPER, Trade
from monitor.ports import StoredTrades
from monitor.trade_file import Looked, TradeFile, TradeFileError
from monitor.trade_rows import FIELDS, UNITS, Layout, number

TO_MEND = 2
"""Exit code for what the person who typed the command can mend."""


class TradeStore(Protocol):
    """Where trades are kept."""

    async def import_trades(self, batches: Iterable[Sequence[Trade]]) -> StoredTrades:
        """Store trades, all of them or none. Errors: StoreError."""

    async def close(self) -> None:
        """Let others have it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be imported, and how."""

    path: Path
    agent: str
    layout: Layout
    skip_bad: bool = False
    """Whether good rows are stored although others are refused."""
    dry_run: bool = False
    """Whether it only says what it would do."""
    refused: Path | None = None
    """Where every refused row is written down."""


def layout(
    columns: Sequence[str] = (),
    defaults: Sequence[str] = (),
    rates: Sequence[str] = (),
    time_unit: str = "s",
    money: str = "",
) -> Layout:
    """Read `--map size=qty`, `--set strategy=grid`, `--rate BNB=612.3` and `--time-unit ms`; `money`: its currency.

    Errors: TradeFileError.
    """
    if time_unit not in UNITS:
        raise TradeFileError(f"--time-unit {shown(time_unit)} is none: write {', '.join(UNITS)}.")
    worth: dict[str, Decimal] = {}
    for name, value in _pairs("--rate", rates, "BNB=612.3").items():
        try:
            worth[currency(name)] = number(value)
        except ValueError as error:
            raise TradeFileError(f"--rate {shown(f'{name}={value}')} {error}.") from None
    chosen = {"--map": _pairs("--map", columns, "size=qty"), "--set": _pairs("--set", defaults, "strategy=grid")}
    for option, pairs in chosen.items():
        unknown = next((each for each in pairs if each not in FIELDS), None)
        if unknown is not None:
            raise TradeFileError(f"{option} {shown(unknown)} is no field of a trade: there are {', '.join(FIELDS)}.")
    return Layout(chosen["--map"], chosen["--set"], worth, time_unit, money)


def _pairs(option: str, given: Sequence[str], example: str) -> dict[str, str]:
    pairs = [(name.strip(), value.strip()) for name, _, value in (each.partition("=") for each in given)]
    found = dict(pairs)
    if len(found) < len(pairs) or not all(name and value for name, value in pairs):
        raise TradeFileError(f"{option} takes a name and a value, each name once: for example {option} {example}.")
    return found


def prepared(settings: Settings, agent: str, options: Options) -> Options:
    """The options with what the settings say: whether there is such an agent, and whether it trades on paper.

    Errors: TradeFileError.
    """
    known = {each.id: each for each in settings.agents}
    if agent not in known:
        names = ", ".join(list(known)[:10]) or "none"
        raise TradeFileError(f"{shown(agent)} is no agent in the settings (there is {names}): add it there first.")
    defaults: Mapping[str, str] = options.layout.defaults
    if known[agent].labels.get("mode") == PAPER:
        defaults = {"paper": "true", **defaults}
    filled = replace(options.layout, defaults=defaults, currency=options.layout.currency or settings.currency)
    return replace(options, agent=agent, layout=filled)


@asynccontextmanager
async def _collected_by_batch() -> AsyncIterator[None]:
    """Garbage is searched for after each batch and not within one, which took an eighth of the time."""
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


@_collected_by_batch()
async def run(
    options: Options,
    open_store: Callable[[], Awaitable[TradeStore]],
    say: Callable[[str], None] = typer.echo,
    complain: Callable[[str], None] = lambda text: typer.echo(text, err=True),
) -> int:
    """Look through the whole file, then store its trades; returns the exit code. Errors: TradeFileError, StoreError."""
    file, name = TradeFile(options.path, options.agent, options.layout), options.path.name
    with Refusals(options.refused, options.path) as refusals, bar("Checking") as progress:
        looked = file.look(refusals, progress)
    if looked.refused:
        complain(f"{name}: {count(looked.refused, 'row')} refused:\n{refusals.report(looked.unit)}")
        if not options.skip_bad:
            complain("Nothing was imported: mend them, or import the other rows with --skip-bad.")
            return TO_MEND
    if looked.unread:
        say(f"Columns not read: {', '.join(plain(each, 40) for each in looked.unread[:20])}.")
    if options.dry_run or not looked.trades:
        say(f"{_found(looked, name)}: {'nothing was stored, as asked' if looked.trades else 'nothing to import'}.")
        return 0
    store = await open_store()
    try:
        with bar("Storing") as progress:
            kept = await store.import_trades(_ahead(file.batches(looked, progress)))
    finally:
        await store.close()
    say(f"{_found(looked, name)} for {options.agent}: {_kept(kept)}.")
    return 0


def _ahead(batches: Iterator[list[Trade]]) -> Iterator[list[Trade]]:
    """Batch after batch, the next of which is read while one is stored."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, batches, None)
        while batch := coming.result():
            coming = reader.submit(next, batches, None)
            yield batch
            gc.collect()


def _found(looked: Looked, name: str) -> str:
    doubled = f" ({count(looked.doubled, 'row')} said the same again)" if looked.doubled else ""
    return f"{count(looked.trades, 'trade')} in {name}{doubled}"


def _kept(kept: StoredTrades) -> str:
    parts = f"{kept.new:,} new, {kept.changed:,} changed, {kept.same:,} known"
    return parts if kept.new or kept.changed else f"{parts}; nothing changed"
