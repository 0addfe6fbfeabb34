"""When each token was last used. Of the time before, nothing is known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.ledger.database import Instant

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tokens", sa.Column("used", Instant()))
