"""What came from the chats, so that nothing delivered twice is done twice; and a way from a card to its alert."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table and the index."""
    op.create_table(
        "events_seen",
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "event", name="events_seen_pk"),
    )
    op.create_index("events_seen_time", "events_seen", ["time"])
    op.create_index("cards_platform", "cards", ["platform", "ref"])
