"""Which pages of a period were worth it, and how long people took: counted from stored alerts, incidents and events."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from monitor.alerts.alert import Alert, AlertEvent
from monitor.alerts.incident import Incident
from monitor.alerts.judging import FALSE_ALARM, REAL, judgement
from monitor.rule import DESK

SOON = 300.0
"""Seconds: the guide's time from a page to its end, and within which what ends by itself was not worth a page."""
DRILL = "drill"
"""Rule whose pages are ordered: they measure no trouble."""


@dataclass(frozen=True, slots=True)
class Noise:
    """The alerts of one rule in a period."""

    rule: str
    fired: int
    pages: int
    """Incidents paged, each once, however many chats, people and repetitions."""
    acknowledged: int
    """Of these, in the period."""
    flapping: int
    """Troubles that came and went, each once."""
    noisy: int
    """Pages that people called false, that flapped, or that nobody took or called real and that ended by themselves
    within 5 min."""
    real: int = 0
    """Pages that people called real."""
    false: int = 0
    """Pages that people called false alarms."""

    @property
    def score(self) -> float | None:
        """Share of the pages that were noise, 0..1; None without pages."""
        return self.noisy / self.pages if self.pages else None


@dataclass(frozen=True, slots=True)
class Spans:
    """How long something took after the page, in seconds, drills apart; None where it never happened."""

    of: int
    """Pages."""
    n: int
    """Pages after which it happened, in the period."""
    median: float | None
    p90: float | None
    """Between the two nearest, linear (numpy.percentile)."""
    within: int
    """Of n, at most 5 min after the page."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The statistical pages of a period beside the false ones that agents are allowed."""

    pages: int
    allowed: float | None
    """False pages that all agents together are allowed in the period; None: no agent is given any."""
    real: int
    """Pages that people called real."""
    false: int
    """Pages that people called false alarms."""


class Story:
    """The alerts, incidents and events of a period, since <= time < until.

    What came later is not known to it, except whether a page was real: people say so the next morning.
    """

    def __init__(
        self,
        since: float,
        until: float,
        alerts: Sequence[Alert],
        incidents: Iterable[Incident],
        events: Sequence[AlertEvent],
    ) -> None:
        self._fired = Counter(each.rule for each in alerts if each.fired is not None and since <= each.fired < until)
        self._alerts = {each.id: each for each in alerts}
        self._events = [each for each in events if since <= each.time < until]
        self.pages = [each for each in incidents if each.paged is not None and since <= each.paged < until]
        self.ends = {
            each.id: each.resolved for each in self.pages if each.resolved is not None and each.resolved < until
        }
        """Page -> when it was over."""
        self.acknowledged = self._first("acknowledged", "given")
        """Incident -> when somebody first had one of its alerts in hand."""
        self._real, self._false = (self._called(kind, events) for kind in (REAL, FALSE_ALARM))

    def rules(self) -> tuple[Noise, ...]:
        """Every rule that fired, paged or flapped: most pages first, then most alerts, then by name."""
        flaps = {each.fingerprint: each.rule for each in map(self._alert, self._of("flapping")) if each is not None}
        noisy = self._noisy({*flaps})
        found = []
        for rule in sorted({*self._fired, *flaps.values(), *(each.rule for each in self.pages)}):
            mine = [each.id for each in self.pages if each.rule == rule]
            acknowledged = sum(of in self.acknowledged for of in mine)
            flapping = sum(each == rule for each in flaps.values())
            noise, (real, false) = len(noisy.intersection(mine)), self._answers(mine)
            found.append(Noise(rule, self._fired[rule], len(mine), acknowledged, flapping, noise, real, false))
        return tuple(sorted(found, key=lambda each: (-each.pages, -each.fired)))

    def budget(self, rules: Collection[str], allowed: float | None) -> Budget:
        """How many pages these rules made beside those that are allowed, and what people said of them."""
        mine = [each.id for each in self.pages if each.rule in rules]
        return Budget(len(mine), allowed, *self._answers(mine))

    def spans(self, when: Mapping[str, float]) -> Spans:
        """How long it took from each page until `when`, by incident."""
        real = [each for each in self.pages if each.rule != DRILL]
        found = [max(0.0, when[each.id] - (each.paged or 0.0)) for each in real if each.id in when]
        median, p90 = (float(np.percentile(found, each)) if found else None for each in (50, 90))
        return Spans(len(real), len(found), median, p90, sum(each <= SOON for each in found))

    def _of(self, *kinds: str) -> list[AlertEvent]:
        return [each for each in self._events if each.kind in kinds]

    def _alert(self, event: AlertEvent) -> Alert | None:
        return self._alerts.get(event.alert)

    def _incident(self, event: AlertEvent) -> str:
        """The incident that an event is about; of an alert that is in none, the alert."""
        alert = self._alert(event)
        return event.alert if alert is None else alert.incident or alert.id

    def _first(self, *kinds: str) -> Mapping[str, float]:
        found: dict[str, float] = {}
        for event in self._of(*kinds):
            of = self._incident(event)
            found[of] = min(event.time, found.get(of, event.time))
        return found

    def _called(self, kind: str, events: Iterable[AlertEvent]) -> set[str]:
        """Incidents that people called so, whenever they did."""
        every: defaultdict[str, list[AlertEvent]] = defaultdict(list)
        for event in events:
            every[event.alert].append(event)
        said = {of: judgement(mine) for of, mine in every.items()}
        return {of for of, each in said.items() if each is not None and each.kind == kind}

    def _answers(self, incidents: Collection[str]) -> tuple[int, int]:
        """How many of these people called real, and false alarms."""
        return len(self._real.intersection(incidents)), len(self._false.intersection(incidents))

    def _noisy(self, flaps: set[str]) -> set[str]:
        marks: defaultdict[str, set[str]] = defaultdict(set)
        for alert in self._alerts.values():
            marks[alert.incident or ""].add(alert.fingerprint)
        ended_by_people = {self._incident(each) for each in self._of("resolved") if each.actor != DESK}
        in_hand = {*self.acknowledged, *ended_by_people, *self._real}
        brief = {each.id for each in self.pages if self.ends.get(each.id, float("inf")) - (each.paged or 0.0) <= SOON}
        return {
            each.id
            for each in self.pages
            if each.id in self._false or marks[each.id] & flaps or each.id in brief - in_hand
        }
