"""Ways to give an agent orders: one module is one kind, called like the module, found by discovery."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any, Protocol, cast

from pydantic import BaseModel

from monitor.ports import AgentControl


class Kind(Protocol):
    """What a module of this package holds."""

    Options: type[BaseModel]
    """Its settings, durations in seconds."""

    def build(self, options: Any) -> AgentControl:
        """Build the control of one agent."""


def discover() -> Mapping[str, Kind]:
    """Every kind of control by name; modules whose name begins with _ are parts of others."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    return {name: cast("Kind", importlib.import_module(f"{__name__}.{name}")) for name in names}
