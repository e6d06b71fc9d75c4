"""What an agent embeds to be watched and paused: one Probe, a few lines."""

from __future__ import annotations

from monitor.sdk.position import OpenPosition
from monitor.sdk.probe import Probe
from monitor.sdk.server import OrderError

__all__ = ["OpenPosition", "OrderError", "Probe"]
