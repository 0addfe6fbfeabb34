"""Parts of operations that concern a file or a channel, their reasons, and whether an operation came to its end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("operations") as table:
        table.add_column(sa.Column("planned", sa.Integer(), nullable=True))
        table.add_column(sa.Column("ended", sa.BigInteger(), nullable=True))
    op.execute("UPDATE operations SET ended = at")
    with op.batch_alter_table("operation_parts") as table:
        table.alter_column("article", existing_type=sa.String(length=128), nullable=True)
        table.alter_column("revision", existing_type=sa.Integer(), nullable=True)
        table.add_column(sa.Column("file", sa.Text(), nullable=True))
        table.add_column(sa.Column("channel", sa.String(length=128), nullable=True))
        table.add_column(sa.Column("reason", sa.Text(), nullable=True))
