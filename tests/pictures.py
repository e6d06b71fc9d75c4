"""Made-up pictures, the same every time: `python -m tests.pictures docs` writes those that the documents show."""

from __future__ import annotations

import sys
from datetime import UTC
from pathlib import Path as File

import numpy as np

from bot.charts.drawing import draw
from bot.charts.paths import below_peak, indexed
from bot.charts.values import Bars, Compared, Equity, Floats, Frame, Heat, Judged, Path, Shown, Span, Window
from bot.chat import Tone

UNTIL = 1_764_072_180.0
"""2025-11-25 12:03:00 UTC."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def walk(seed: int, steps: int = 20_160, every: float = 30.0, drift: float = 0.0, shake: float = 3e-4) -> Path:
    """A week of a random walk from 10,000, in steps of 30 s."""
    random = np.random.default_rng(seed)
    moves = random.standard_t(4, steps - 1) * shake + drift / steps
    values: Floats = 10_000 * np.exp(np.concatenate(([0.0], np.cumsum(moves))))
    return Path("alpha", UNTIL - every * np.arange(steps - 1, -1, -1, dtype=np.float64), values, 3 * every)


def an_equity(seed: int = 7) -> Equity:
    """A week that goes well until it does not, with two hours of silence in it."""
    path = walk(seed, drift=0.06)
    fall = np.clip((path.times - UNTIL + 86_400 * 1.6) / (86_400 * 0.9), 0, 1)
    back = np.clip((path.times - UNTIL + 86_400 * 0.5) / (86_400 * 0.5), 0, 1)
    values = path.values * (1 - 0.19 * fall + 0.07 * back)
    values = values + 500.0 * (path.times > UNTIL - 86_400 * 5.6)
    silent = (path.times > UNTIL - 86_400 * 4.3) & (path.times < UNTIL - 86_400 * 4.0)
    values = np.where(silent, np.nan, values)
    flows = ((UNTIL - 86_400 * 5.6 + 15.0, 500.0),)
    index = indexed(path.times, values, flows)
    drawdown = below_peak(index, values)
    over = path.times[drawdown > 0.15]
    spans = (
        Span("agent unreachable", UNTIL - 86_400 * 4.3, UNTIL - 86_400 * 4.0, critical=True),
        Span("drawdown", float(over[0]), float(over[-1]), critical=True),
        Span("stale feed", UNTIL - 86_400 * 2.2, UNTIL - 86_400 * 2.1),
        Span("stale feed", UNTIL - 86_400 * 1.0, UNTIL - 86_400 * 0.95),
    )
    last = float(values[-1])
    deepest = float(np.nanmax(drawdown))
    return Equity(
        Frame(
            "alpha",
            "7 d to 25 Nov 12:03 UTC",
            f"{last:,.0f} USD",
            f"{100 * (index[-1] - 1):+.1f}%, drawdown to {100 * deepest:.1f}%",
            Tone.CRITICAL,
        ),
        Window(UNTIL - 7 * 86_400, UNTIL, UTC),
        "USD",
        Path("alpha", path.times, values, 90.0),
        Path("alpha", path.times, drawdown, 90.0),
        0.15,
        spans,
        flows,
    )


def a_judged(seed: int = 5) -> Judged:
    """Two hours that end with a sudden loss, a minute ago."""
    path = walk(seed, steps=240)
    values = path.values * np.where(path.times > UNTIL - 90.0, 0.968, 1.0)
    values[60:90] = np.nan
    frame = Frame(
        "alpha · Sudden loss", "25 Nov 12:02 UTC", "-3.2%", "typical ±0.03%, by chance once in 12 d", Tone.WARN
    )
    return Judged(
        frame,
        Window(UNTIL - 7_200.0, UNTIL, UTC),
        "USD",
        Path("alpha", path.times, values, 90.0),
        Path("alpha", path.times[1:], values[1:] / values[:-1] - 1.0, 90.0),
        UNTIL - 90.0,
        UNTIL - 60.0,
        3e-4,
    )


def some_compared() -> Compared:
    """Four agents in a week."""
    paths = []
    for seed, name in enumerate(("alpha", "beta", "grid-eth", "carry with a rather long name")):
        path = walk(seed + 20, drift=0.05 - 0.03 * seed)
        paths.append(Path(name, path.times, path.values / 100, 90.0))
    return Compared(Frame("4 agents", "7 d to 25 Nov 12:03 UTC"), Window(UNTIL - 7 * 86_400, UNTIL, UTC), paths)


def some_bars() -> Bars:
    """Seven strategies in a week."""
    bars = (
        ("trend", 1_240.5),
        ("carry", 310.0),
        ("breakout", 128.4),
        ("market making", 42.1),
        ("funding", -15.3),
        ("mean reversion", -220.9),
        ("news", -481.7),
    )
    total = sum(each for _, each in bars)
    frame = Frame(
        "P&L by strategy", "all agents, 7 d to 25 Nov 12:03 UTC", f"+{total:,.0f} USD", "net of all costs", Tone.GOOD
    )
    return Bars(frame, "USD", bars)


def a_heat(seed: int = 3) -> Heat:
    """A month of trades by hour of entry."""
    random = np.random.default_rng(seed)
    values = random.normal(2, 25, (7, 24)) + 30 * np.sin(np.arange(24) / 24 * 2 * np.pi)[None, :]
    values[random.random((7, 24)) < 0.15] = np.nan
    total = float(np.nansum(values))
    frame = Frame("P&L by hour", "all agents, 30 d", f"+{total:,.0f} USD", "best Mon 09, worst Fri 20", Tone.GOOD)
    return Heat(frame, "USD", DAYS, [f"{hour:02d}" for hour in range(24)], values, "hour of entry, UTC")


if __name__ == "__main__":
    where = File(sys.argv[1])
    made: dict[str, Shown] = {
        "equity": an_equity(),
        "pnl": some_bars(),
        "compared": some_compared(),
        "hours": a_heat(),
        "judged": a_judged(),
    }
    for name in sys.argv[2:] or ("equity", "pnl"):
        data = draw(made[name])
        (where / f"{name}.png").write_bytes(data)
        print(f"{name}.png: {len(data) / 1_000:.0f} kB")  # noqa: T201 -- what it made
