"""What the delivery engine keeps of channels, attempts and proofs of withdrawal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_LEASED = sa.text("lease IS NOT NULL")


def upgrade() -> None:
    op.add_column("attempts", sa.Column("answer", sa.Text(), nullable=True))
    for name in ("opened", "answered", "next_send", "next_batch"):
        op.add_column("channels", sa.Column(name, sa.BigInteger(), nullable=True))
    op.drop_index("ix_deliveries_due", "deliveries")
    op.create_index("ix_deliveries_due", "deliveries", ["channel", "due", "id"])
    op.create_index(
        "ix_deliveries_leased",
        "deliveries",
        ["channel", "lease"],
        sqlite_where=_LEASED,
        postgresql_where=_LEASED,
    )
    op.create_table(
        "proofs",
        sa.Column("delivery", sa.String(length=64), nullable=False),
        sa.Column("article", sa.String(length=128), nullable=False),
        sa.Column("channel", sa.String(length=128), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.BigInteger(), nullable=False),
        sa.Column("checked", sa.BigInteger(), nullable=True),
        sa.Column("proved", sa.BigInteger(), nullable=True),
        sa.Column("shown", sa.Text(), nullable=True),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("lease", sa.String(length=64), nullable=True),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("delivery", name=op.f("pk_proofs")),
    )
    op.create_index("ix_proofs_due", "proofs", ["due"])
    op.create_index("ix_proofs_article", "proofs", ["article"])
