"""Notes on causes of failures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.ledger.database import Instant

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "failure_notes",
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("channel", sa.String(128), nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("dismissed", Instant()),
    )
