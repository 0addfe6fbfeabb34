"""Lists and counts of what people look for, without reading what was delivered or is as it should be."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

_PARTIAL = {  # with the columns and the condition of each
    "ix_deliveries_unfinished": ("deliveries", ["state", "article", "channel"], "state <> 'delivered'"),
    "ix_deliveries_abandoned": ("deliveries", ["channel", "article"], "state = 'abandoned'"),
    "ix_attempts_failed": ("attempts", ["delivery", "revision", "at"], "outcome <> 'delivered'"),
    "ix_proofs_shown": ("proofs", ["channel", "shown"], "due IS NOT NULL AND shown <> ''"),
    "ix_articles_next_review": (
        "articles",
        ["state", "next_review", "id"],
        "state = 'live' AND next_review IS NOT NULL",
    ),
    "ix_articles_fingerprint": (
        "articles",
        ["state", "fingerprint", "updated"],
        "state = 'live' AND rendered IS NOT NULL AND due IS NULL",
    ),
    "ix_reference_records_gone": ("reference_records", ["pmid"], "state = 'gone'"),
    "ix_identifiers_gone": ("identifiers", ["work"], "state = 'gone'"),
}
_REPLACED = {
    "ix_deliveries_state": "deliveries",
    "ix_deliveries_abandoned": "deliveries",
    "ix_articles_next_review": "articles",
    "ix_articles_fingerprint": "articles",
}


def upgrade() -> None:
    for name, table in _REPLACED.items():
        op.drop_index(name, table)
    for name, (table, columns, words) in _PARTIAL.items():
        where = sa.text(words)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
    op.create_index("ix_articles_state", "articles", ["state", "id"])
