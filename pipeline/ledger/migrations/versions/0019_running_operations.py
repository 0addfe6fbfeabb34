"""Until when an operation counts as being carried out, if nothing more is heard of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operations", sa.Column("alive_until", sa.BigInteger(), nullable=True))
