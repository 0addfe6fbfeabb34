"""Actions on all articles that matched a search."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.ledger.database import Instant

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bulk_actions",
        sa.Column("operation", sa.String(64), primary_key=True),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("seen", Instant(), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("due", Instant()),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("lease", sa.String(64)),
        sa.Column("leased_until", Instant()),
    )
    op.create_index("ix_bulk_actions_due", "bulk_actions", ["due"])
    op.create_table(
        "bulk_articles",
        sa.Column("operation", sa.String(64), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("article", sa.String(128), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
