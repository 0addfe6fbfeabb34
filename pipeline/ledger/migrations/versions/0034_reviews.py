"""When an article is to be reviewed next, and which revisions say that its review is overdue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_TO_REVIEW = sa.text("state = 'live' AND next_review IS NOT NULL")


def upgrade() -> None:
    op.add_column("articles", sa.Column("next_review", sa.Date()))
    op.add_column("revisions", sa.Column("overdue", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_articles_next_review",
        "articles",
        ["next_review"],
        sqlite_where=_TO_REVIEW,
        postgresql_where=_TO_REVIEW,
    )
