"""When the ledger was restored from a backup, and until when everything was held because of it."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant
from pipeline.ledger.tables.base import metadata

restorations = sa.Table(
    "restorations",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("backup", Instant, nullable=False),  # when the backup was made
    sa.Column("ended", Instant),  # when an operator let everything go on; None: everything is held
)

# What lies beyond the backup, as the places and the former ledger say; kept, because numbers go on after it.
restored_findings = sa.Table(
    "restored_findings",
    metadata,
    sa.Column("place", sa.String(128), primary_key=True),  # its key; empty: the former ledger
    sa.Column("article", sa.String(128), primary_key=True),  # empty: the place could not be read back
    sa.Column("kind", sa.String(16), nullable=False),  # newer, withdrawn, accepted, gone, unread
    sa.Column("revision", sa.Integer),  # that the place has, or had; None: the place could not be read back
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("found", Instant, nullable=False),
    sa.Column("accepted", Instant),  # when an operator said that the backup counts all the same
    sa.Column("by", sa.Text),
    sa.Index("ix_restored_findings_article", "article"),
)
