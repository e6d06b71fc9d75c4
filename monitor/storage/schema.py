"""The tables: every column is called like the field it keeps."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    MetaData,
    Select,
    Table,
    UniqueConstraint,
    select,
)
from sqlalchemy.types import TypeEngine

from monitor.storage.columns import (
    CHECKS,
    KIND,
    LATENCIES,
    MAPPING,
    MONEY,
    ORDER_STATE,
    PAIRS,
    POSITIONS,
    ROW,
    SEVERITY,
    SIDE,
    STATE,
    TEXT,
    TIME,
    WORDS,
)

metadata = MetaData(
    naming_convention={"pk": "%(table_name)s_pk", "uq": "%(table_name)s_once", "ix": "%(table_name)s_%(column_0_name)s"}
)


def _must(name: str, kind: TypeEngine[Any], **options: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **options)


def _key(name: str, kind: TypeEngine[Any]) -> Column[Any]:
    return Column(name, kind, primary_key=True)


agents = Table(
    "agents",
    metadata,
    _key("id", TEXT),
    _must("labels", MAPPING, server_default="{}"),
    Column("first_seen", TIME),
    Column("cursor", TEXT),
)

# One agent's day lies together (WITHOUT ROWID): reading it is one range, and so is forgetting it.
samples = Table(
    "samples",
    metadata,
    _key("agent", TEXT),
    _key("time", TIME),
    Column("error", TEXT),
    Column("status", TEXT),
    Column("paused", Boolean()),
    Column("equity", Double()),
    Column("balance", Double()),
    Column("open_positions", BigInteger()),
    Column("pnl_24h", Double()),
    Column("win_rate", Double()),
    Column("sharpe", Double()),
    Column("max_drawdown", Double()),
    Column("heartbeat_age", Double()),
    Column("errors_1h", BigInteger()),
    Column("uptime", Double()),
    Column("memory", Double()),
    Column("cpu", Double()),
    Column("venue_latency", Double()),
    Column("poll_latency", Double()),
    _must("checks", CHECKS),
    Column("paper", Boolean()),
    Column("loop_lag", Double()),
    _must("latencies", LATENCIES, server_default="[]"),
    Column("venue_errors", Double()),
    Column("rate_limit", Double()),
    Column("clock_skew", Double()),
    Column("decision_age", Double()),
    Column("decisions_1h", BigInteger()),
    Column("orders_1h", BigInteger()),
    Column("rejects_1h", BigInteger()),
    Column("repeated_orders", BigInteger()),
    Column("feed_age", Double()),
    Column("model_latency", Double()),
    Column("model_errors", Double()),
    Column("tokens_1h", BigInteger()),
    Column("cost_1h", Double()),
    Column("cost_24h", Double()),
    Column("available", Double()),
    Column("exposure", Double()),
    Column("leverage", Double()),
    Column("pnl_1h", Double()),
    Column("pnl_7d", Double()),
    Column("positions", POSITIONS),
    sqlite_with_rowid=False,
)

# What is kept of samples whose time is over: the last known equity of each hour.
hours = Table(
    "hours",
    metadata,
    _key("agent", TEXT),
    _key("hour", BigInteger()),
    _must("time", TIME),
    _must("equity", Double()),
    sqlite_with_rowid=False,
)

# From when on an agent's figures count, because somebody said so.
resets = Table(
    "resets",
    metadata,
    _key("agent", TEXT),
    _key("time", TIME),
    _must("by", TEXT),
    _must("note", TEXT),
)


def _of_a_trade() -> tuple[Column[Any], ...]:
    return (
        _must("strategy", TEXT),
        _must("asset", TEXT),
        _must("side", SIDE),
        _must("size", MONEY),
        _must("entry_price", MONEY),
        _must("exit_price", MONEY),
        _must("entry_time", TIME),
        _must("exit_time", TIME),
        _must("fees", MONEY),
        _must("slippage", MONEY),
        _must("paper", Boolean(), server_default="0"),
        _must("funding", MONEY, server_default="0"),
        _must("venue", TEXT, server_default=""),
        _must("exit_reason", TEXT, server_default=""),
        _must("tag", TEXT, server_default=""),
    )


trades = Table(
    "trades",
    metadata,
    _key("agent", TEXT),
    _key("id", TEXT),
    *_of_a_trade(),
    Index("trades_agent", "agent", "exit_time"),
    Index("trades_exit", "exit_time"),
)

# What a trade was before it was corrected.
trade_versions = Table(
    "trade_versions", metadata, _key("agent", TEXT), _key("id", TEXT), _key("version", BigInteger()), *_of_a_trade()
)

# Sums over trades for every split, by day or month of the exit and for all time.
rollups = Table(
    "rollups",
    metadata,
    _key("agent", TEXT),
    _key("paper", Boolean()),
    _key("by", TEXT),
    _key("span", BigInteger()),
    _key("first", TEXT),
    _key("second", TEXT),
    _must("trades", BigInteger()),
    _must("wins", BigInteger()),
    _must("gross", MONEY),
    _must("fees", MONEY),
    _must("slippage", MONEY),
    _must("funding", MONEY),
    _must("moved", MONEY),
    sqlite_with_rowid=False,
)

flows = Table(
    "flows",
    metadata,
    _key("agent", TEXT),
    _key("time", TIME),
    _key("amount", MONEY),
    _key("by", TEXT),
    _must("note", TEXT),
)

alerts = Table(
    "alerts",
    metadata,
    _key("id", TEXT),
    _must("fingerprint", TEXT),
    _must("agent", TEXT),
    _must("rule", TEXT),
    _must("labels", PAIRS),
    _must("severity", SEVERITY),
    _must("state", STATE),
    _must("version", BigInteger()),
    _must("opened", TIME),
    _must("seen", TIME),
    _must("reason", TEXT),
    Column("value", Double()),
    Column("threshold", Double()),
    _must("breaches", BigInteger()),
    _must("clears", BigInteger()),
    _must("standing", Boolean()),
    Column("fired", TIME),
    Column("paged", TIME),
    Column("acknowledged", TIME),
    Column("acknowledged_by", TEXT),
    _must("note", TEXT),
    Column("resolved", TIME),
    Column("incident", TEXT),
    Index("alerts_state", "state"),
    Index("alerts_paged", "paged"),
    Index("alerts_opened", "opened"),
    Index("alerts_incident", "incident"),
)

incidents = Table(
    "incidents",
    metadata,
    _key("id", TEXT),
    _must("key", TEXT),
    _must("rule", TEXT),
    _must("labels", PAIRS),
    _must("severity", SEVERITY),
    _must("version", BigInteger()),
    _must("opened", TIME),
    _must("joined", TIME),
    _must("alerts", BigInteger()),
    _must("channels", WORDS),
    Column("paged", TIME),
    Column("told", TIME),
    _must("step", BigInteger()),
    Column("began", TIME),
    Column("acknowledged", TIME),
    Column("acknowledged_by", TEXT),
    _must("note", TEXT),
    Column("lease", TIME),
    Column("asked", TIME),
    Column("resolved", TIME),
    Index("incidents_resolved", "resolved"),
)

alert_events = Table(
    "alert_events",
    metadata,
    _key("id", ROW),
    _must("alert", TEXT),
    _must("version", BigInteger()),
    _must("time", TIME),
    _must("kind", TEXT),
    _must("actor", TEXT),
    _must("reason", TEXT),
    UniqueConstraint("alert", "version", "kind", "time"),
)

notifications = Table(
    "notifications",
    metadata,
    _key("id", ROW),
    _must("key", TEXT, unique=True),
    _must("platform", TEXT),
    _must("kind", KIND),
    _must("severity", SEVERITY),
    _must("created", TIME),
    Column("alert", TEXT),
    _must("version", BigInteger()),
    _must("body", MAPPING),
    _must("attempts", BigInteger()),
    _must("uncertain", Boolean(), server_default="0"),
    # From here on the outbox's own: queued -> claimed -> done or dead, back to queued on a retry.
    _must("state", TEXT, server_default="queued"),
    _must("not_before", TIME, server_default="0"),
    Column("claimed_at", TIME),
    Column("ended", TIME),
    Column("error", TEXT),
    Index("notifications_queue", "state", "platform", "severity", "kind"),
    Index("notifications_card", "alert", "platform", "state"),
)

cards = Table(
    "cards",
    metadata,
    _key("alert", TEXT),
    _key("platform", TEXT),
    _must("ref", TEXT),
    _must("version", BigInteger()),
)

# Channels that asked for silence: what is stored meanwhile waits too, and a restart changes nothing.
waits = Table(
    "waits",
    metadata,
    _key("platform", TEXT),
    _key("closed", TEXT),
    _must("until", TIME),
)

# Every message about an incident, so that an answer to any of them is an answer to it.
messages = Table(
    "messages",
    metadata,
    _key("platform", TEXT),
    _key("ref", TEXT),
    _must("alert", TEXT),
    _must("time", TIME),
)

events_seen = Table(
    "events_seen",
    metadata,
    _key("platform", TEXT),
    _key("event", TEXT),
    _must("time", TIME),
    Index("events_seen_time", "time"),
)

silences = Table(
    "silences",
    metadata,
    _key("id", TEXT),
    _must("matchers", PAIRS),
    _must("starts", TIME),
    _must("ends", TIME),
    _must("by", TEXT),
    _must("reason", TEXT),
    _must("kind", TEXT),
    Column("warned", TIME),
    Column("over", TIME),
    Index("silences_over", "over"),
)

overrides = Table(
    "overrides",
    metadata,
    _key("id", TEXT),
    _must("rotation", TEXT),
    _must("person", TEXT),
    _must("starts", TIME),
    _must("ends", TIME),
    _must("by", TEXT),
    Index("overrides_ends", "ends"),
)

orders = Table(
    "orders",
    metadata,
    _key("id", TEXT),
    _must("agent", TEXT),
    _must("action", TEXT),
    _must("by", TEXT),
    _must("requested", TIME),
    _must("reason", TEXT),
    _must("state", ORDER_STATE),
    Column("accepted", TIME),
    Column("confirmed", TIME),
    _must("detail", TEXT),
    _must("control", TEXT, server_default=""),
    _must("cause", TEXT, server_default=""),
    Column("until", TIME),
    Column("ended", TIME),
    Column("held", POSITIONS),
    Column("held_count", BigInteger()),
    _must("silent", Boolean(), server_default="0"),
    Index("orders_agent", "agent", "requested"),
)

stops = Table(
    "stops",
    metadata,
    _key("agent", TEXT),
    _key("when", TEXT),
    _must("announced", TIME),
    Column("acted", TIME),
    Column("cleared", TIME),
)

people = Table(
    "people",
    metadata,
    _key("name", TEXT),
    _must("role", TEXT),
    _must("ids", MAPPING),
)

audit = Table(
    "audit",
    metadata,
    _key("id", ROW),
    _must("time", TIME),
    _must("platform", TEXT),
    _must("user", TEXT),
    Column("person", TEXT),
    _must("line", TEXT),
    _must("outcome", TEXT),
    _must("detail", TEXT),
    UniqueConstraint("time", "platform", "user", "line", "outcome"),
)

snapshots = Table(
    "snapshots",
    metadata,
    _key("agent", TEXT),
    _key("version", BigInteger()),
    _key("time", TIME),
    _must("state", TEXT),
)


def names(kind: type[Any]) -> tuple[str, ...]:
    """Columns that keep a value, in the order of its fields."""
    return tuple(each.name for each in fields(kind))


def of(kind: type[Any], table: Table) -> Select[Any]:
    """Select the columns that make a value: `kind(*row)`."""
    return select(*(table.columns[name] for name in names(kind)))
