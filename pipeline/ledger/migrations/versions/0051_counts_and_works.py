"""Counts of an hour's failures and of an operation's outcomes, and works without a PMID, without reading the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

_PARTIAL = {  # with the columns and the condition of each
    "ix_attempts_failed_at": ("attempts", ["at", "outcome"], "outcome <> 'delivered'"),
    "ix_identifiers_without_pmid": ("identifiers", ["work", "state"], "pmid IS NULL"),
}


def upgrade() -> None:
    for name, (table, columns, words) in _PARTIAL.items():
        where = sa.text(words)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
    op.create_index("ix_operation_parts_outcome", "operation_parts", ["operation", "outcome", "number"])
