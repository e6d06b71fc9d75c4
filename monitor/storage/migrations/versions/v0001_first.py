"""The first schema: agents and what they did, alerts and what was told of them, people and what they ordered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _agents()
    _alerts()
    _people()


def _agents() -> None:
    op.create_table(
        "agents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False, server_default="{}"),
        sa.Column("first_seen", sa.BigInteger()),
        sa.Column("cursor", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="agents_pk"),
    )
    op.create_table(
        "samples",
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("status", sa.Text()),
        sa.Column("paused", sa.Boolean()),
        sa.Column("equity", sa.Double()),
        sa.Column("balance", sa.Double()),
        sa.Column("open_positions", sa.BigInteger()),
        sa.Column("pnl_24h", sa.Double()),
        sa.Column("win_rate", sa.Double()),
        sa.Column("sharpe", sa.Double()),
        sa.Column("max_drawdown", sa.Double()),
        sa.Column("heartbeat_age", sa.Double()),
        sa.Column("errors_1h", sa.BigInteger()),
        sa.Column("uptime", sa.Double()),
        sa.Column("memory", sa.Double()),
        sa.Column("cpu", sa.Double()),
        sa.Column("venue_latency", sa.Double()),
        sa.Column("poll_latency", sa.Double()),
        sa.Column("checks", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "time", name="samples_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trades",
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("size", sa.Text(), nullable=False),
        sa.Column("entry_price", sa.Text(), nullable=False),
        sa.Column("exit_price", sa.Text(), nullable=False),
        sa.Column("entry_time", sa.BigInteger(), nullable=False),
        sa.Column("exit_time", sa.BigInteger(), nullable=False),
        sa.Column("fees", sa.Text(), nullable=False),
        sa.Column("slippage", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "id", name="trades_pk"),
    )
    op.create_index("trades_agent", "trades", ["agent", "exit_time"])
    op.create_index("trades_exit", "trades", ["exit_time"])
    op.create_table(
        "flows",
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "time", "amount", "by", name="flows_pk"),
    )
    op.create_table(
        "snapshots",
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "version", "time", name="snapshots_pk"),
    )


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("value", sa.Double()),
        sa.Column("threshold", sa.Double()),
        sa.Column("breaches", sa.BigInteger(), nullable=False),
        sa.Column("clears", sa.BigInteger(), nullable=False),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.Column("fired", sa.BigInteger()),
        sa.Column("paged", sa.BigInteger()),
        sa.Column("acknowledged", sa.BigInteger()),
        sa.Column("acknowledged_by", sa.Text()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("resolved", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="alerts_pk"),
    )
    op.create_index("alerts_paged", "alerts", ["paged"])
    op.create_index("alerts_state", "alerts", ["state"])
    op.create_table(
        "alert_events",
        sa.Column("id", _ROW, nullable=False),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="alert_events_pk"),
        sa.UniqueConstraint("alert", "version", "kind", "time", name="alert_events_once"),
    )
    op.create_table(
        "silences",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="silences_pk"),
    )
    op.create_index("silences_ends", "silences", ["ends"])
    op.create_table(
        "notifications",
        sa.Column("id", _ROW, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("alert", sa.Text()),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="queued"),
        sa.Column("not_before", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("claimed_at", sa.BigInteger()),
        sa.Column("ended", sa.BigInteger()),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="notifications_pk"),
        sa.UniqueConstraint("key", name="notifications_once"),
    )
    op.create_index("notifications_card", "notifications", ["alert", "platform", "state"])
    op.create_index("notifications_state", "notifications", ["state", "platform"])
    op.create_table(
        "cards",
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("alert", "platform", name="cards_pk"),
    )


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("ids", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="people_pk"),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("requested", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("accepted", sa.BigInteger()),
        sa.Column("confirmed", sa.BigInteger()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="orders_pk"),
    )
    op.create_index("orders_agent", "orders", ["agent", "requested"])
    op.create_table(
        "audit",
        sa.Column("id", _ROW, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("person", sa.Text()),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="audit_pk"),
        sa.UniqueConstraint("time", "platform", "user", "line", "outcome", name="audit_once"),
    )
