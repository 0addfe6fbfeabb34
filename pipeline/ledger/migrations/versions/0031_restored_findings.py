"""What was found at places after a restore, beyond the backup."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "restored_findings",
        sa.Column("place", sa.String(128), nullable=False),
        sa.Column("article", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("revision", sa.Integer()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("found", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.BigInteger()),
        sa.Column("by", sa.Text()),
        sa.PrimaryKeyConstraint("place", "article", name="pk_restored_findings"),
    )
    op.create_index("ix_restored_findings_article", "restored_findings", ["article"])
