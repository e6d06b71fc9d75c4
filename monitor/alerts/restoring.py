"""A new process finds the ledger of the old one in what is stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from monitor.alerts import flapping, pipeline
from monitor.alerts.alert import Alert, State
from monitor.alerts.draft import Draft, Labels
from monitor.alerts.incident import Incident
from monitor.alerts.ledger import Ledger
from monitor.alerts.plan import Override, Plan
from monitor.alerts.silence import Silence


def restored(
    plan: Plan,
    labels: Labels,
    now: float,
    *,
    alerts: Sequence[Alert],
    incidents: Sequence[Incident],
    silences: Sequence[Silence] = (),
    overrides: Sequence[Override] = (),
    last_pages: Mapping[str, float] | None = None,
    openings: Mapping[str, flapping.Openings] | None = None,
    flapped: Collection[str] = (),
) -> Ledger:
    """The ledger that these stored facts make. `flapped`: fingerprints of which it was told that they flap."""
    start = Ledger(
        silences=tuple(silences), overrides=tuple(overrides), last_pages=last_pages or {}, openings=openings or {}
    )
    draft = Draft(start, plan, labels, now)
    for incident in incidents:
        draft.change(incident)
    for alert in alerts:
        draft.put(alert)
        if alert.incident in draft.incidents:
            draft.join(alert.incident, alert.fingerprint)
    for mark in flapped:
        if (stable := flapping.until(draft.openings.get(mark, ()), now, plan)) is not None:
            draft.flaps[mark] = stable
    for alert in alerts:
        if alert.state is State.FIRING and alert.incident not in draft.incidents:
            decision = pipeline.decide(alert, draft)
            draft.hidden[alert.fingerprint] = replace(decision, again=now) if decision.tell else decision
    for incident in draft.incidents.values():
        draft.set_due(incident)
    return draft.finish()[0]
