"""Who paused a channel, which its reason said until now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("channels", sa.Column("paused_by", sa.String(16)))
    op.execute("UPDATE channels SET paused_by = 'partner' WHERE pause_reason = 'its partner has paused it'")
