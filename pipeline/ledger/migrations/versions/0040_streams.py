"""What is set aside of streams that events are read from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.ledger.database import Instant

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "streams",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("group", sa.String(255), primary_key=True),
        sa.Column("dead", sa.Integer(), nullable=False),
        sa.Column("since", Instant()),
        sa.Column("error", sa.Text()),
    )
