"""Operations by commands, events and people, and the result of each part."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant
from pipeline.ledger.tables.base import lease_columns, metadata

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
    sa.Index("ix_operation_parts_outcome", "operation", "outcome", "number"),
)

# An action on all articles that matched a search: prepared, then carried out a portion at a time until the row goes.
bulk_actions = sa.Table(
    "bulk_actions",
    metadata,
    sa.Column("operation", sa.String(64), primary_key=True),  # as which it is recorded once it is started
    sa.Column("action", sa.String(16), nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("seen", Instant, nullable=False),  # when the articles were looked at
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text),  # of a withdrawal
    sa.Column("position", sa.Integer, nullable=False, default=0),  # the number of the last article that was dealt with
    sa.Column("due", Instant),  # None: it was not started
    sa.Column("attempts", sa.Integer, nullable=False, default=0),  # at the next portion
    sa.Column("error", sa.Text),
    *lease_columns(),
    sa.Index("ix_bulk_actions_due", "due"),
)

bulk_articles = sa.Table(
    "bulk_articles",
    metadata,
    sa.Column("operation", sa.String(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("article", sa.String(128), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),  # the newest when it was looked at
)
