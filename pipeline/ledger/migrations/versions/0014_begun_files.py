"""A file that is being written is recorded before it is, so that nobody takes it for what was recorded last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("feed_documents", "feed_page_documents"):
        op.add_column(table, sa.Column("writing", sa.Boolean(), nullable=False, server_default=sa.false()))
