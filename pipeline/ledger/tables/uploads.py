"""Article files that somebody has uploaded, kept until they are published or an hour is over."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant
from pipeline.ledger.tables.base import metadata

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("by", sa.Text, nullable=False),  # who alone may see and publish it
    sa.Column("at", Instant, nullable=False),
    sa.Column("embargo", Instant),  # of all its articles, in place of what the files say
    sa.Column("take_over", sa.Boolean, nullable=False),
    sa.Index("ix_uploads_by", "by"),
)

uploaded_files = sa.Table(
    "uploaded_files",
    metadata,
    sa.Column("upload", sa.String(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text),  # None: text that was pasted
    sa.Column("data", sa.LargeBinary, nullable=False),
)
