"""More of a trade, its corrections, sums over trades for every split, the equity of past hours, resets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_MORE = (("funding", "0"), ("venue", ""), ("exit_reason", ""), ("tag", ""))
_TEXTS = ("strategy", "asset", "side", "size", "entry_price", "exit_price")


def upgrade() -> None:
    """Add the columns and the tables; the sums are made when the database is opened."""
    text, number = sa.Text(), sa.BigInteger()
    for name, default in _MORE:
        op.add_column("trades", sa.Column(name, text, nullable=False, server_default=default))
    op.create_table(
        "trade_versions",
        sa.Column("agent", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("version", number, nullable=False),
        *(sa.Column(name, text, nullable=False) for name in _TEXTS),
        sa.Column("entry_time", number, nullable=False),
        sa.Column("exit_time", number, nullable=False),
        sa.Column("fees", text, nullable=False),
        sa.Column("slippage", text, nullable=False),
        sa.Column("paper", sa.Boolean(), nullable=False, server_default="0"),
        *(sa.Column(name, text, nullable=False, server_default=default) for name, default in _MORE),
        sa.PrimaryKeyConstraint("agent", "id", "version", name="trade_versions_pk"),
    )
    op.create_table(
        "rollups",
        sa.Column("agent", text, nullable=False),
        sa.Column("paper", sa.Boolean(), nullable=False),
        sa.Column("by", text, nullable=False),
        sa.Column("span", number, nullable=False),
        sa.Column("first", text, nullable=False),
        sa.Column("second", text, nullable=False),
        sa.Column("trades", number, nullable=False),
        sa.Column("wins", number, nullable=False),
        *(sa.Column(name, text, nullable=False) for name in ("gross", "fees", "slippage", "funding", "moved")),
        sa.PrimaryKeyConstraint("agent", "paper", "by", "span", "first", "second", name="rollups_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "hours",
        sa.Column("agent", text, nullable=False),
        sa.Column("hour", number, nullable=False),
        sa.Column("time", number, nullable=False),
        sa.Column("equity", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "hour", name="hours_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "resets",
        sa.Column("agent", text, nullable=False),
        sa.Column("time", number, nullable=False),
        sa.Column("by", text, nullable=False),
        sa.Column("note", text, nullable=False),
        sa.PrimaryKeyConstraint("agent", "time", name="resets_pk"),
    )
