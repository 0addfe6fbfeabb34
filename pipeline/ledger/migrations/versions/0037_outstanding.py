"""What is outstanding at each channel is found without reading what was delivered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

_OUTSTANDING = sa.text("due IS NOT NULL")
_WITHDRAWALS = sa.text("urgency = 0 AND due IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_deliveries_channel", "deliveries", ["channel", "article"])
    _replace("ix_deliveries_due", ["channel", "urgency", "due", "id"], _OUTSTANDING)
    _replace("ix_deliveries_withdrawals", ["channel", "refusals", "due"], _WITHDRAWALS)


def _replace(name: str, columns: list[str], where: sa.TextClause) -> None:
    op.drop_index(name, "deliveries")
    op.create_index(name, "deliveries", columns, sqlite_where=where, postgresql_where=where)
