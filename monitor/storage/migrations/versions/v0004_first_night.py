"""More signals of an agent, what is open, trades without money, pauses that end, stops without a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_FIGURES = (
    "loop_lag",
    "venue_errors",
    "rate_limit",
    "clock_skew",
    "decision_age",
    "feed_age",
    "model_latency",
    "model_errors",
    "cost_1h",
    "cost_24h",
    "available",
    "exposure",
    "leverage",
    "pnl_1h",
    "pnl_7d",
)
_COUNTS = ("decisions_1h", "orders_1h", "rejects_1h", "repeated_orders", "tokens_1h")


def upgrade() -> None:
    """Add the columns and the table; what is stored says nothing of them."""
    text, time = sa.Text(), sa.BigInteger()
    op.add_column("samples", sa.Column("paper", sa.Boolean()))
    for name in _FIGURES:
        op.add_column("samples", sa.Column(name, sa.Double()))
    for name in _COUNTS:
        op.add_column("samples", sa.Column(name, time))
    op.add_column("samples", sa.Column("latencies", text, nullable=False, server_default="[]"))
    op.add_column("samples", sa.Column("positions", text))
    op.add_column("trades", sa.Column("paper", sa.Boolean(), nullable=False, server_default="0"))
    for name in ("control", "cause"):
        op.add_column("orders", sa.Column(name, text, nullable=False, server_default=""))
    for name in ("until", "ended"):
        op.add_column("orders", sa.Column(name, time))
    op.add_column("orders", sa.Column("held", text))
    op.add_column("orders", sa.Column("held_count", time))
    op.add_column("orders", sa.Column("silent", sa.Boolean(), nullable=False, server_default="0"))
    op.create_table(
        "stops",
        sa.Column("agent", text, nullable=False),
        sa.Column("when", text, nullable=False),
        sa.Column("announced", time, nullable=False),
        sa.Column("acted", time),
        sa.Column("cleared", time),
        sa.PrimaryKeyConstraint("agent", "when", name="stops_pk"),
    )
