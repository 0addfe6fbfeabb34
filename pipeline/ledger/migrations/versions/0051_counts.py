"""Counts of an hour's failures and of an operation's outcomes, without reading what was delivered or each part."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    failed = sa.text("outcome <> 'delivered'")
    op.create_index(
        "ix_attempts_failed_at", "attempts", ["at", "outcome"], sqlite_where=failed, postgresql_where=failed
    )
    op.create_index("ix_operation_parts_outcome", "operation_parts", ["operation", "outcome", "number"])
