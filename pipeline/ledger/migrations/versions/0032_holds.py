"""An index of the articles that the whole site holds back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_ON_HOLD = sa.text("channel = '' AND cause = 'hold'")


def upgrade() -> None:
    op.create_index("ix_withheld_on_hold", "withheld", ["article"], sqlite_where=_ON_HOLD, postgresql_where=_ON_HOLD)
