"""People who signed in to the console by the word of a provider of identities, and have no token."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("sessions") as table:
        table.alter_column("token", existing_type=sa.String(64), nullable=True)
        table.add_column(sa.Column("issuer", sa.Text))
        table.add_column(sa.Column("subject", sa.String(255)))
        table.add_column(sa.Column("name", sa.Text))
        table.add_column(sa.Column("role", sa.String(16)))
