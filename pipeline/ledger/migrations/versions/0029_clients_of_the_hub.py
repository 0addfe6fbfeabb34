"""Whose the hub's requests and subscriptions are, and in which turn requests are served."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscription_requests", sa.Column("client", sa.String(64), nullable=True))
    op.add_column("subscription_requests", sa.Column("turn", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_subscription_requests_client", "subscription_requests", ["client"])
    op.add_column("subscriptions", sa.Column("client", sa.String(64), nullable=True))
    op.create_index("ix_subscriptions_client", "subscriptions", ["client"])
