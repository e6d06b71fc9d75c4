"""How every test runs: properties try as much as a fast suite can bear, on a machine that may be busy."""

from __future__ import annotations

import gc

from hypothesis import HealthCheck, settings

settings.register_profile("suite", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

gc.disable()  # what is loaded while tests are found is no garbage: to search it takes a third of that time


def pytest_collection_finish() -> None:
    """Search from here on, and only what the tests make."""
    gc.freeze()
    gc.enable()
