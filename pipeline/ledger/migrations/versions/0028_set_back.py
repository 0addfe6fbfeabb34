"""Events keep what their senders said that they do, and whether they showed a sender's clock that was set back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_SET_BACK = sa.text("set_back")


def upgrade() -> None:
    op.add_column("events", sa.Column("stated", sa.String(length=16), nullable=True))
    op.add_column("events", sa.Column("set_back", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_events_set_back",
        "events",
        ["article", "source", "accepted"],
        sqlite_where=_SET_BACK,
        postgresql_where=_SET_BACK,
    )
