"""Which names of articles were ever in a public address. Until now all were, from the moment they were given."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("article_names", sa.Column("shown", sa.Boolean(), nullable=False, server_default=sa.true()))
