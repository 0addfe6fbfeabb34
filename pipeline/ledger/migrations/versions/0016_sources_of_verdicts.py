"""What sources beside PubMed say was done to papers: whole lists, and answers about single papers."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_EACH = 500  # records in one statement


def upgrade() -> None:
    op.create_table(
        "evidence_sources",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("by_paper", sa.Boolean(), nullable=False),
        sa.Column("answered", sa.BigInteger(), nullable=True),
        sa.Column("failing", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("edition", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("rows", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_evidence_sources")),
    )
    op.create_table(
        "listed_verdicts",
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("pmid", sa.String(length=16), nullable=True),
        sa.Column("doi", sa.Text(), nullable=True),
        sa.Column("verdict", sa.LargeBinary(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", "id", name=op.f("pk_listed_verdicts")),
    )
    op.create_index("ix_listed_verdicts_pmid", "listed_verdicts", ["pmid"])
    op.create_index("ix_listed_verdicts_doi", "listed_verdicts", ["doi"])
    op.create_table(
        "source_checks",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("verdicts", sa.LargeBinary(), nullable=True),
        sa.Column("asked", sa.BigInteger(), nullable=True),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("lease", sa.String(length=64), nullable=True),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_source_checks")),
    )
    op.create_index("ix_source_checks_work", "source_checks", ["work"])
    op.create_index("ix_source_checks_due", "source_checks", ["source", "due"])
    op.add_column("reference_records", sa.Column("doi", sa.Text(), nullable=True))
    op.create_index("ix_reference_records_doi", "reference_records", ["doi"])
    _fill_dois(op.get_bind())


def _fill_dois(connection: sa.Connection) -> None:
    records = sa.table("reference_records", sa.column("pmid"), sa.column("record"), sa.column("doi"))
    columns, last = sa.select(records.c.pmid, records.c.record).where(records.c.record.is_not(None)), ""
    while rows := connection.execute(columns.where(records.c.pmid > last).order_by("pmid").limit(_EACH)).all():
        for pmid, record in rows:
            if doi := json.loads(record).get("doi"):
                connection.execute(sa.update(records).where(records.c.pmid == pmid).values(doi=doi.lower()))
        last = rows[-1].pmid
