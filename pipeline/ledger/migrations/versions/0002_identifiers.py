"""How DOIs and PMCIDs became PMIDs, and when references came up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identifiers",
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("pmid", sa.String(length=16), nullable=True),
        sa.Column("asked", sa.BigInteger(), nullable=True),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("lease", sa.String(length=64), nullable=True),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("work", name=op.f("pk_identifiers")),
    )
    op.create_index("ix_identifiers_due", "identifiers", ["due"], unique=False)
    op.create_table(
        "identifier_citations",
        sa.Column("article", sa.String(length=128), nullable=False),
        sa.Column("work", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("article", "work", name=op.f("pk_identifier_citations")),
    )
    op.create_index("ix_identifier_citations_work", "identifier_citations", ["work"], unique=False)
    op.add_column("reference_records", sa.Column("digest", sa.String(length=80), nullable=True))
    op.add_column("reference_records", sa.Column("changed", sa.BigInteger(), nullable=True))
    op.add_column("leases", sa.Column("allowed", sa.Integer(), nullable=True))
