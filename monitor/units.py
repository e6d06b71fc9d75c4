"""A unit is a file: what the modules of a folder hold of one type, each under a name of its own."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import TypeVar

Unit = TypeVar("Unit")


def discovered(package: str, kind: type[Unit], name: Callable[[Unit], str]) -> dict[str, Unit]:
    """The objects of type `kind` that the modules of a package hold, by name, in the order of the modules' names.

    Errors: ValueError (two of one name).
    """
    found: dict[str, Unit] = {}
    folder = importlib.import_module(package).__path__
    for info in sorted(pkgutil.iter_modules(folder), key=lambda each: each.name):
        for each in vars(importlib.import_module(f"{package}.{info.name}")).values():
            if isinstance(each, kind):
                if name(each) in found:
                    what = package.rpartition(".")[2]
                    raise ValueError(f"two {what} are called {name(each)!r}; names are unique")
                found[name(each)] = each
    return found
