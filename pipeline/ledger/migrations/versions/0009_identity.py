"""Where articles came from, and the names that they had."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "origins",
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("article", sa.String(length=128), nullable=False),
        sa.Column("body", sa.String(length=80), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("place", "article", name=op.f("pk_origins")),
    )
    op.create_index("ix_origins_article", "origins", ["article"], unique=False)
    op.create_index("ix_origins_body", "origins", ["place", "body"], unique=False)
    op.create_table(
        "article_names",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("article", sa.String(length=128), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_article_names")),
    )
    op.create_index("ix_article_names_article", "article_names", ["article"], unique=False)
