"""Article files that were uploaded to be looked at and published."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.ledger.database import Instant

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("embargo", Instant),
        sa.Column("take_over", sa.Boolean, nullable=False),
    )
    op.create_index("ix_uploads_by", "uploads", ["by"])
    op.create_table(
        "uploaded_files",
        sa.Column("upload", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
