"""Alerts of one cause are an incident; silences match by label; every message about an incident leads back to it."""

from __future__ import annotations

from time import time_ns
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables; every open alert becomes an incident of its own."""
    text, time = sa.Text(), sa.BigInteger()

    def must(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
        return sa.Column(name, kind, nullable=False)

    op.create_table(
        "incidents",
        must("id", text),
        must("key", text),
        must("rule", text),
        must("labels", text),
        must("severity", sa.Integer()),
        must("version", time),
        must("opened", time),
        must("joined", time),
        must("alerts", time),
        must("channels", text),
        sa.Column("paged", time),
        sa.Column("told", time),
        must("step", time),
        sa.Column("began", time),
        sa.Column("acknowledged", time),
        sa.Column("acknowledged_by", text),
        must("note", text),
        sa.Column("lease", time),
        sa.Column("asked", time),
        sa.Column("resolved", time),
        sa.PrimaryKeyConstraint("id", name="incidents_pk"),
    )
    op.create_index("incidents_resolved", "incidents", ["resolved"])
    op.add_column("alerts", sa.Column("incident", text))
    op.create_index("alerts_opened", "alerts", ["opened"])
    op.create_index("alerts_incident", "alerts", ["incident"])
    op.execute("UPDATE alerts SET incident = id WHERE state != 'pending'")
    op.execute(
        "INSERT INTO incidents SELECT id, '', rule, labels, severity, version, opened, opened, 1, "
        "(SELECT json_group_array(DISTINCT platform) FROM notifications AS told WHERE told.alert = alerts.id "
        "AND told.kind = 'page' AND told.state != 'dead'), paged, paged, 0, paged, "
        "acknowledged, acknowledged_by, note, NULL, NULL, resolved FROM alerts WHERE state != 'pending'"
    )
    op.add_column("notifications", sa.Column("uncertain", sa.Boolean(), nullable=False, server_default="0"))
    op.drop_index("notifications_state", "notifications")
    op.create_index("notifications_queue", "notifications", ["state", "platform", "severity", "kind"])
    op.create_table(
        "waits",
        must("platform", text),
        must("closed", text),
        must("until", time),
        sa.PrimaryKeyConstraint("platform", "closed", name="waits_pk"),
    )
    op.create_table(
        "messages",
        must("platform", text),
        must("ref", text),
        must("alert", text),
        must("time", time),
        sa.PrimaryKeyConstraint("platform", "ref", name="messages_pk"),
    )
    op.execute("INSERT INTO messages SELECT platform, ref, max(alert), 0 FROM cards GROUP BY platform, ref")
    op.drop_index("cards_platform", "cards")
    op.create_table(
        "overrides",
        must("id", text),
        must("rotation", text),
        must("person", text),
        must("starts", time),
        must("ends", time),
        must("by", text),
        sa.PrimaryKeyConstraint("id", name="overrides_pk"),
    )
    op.create_index("overrides_ends", "overrides", ["ends"])
    _silences(text, time)


def _silences(text: sa.Text, time: sa.BigInteger) -> None:
    old = op.get_bind().execute(sa.text('SELECT id, fingerprint, starts, ends, "by", reason FROM silences')).all()
    op.drop_index("silences_ends", "silences")
    op.drop_table("silences")
    made = op.create_table(
        "silences",
        sa.Column("id", text, nullable=False),
        sa.Column("matchers", text, nullable=False),
        sa.Column("starts", time, nullable=False),
        sa.Column("ends", time, nullable=False),
        sa.Column("by", text, nullable=False),
        sa.Column("reason", text, nullable=False),
        sa.Column("kind", text, nullable=False),
        sa.Column("warned", time),
        sa.Column("over", time),
        sa.PrimaryKeyConstraint("id", name="silences_pk"),
    )
    op.create_index("silences_over", "silences", ["over"])
    now = time_ns() // 1000
    for of, mark, starts, ends, by, reason in old:
        row = {"id": of, "matchers": f'[["alert","{mark}"]]', "starts": starts, "ends": ends, "by": by}
        op.execute(
            made.insert().values(**row, reason=reason, kind="silence", warned=None, over=ends if ends <= now else None)
        )
