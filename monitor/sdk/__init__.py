"""What an agent embeds to be watched and paused: one Probe, a few lines."""

from __future__ import annotations

from monitor.sdk.probe import Probe
from monitor.sdk.server import OrderError

__all__ = ["OrderError", "Probe"]
