"""What commands and events did, and to which articles."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant
from pipeline.ledger.tables.base import metadata

operations = sa.Table(
    "operations",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),  # publish, withdraw, event, undo
    sa.Column("by", sa.Text, nullable=False),  # the command, or the name of the token
    sa.Column("at", Instant, nullable=False),
    sa.Column("undoes", sa.String(64)),
    sa.Index("ix_operations_at", "at"),
)

operation_parts = sa.Table(
    "operation_parts",
    metadata,
    sa.Column("operation", sa.String(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("article", sa.String(128), nullable=False),
    sa.Column("before", sa.Integer),  # the article's newest revision before; None: there was no article
    sa.Column("revision", sa.Integer, nullable=False),  # … and after
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Index("ix_operation_parts_article", "article"),
)
