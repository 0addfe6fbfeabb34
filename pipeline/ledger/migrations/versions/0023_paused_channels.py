"""Channels that an operator has paused, and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.ledger.database import Instant

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("channels", sa.Column("paused", Instant()))
    op.add_column("channels", sa.Column("pause_reason", sa.Text()))
