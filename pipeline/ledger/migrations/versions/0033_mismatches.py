"""References whose record is another work than the author describes, and the PMID that was probably meant."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.ledger.database import Instant

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mismatches",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("article", sa.String(128), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("differs", sa.Text(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("suggested", sa.String(16)),
        sa.Column("asked", Instant()),
        sa.Column("due", Instant()),
        sa.Column("lease", sa.String(64)),
        sa.Column("leased_until", Instant()),
    )
    op.create_index("ix_mismatches_article", "mismatches", ["article"])
    op.create_index("ix_mismatches_due", "mismatches", ["due"])
