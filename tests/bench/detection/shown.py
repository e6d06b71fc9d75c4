"""The pages that a demo strategy over real candles would have made, and the picture below each of them.

`python -m tests.bench.detection.shown candles.csv.gz folder` writes equity.csv, trades.csv, pages.txt and the pictures.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bot.charts.drawing import draw
from bot.offline.past import Options, of_files
from bot.views.alarm import alarm as picture
from monitor import rule
from monitor.alerts.alert import Alert
from monitor.alerts.plan import Plan
from monitor.answers import Alarmed
from monitor.detection import Baseline, histories
from monitor.detector import Alarm
from monitor.model import Agent
from monitor.outcome import Page
from monitor.past import History
from monitor.replay import replay
from monitor.steps import steps_of
from tests.bench.detection import candles

AGENT = Agent("demo", interval=60.0, false_pages=1.0)
BEFORE = 7_200.0
"""Seconds shown before what was judged."""
AFTER = 60.0


def judged(history: History, alert: Alert) -> Alarm | None:
    """What a detector found when an alert opened."""
    known = list(zip(history.times.tolist(), history.equity.tolist(), strict=True))
    found = histories([AGENT], [Baseline()], [steps_of([each for each in known if each[0] <= alert.opened], ())])
    return next((each for each in found[0][1] if (each.detector, each.told) == (alert.rule, alert.opened)), None)


def drawn(history: History, page: Page) -> bytes | None:
    """The picture of a page; None of one that is not statistical."""
    (alert, *_) = page.alerts
    of = judged(history, alert)
    if of is None:
        return None
    first = of.since - max(BEFORE, of.time - of.since)
    around = [
        (time, equity)
        for time, equity in zip(history.times.tolist(), history.equity.tolist(), strict=True)
        if first <= time <= alert.opened + AFTER
    ]
    told = Alarmed(alert, 0, of.since, of.time, of.value, of.typical, of.n, of.every, tuple(around), ())
    shown = picture(told, AGENT, rule.discover()[alert.rule], "USD", page.time).shown
    return None if shown is None else draw(shown)


def main(source: Path, folder: Path) -> None:
    """Write everything."""
    folder.mkdir(parents=True, exist_ok=True)
    candles.main(source, folder)
    (history,) = of_files((folder / "equity.csv", folder / "trades.csv"), Options(agent=AGENT.id), None).histories
    outcome = replay([replace(history, agent=AGENT)], rule.discover(), Plan(("telegram",)))
    lines = []
    for number, page in enumerate(outcome.pages, 1):
        (alert, *_) = page.alerts
        lines.append(f"{number} {datetime.fromtimestamp(page.time, UTC):%Y-%m-%d %H:%M} {alert.rule}\n{alert.reason}")
        made = drawn(history, page)
        if made is not None:
            (folder / f"{number}-{alert.rule}.png").write_bytes(made)
    (folder / "pages.txt").write_text("\n\n".join(lines) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
