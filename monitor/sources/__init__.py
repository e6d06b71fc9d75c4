"""Ways to read an agent: one module is one kind, called like the module, found by discovery."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import aiohttp
from pydantic import BaseModel

from monitor.ports import AgentSource, Clock


@dataclass(frozen=True, slots=True)
class Means:
    """What every source is built with."""

    session: aiohttp.ClientSession = field(repr=False)
    """The one session of the whole fleet."""
    clock: Clock
    stir: Callable[[str], None] = lambda _agent: None
    """Says that an agent, by id, is worth a look at once."""


class Kind(Protocol):
    """What a module of this package holds."""

    Options: type[BaseModel]
    """Its settings, durations in seconds."""

    def build(self, options: Any, means: Means) -> AgentSource:
        """Build the source of one agent."""


def discover() -> Mapping[str, Kind]:
    """Every kind of source by name; modules whose name begins with _ are parts of others."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    return {name: cast("Kind", importlib.import_module(f"{__name__}.{name}")) for name in names}


def fleet_session(interval: float) -> aiohttp.ClientSession:
    """Open the session that all sources share, within a running loop; `interval` is the longest between two polls.

    Connections live longer than the interval, no cookie is kept, nothing is unpacked, no proxy of the environment is
    used. It sets no time-out: each source bounds the whole of its look.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=3 * interval),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        headers={"Accept-Encoding": "identity", "User-Agent": "nightdesk"},
        auto_decompress=False,
        trust_env=False,
        max_line_size=8190,
        max_field_size=8190,
        max_headers=100,
    )
