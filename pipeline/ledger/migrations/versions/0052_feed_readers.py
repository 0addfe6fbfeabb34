"""Who fetches each feed, and when each feed first showed what it shows of an article."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.ledger.database import Instant

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feed_readers",
        sa.Column("feed", sa.String(128), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("reader", sa.String(64), primary_key=True),
        sa.Column("format", sa.String(64), primary_key=True),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("said", sa.BigInteger),
    )
    op.add_column("feed_entries", sa.Column("shown_since", Instant))
    unwritten = sa.Column("unwritten", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("feed_entries", unwritten)
    where = sa.text("unwritten")
    op.create_index("ix_feed_entries_unwritten", "feed_entries", ["feed"], sqlite_where=where, postgresql_where=where)
