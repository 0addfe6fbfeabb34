"""Operations by commands, events and people, and the result of each part."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant
from pipeline.ledger.tables.base import metadata

operations = sa.Table(
    "operations",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),  # a `Kind`
    sa.Column("by", sa.Text, nullable=False),  # the command, or the name of the token
    sa.Column("at", Instant, nullable=False),
    sa.Column("undoes", sa.String(64)),
    sa.Column("planned", sa.Integer),  # number of parts, or files for a publish, if known in advance
    sa.Column("ended", Instant),  # None: it is still running, or was interrupted
    sa.Column("alive_until", Instant),  # when it counts as interrupted, unless its process gives another sign of life
    sa.Index("ix_operations_at", "at"),
)

operation_parts = sa.Table(
    "operation_parts",
    metadata,
    sa.Column("operation", sa.String(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("article", sa.String(128)),  # None: a file in which no id could be read
    sa.Column("before", sa.Integer),  # the article's newest revision before; None: there was no article
    sa.Column("revision", sa.Integer),  # … and after; None: there is none
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("file", sa.Text),
    sa.Column("channel", sa.String(128)),  # of a replay, and of the release of one channel's hold
    sa.Column("reason", sa.Text),  # why it was withdrawn, refused or not done
    sa.Index("ix_operation_parts_article", "article"),
)
