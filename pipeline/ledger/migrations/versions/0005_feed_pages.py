"""Archive pages of feeds and their built documents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.ledger.database import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("feeds", sa.Column("shape", sa.String(80), nullable=True))
    op.add_column("feeds", sa.Column("findings", sa.Text, nullable=True))
    op.add_column("feeds", sa.Column("rest_until", Instant(), nullable=True))
    op.add_column("feeds", sa.Column("rest", sa.Integer, nullable=True))
    op.add_column("feed_documents", sa.Column("previous", sa.String(80), nullable=True))
    op.create_table(
        "feed_changes",
        sa.Column("feed", sa.String(128), nullable=False),
        sa.Column("article", sa.String(128), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("feed", "article", name=op.f("pk_feed_changes")),
    )
    op.create_table(
        "feed_entries",
        sa.Column("feed", sa.String(128), nullable=False),
        sa.Column("page", sa.Integer, nullable=False),
        sa.Column("article", sa.String(128), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("published", Instant(), nullable=False),
        sa.Column("updated", Instant(), nullable=False),
        sa.Column("canonical", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("feed", "page", "article", name=op.f("pk_feed_entries")),
    )
    op.create_index("ix_feed_entries_article", "feed_entries", ["article", "feed"])
    op.create_index("ix_feed_entries_updated", "feed_entries", ["feed", "state", "updated"])
    op.create_index("ix_feed_entries_published", "feed_entries", ["feed", "state", "published"])
    op.create_table(
        "feed_pages",
        sa.Column("feed", sa.String(128), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("sealed", sa.Boolean, nullable=False),
        sa.Column("stale", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("feed", "number", name=op.f("pk_feed_pages")),
    )
    op.create_index("ix_feed_pages_stale", "feed_pages", ["feed", "stale"])
    op.create_table(
        "feed_page_documents",
        sa.Column("feed", sa.String(128), nullable=False),
        sa.Column("page", sa.Integer, nullable=False),
        sa.Column("format", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(80), nullable=False),
        sa.Column("modified", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "page", "format", name=op.f("pk_feed_page_documents")),
    )
