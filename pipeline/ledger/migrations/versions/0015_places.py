"""Where copies lie is remembered, apart from the name of the channel that put them there.

Nothing is known of places before the first start with settings: they then become the places of today's channels.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_BUSY = sa.text("fill IS NOT NULL OR state = 'emptying'")


def upgrade() -> None:
    op.create_table(
        "places",
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("channel", sa.String(128), nullable=False),
        sa.Column("type", sa.String(64)),
        sa.Column("location", sa.Text),
        sa.Column("format", sa.String(64)),
        sa.Column("settings", sa.LargeBinary),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("left", sa.BigInteger()),
        sa.Column("reason", sa.Text),
        sa.Column("by", sa.String(128)),
        sa.Column("fill", sa.Text),
        sa.Column("filled_up_to", sa.String(128)),
        sa.Column("checked", sa.BigInteger()),
        sa.Column("check_due", sa.BigInteger()),
        sa.Column("checked_up_to", sa.String(128)),
        sa.Column("check_error", sa.Text),
        sa.PrimaryKeyConstraint("key", name="pk_places"),
        sa.CheckConstraint(
            "state IN ('in-force', 'orphan', 'emptying', 'emptied', 'given-up')", name="ck_places_state"
        ),
    )
    op.create_index("ix_places_channel", "places", ["channel"])
    op.create_index("ix_places_busy", "places", ["key"], sqlite_where=_BUSY, postgresql_where=_BUSY)
    op.create_table(
        "drift",
        sa.Column("place", sa.String(128), nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("found", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("place", "name", name="pk_drift"),
    )
    op.create_table(
        "settings_in_force",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(80), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_settings_in_force"),
    )
