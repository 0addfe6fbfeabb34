"""Changes of evidence, what is withheld from whom, and what each channel held when."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "holdings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False),
        sa.Column("article", sa.String(length=128), nullable=False),
        sa.Column("channel", sa.String(length=128), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holdings")),
    )
    op.create_index("ix_holdings_article", "holdings", ["article", "channel", "at"], unique=False)
    op.create_table(
        "withheld",
        sa.Column("article", sa.String(length=128), nullable=False),
        sa.Column("channel", sa.String(length=128), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("pmids", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("article", "channel", name=op.f("pk_withheld")),
    )
    op.create_table(
        "evidence_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False),
        sa.Column("pmid", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("gained", sa.Text(), nullable=False),
        sa.Column("lost", sa.Text(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("articles", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_changes")),
    )
    op.create_index("ix_evidence_changes_pmid", "evidence_changes", ["pmid"], unique=False)
    op.add_column("revisions", sa.Column("rendered_at", sa.BigInteger(), nullable=True))
    op.add_column("revisions", sa.Column("pending", sa.Integer(), nullable=True))
    op.add_column("reference_records", sa.Column("editorial", sa.Text(), server_default="", nullable=False))
    op.add_column("reference_records", sa.Column("priority", sa.Integer(), server_default="0", nullable=False))
    op.create_index("ix_reference_records_priority", "reference_records", ["priority", "due"], unique=False)
    op.create_index("ix_reference_records_state", "reference_records", ["state", "editorial"], unique=False)
    op.create_index("ix_attempts_at", "attempts", ["at", "outcome"], unique=False)
    op.execute(_HELD_ALREADY)
    _look_again()


_HELD_ALREADY = """
    INSERT INTO holdings (article, channel, revision, event, digest, at)
    SELECT article, channel, held, COALESCE(held_event, 'updated'), held_digest, changed
    FROM deliveries WHERE held IS NOT NULL
"""  # since when exactly is not known: since the row changed last at the latest

_LATER = 2  # pipeline.ledger.rechecks.NIGHTLY, as it was when this was written
_ROWS = 500


def _look_again() -> None:
    """What was resolved before is to be looked at again, and its editorial states are told beside its record."""
    table = sa.table(
        "reference_records",
        *(sa.column(name) for name in ("pmid", "state", "record", "fetched", "due")),
        sa.column("editorial"),
        sa.column("priority"),
    )
    last = ""
    while rows := _some(table, last):
        for row in rows:
            editorial = " ".join(json.loads(row.record).get("editorial", ())) if row.record else ""
            values: dict[str, Any] = {"editorial": editorial, "priority": _LATER, "due": row.due or row.fetched}
            op.get_bind().execute(sa.update(table).where(table.c.pmid == row.pmid).values(**values))
        last = rows[-1].pmid


def _some(table: sa.TableClause, after: str) -> list[Any]:
    query = sa.select(table).where(table.c.state == "resolved", table.c.pmid > after)
    return list(op.get_bind().execute(query.order_by(table.c.pmid).limit(_ROWS)))
