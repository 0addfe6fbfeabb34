"""Events keep a digest of what they said, their sequence number, and whether they were overtaken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_OVERTAKEN = sa.text("outcome = 'overtaken'")


def upgrade() -> None:
    op.add_column("events", sa.Column("outcome", sa.String(length=16), nullable=False, server_default="accepted"))
    op.add_column("events", sa.Column("digest", sa.String(length=80), nullable=True))
    op.add_column("events", sa.Column("sequence", sa.Text(), nullable=True))
    op.create_index("ix_events_overtaken", "events", ["accepted"], sqlite_where=_OVERTAKEN, postgresql_where=_OVERTAKEN)
