"""The formats in which a delivery was attempted, so that no file of a former one is left when a worker was killed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("tried", sa.Text(), nullable=True))
