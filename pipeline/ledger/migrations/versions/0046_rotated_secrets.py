"""Secrets that partners have made by themselves, sealed, in place of those that the settings name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.ledger.database import Instant

revision = "0046"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("places") as table:
        table.add_column(sa.Column("signing", sa.LargeBinary))
        table.add_column(sa.Column("rotated", Instant))
        table.add_column(sa.Column("former_until", Instant))
