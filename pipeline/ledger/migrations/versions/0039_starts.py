"""Articles count how often they were claimed since a claim that ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_SUSPECT = sa.text("starts > 1")


def upgrade() -> None:
    op.add_column("articles", sa.Column("starts", sa.Integer, nullable=False, server_default="0"))
    op.create_index("ix_articles_starts", "articles", ["starts"], sqlite_where=_SUSPECT, postgresql_where=_SUSPECT)
