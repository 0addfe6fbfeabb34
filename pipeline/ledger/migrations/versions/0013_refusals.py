"""Refusals are counted, and each channel's record says since when it has accepted nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ABANDONED = sa.text("state = 'abandoned'")
_REFUSED = sa.text("refusals > 0")


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("refusals", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("channels", sa.Column("failing", sa.BigInteger(), nullable=True))
    for name, where in (("abandoned", _ABANDONED), ("refused", _REFUSED)):
        op.create_index(f"ix_deliveries_{name}", "deliveries", ["channel"], sqlite_where=where, postgresql_where=where)
