"""What the settings name becomes parts: platforms, sources and controls of the kinds that are found."""

from __future__ import annotations

import contextlib
import functools
import importlib
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from bot.chat import ChatPlatform
from bot.settings import Problem, Settings, Spec, explain
from monitor import controls, sources
from monitor.engine.clock import SteadyClock
from monitor.exchange import Exchanged
from monitor.model import Sample
from monitor.ports import AgentControl, AgentSource, ControlError


def discover_platforms(settings: Settings) -> list[ChatPlatform]:
    """Every platform that is set up: a module of bot/platforms builds one, several or none. Errors: SettingsError."""
    package = importlib.import_module("bot.platforms")
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_"))
    built = [importlib.import_module(f"bot.platforms.{name}").build(settings) for name in names]
    several = (each if isinstance(each, tuple) else (each,) for each in built)
    return [platform for each in several for platform in each if platform is not None]


VENUE_WITHIN = 3.0
"""Seconds a venue has to answer."""

AnyKind = TypeVar("AnyKind", sources.Kind, controls.Kind)


def chosen(settings: Settings, spec: Spec, kinds: Mapping[str, AnyKind]) -> tuple[AnyKind, BaseModel]:
    """The kind of a source or control and its options, judged by it. Errors: SettingsError."""
    kind = kinds.get(spec.kind)
    if kind is None:
        sentence = f'there is no kind "{spec.kind}": there is {", ".join(kinds)}.'
        raise settings.error([Problem((*spec.path, "kind"), sentence)])
    try:
        return kind, kind.Options.model_validate(spec.options)
    except ValidationError as error:
        raise settings.error(explain(error, kind.Options, spec.path)) from None


def built_controls(settings: Settings) -> Iterator[tuple[str, Sequence[AgentControl]]]:
    """The controls of every agent, in the order in which they are tried. Errors: SettingsError."""
    kinds = controls.discover()
    for each in settings.fleet:
        found = [chosen(settings, spec, kinds) for spec in each.controls]
        yield each.agent.id, tuple(kind.build(options) for kind, options in found)


def built_sources(
    settings: Settings, found: Mapping[str, tuple[Any, Any]], means: sources.Means
) -> dict[str, AgentSource]:
    """The source of each agent, in the desk's currency; `found`: the kind and the options of each."""
    built: dict[str, AgentSource] = {name: kind.build(options, means) for name, (kind, options) in found.items()}
    foreign = ((each.agent.id, each.rate) for each in settings.fleet if each.rate is not None)
    return built | {name: Exchanged(built[name], rate) for name, rate in foreign}


@contextlib.asynccontextmanager
async def looking(
    settings: Settings,
) -> AsyncIterator[tuple[Callable[[str], Awaitable[Sample]], Callable[[str], Awaitable[str | None]]]]:
    """Give two functions: one looks once at an agent, by id; one says why an order would not get to it, or None.

    Errors: SettingsError.
    """
    kinds, agents = sources.discover(), {each.id: each for each in settings.agents}
    found = {each.agent.id: chosen(settings, each.source, kinds) for each in settings.fleet}
    async with sources.fleet_session(60.0) as session:
        means = sources.Means(session, SteadyClock())
        built = built_sources(settings, found, means)

        async def fetch(name: str) -> Sample:
            try:
                return (await built[name].fetch(agents[name], None)).sample
            finally:
                await built[name].close()

        orders = dict(built_controls(settings))

        async def reach(name: str) -> str | None:
            for each in orders[name]:
                try:
                    await each.reach(agents[name])
                except ControlError as error:
                    return f"{each.kind} {error}" if len(orders[name]) > 1 else str(error)
            return None

        yield fetch, reach


def venues(settings: Settings) -> Mapping[str, Callable[[], Awaitable[str | None]]]:
    """For each agent with the address of its venue, what tells why that does not answer, or None while it does."""
    return {each.id: functools.partial(_asked, each.venue_url) for each in settings.agents if each.venue_url}


async def _asked(url: str) -> str | None:
    """Why an address does not answer below 500, in a few words."""
    try:
        async with httpx.AsyncClient(timeout=VENUE_WITHIN) as client, client.stream("GET", url) as response:
            status = response.status_code
    except httpx.HTTPError:
        return "its venue does not answer"
    return None if status < 500 else f"its venue answers HTTP {status}"  # noqa: PLR2004 -- the venue's own faults
