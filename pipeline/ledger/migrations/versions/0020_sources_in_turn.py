"""Works that are asked for at several services in turn, and records that PubMed does not have."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("identifiers", sa.Column("service", sa.String(length=64), server_default="", nullable=False))
    op.add_column("identifiers", sa.Column("denied_by", sa.Text(), server_default="", nullable=False))
    op.add_column("identifiers", sa.Column("denials", sa.Integer(), server_default="0", nullable=False))
    op.add_column("identifiers", sa.Column("record", sa.LargeBinary(), nullable=True))
    op.add_column("identifiers", sa.Column("source", sa.String(length=64), nullable=True))
    op.create_index("ix_identifiers_service", "identifiers", ["service", "due"])
    op.add_column("reference_records", sa.Column("denials", sa.Integer(), server_default="0", nullable=False))
    op.add_column("reference_records", sa.Column("merged_into", sa.String(length=16), nullable=True))
    _ask_again()
    op.execute("INSERT INTO leases (name, failures) VALUES ('esearch', 0)")


def _ask_again() -> None:
    """Make works that the converter alone was asked for due again: it knows PubMed Central only."""
    table = sa.table("identifiers", sa.column("state"), sa.column("due"), sa.column("asked"))
    op.execute(sa.update(table).where(table.c.state == "unknown").values(due=table.c.asked))
