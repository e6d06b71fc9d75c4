"""From alerts to notifications: who is told, or why nobody is, each decision with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.alerts.alert import Alert, AlertEvent, Kind, Notification, Silence, State
from monitor.alerts.lifecycle import DESK
from monitor.model import Severity

HOLD = 300.0
"""Seconds within which a trouble that was paged is not paged again (the guide's hold on duplicates)."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an alert is paged now, and why."""

    kind: str
    """paged, standing, silenced, held, unrouted or logged."""
    reason: str

    @property
    def tell(self) -> bool:
        """Whether people are told."""
        return self.kind == "paged"


def routes(severity: Severity, platforms: Sequence[str]) -> tuple[str, ...]:
    """Platforms that hear of a severity: INFO none, WARN all but Slack where Telegram is there too, CRITICAL all."""
    if severity is Severity.INFO:
        return ()
    if severity is Severity.WARN and "telegram" in platforms:
        return tuple(name for name in platforms if name != "slack")
    return tuple(platforms)


def decide(
    alert: Alert,
    silences: Iterable[Silence],
    last_page: float | None,
    now: float,
    *,
    platforms: Sequence[str],
    hold: float = HOLD,
) -> Decision:
    """Whether a firing alert that nobody has been told of is paged now.

    `last_page` is the time of the last page of the same fingerprint, whichever episode it was for.
    """
    if alert.severity is Severity.INFO:
        return Decision("logged", "INFO is logged, not sent")
    if alert.standing:
        return Decision("standing", "found at the first start, told in one message")
    for silence in silences:
        if silence.fingerprint == alert.fingerprint and silence.starts <= now < silence.ends:
            return Decision("silenced", f"silenced by {silence.by}: {silence.reason}")
    if last_page is not None and now < last_page + hold:
        return Decision("held", f"the same trouble was paged less than {hold:g} s ago")
    if not routes(alert.severity, platforms):
        return Decision("unrouted", "no platform is set up that it could go to")
    return Decision("paged", "firing and nobody has been told")


def page(alert: Alert, platforms: Sequence[str], now: float) -> tuple[Alert, tuple[Notification, ...], AlertEvent]:
    """Put an alert's page into the outbox of every platform its severity goes to."""
    told = replace(alert, paged=now)
    rows = tuple(_row(told, name, Kind.PAGE, now) for name in routes(alert.severity, platforms))
    where = ", ".join(row.platform for row in rows) or "nobody"
    return told, rows, AlertEvent(alert.id, alert.version, now, "paged", DESK, f"to {where}")


def recovery(alert: Alert, platforms: Sequence[str], now: float) -> tuple[Notification, ...]:
    """Tell that an alert is over, as a message of its own."""
    return tuple(_row(alert, name, Kind.RECOVERY, now) for name in routes(alert.severity, platforms))


def follow(
    before: Alert | None, after: Alert, platforms: Sequence[str], now: float, recovered: bool = True
) -> tuple[Notification, ...]:
    """What a change of an alert that people know of makes to tell: its card edited, and its recovery as a message.

    `recovered`: whether an end is a recovery, and not merely that nobody looks any more.
    """
    if before is None or before.paged is None or after.paged != before.paged or after.version == before.version:
        return ()
    names = routes(after.severity, platforms)
    rows = [_row(after, name, Kind.UPDATE, now) for name in names]
    if after.state is State.ACKNOWLEDGED:
        rows += [_row(after, name, Kind.LINE, now) for name in names]
    if after.state is State.RESOLVED and recovered:
        rows += recovery(after, platforms, now)
    return tuple(rows)


def standing_notice(
    alerts: Sequence[Alert], platforms: Sequence[str], now: float
) -> tuple[tuple[Alert, ...], tuple[Notification, ...]]:
    """One message about everything found at the first start, instead of a page for each."""
    names = routes(Severity.WARN, platforms)
    if not names:
        return (), ()
    told = tuple(replace(alert, paged=now) for alert in alerts)
    return told, notices("standing", names, {"standing": [alert.id for alert in alerts]}, now)


def notices(what: str, platforms: Sequence[str], body: Mapping[str, object], now: float) -> tuple[Notification, ...]:
    """One message of its own in each of these chats; `what` keeps two that are made at once apart."""
    key = f"{what}:{round(now * 1e6)}"
    return tuple(Notification(f"{key}:{name}", name, Kind.NOTICE, Severity.WARN, now, body=body) for name in platforms)


def _row(alert: Alert, platform: str, kind: Kind, now: float) -> Notification:
    key = f"{alert.id}:{alert.version}:{kind}:{platform}"
    return Notification(key, platform, kind, alert.severity, now, alert=alert.id, version=alert.version)
