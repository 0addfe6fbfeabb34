"""Changes for partners who pull, and what they fetched."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant
from pipeline.ledger.tables.base import metadata

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("seq", sa.BigInteger),  # its place in commit order; None until a partner asks
    sa.Column("channel", sa.String(128), nullable=False),
    sa.Column("article", sa.String(128), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("format", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(80)),  # None: a withdrawal
    sa.Column("at", Instant, nullable=False),
    sa.Column("cause", sa.String(16)),  # refreshed: neither text nor references changed
    sa.Index("ix_changes_channel", "channel", "seq"),
    sa.Index("ix_changes_article", "article", "channel", "id"),
)

pulls = sa.Table(
    "pulls",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("channel", sa.String(128), nullable=False),
    sa.Column("token", sa.Text, nullable=False),  # the name of the token that was shown
    sa.Column("at", Instant, nullable=False),
    sa.Column("first", sa.BigInteger, nullable=False),  # the changes on the page, by their `seq`
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Index("ix_pulls_channel", "channel", "last"),
)

pull_positions = sa.Table(
    "pull_positions",
    metadata,
    sa.Column("channel", sa.String(128), primary_key=True),
    sa.Column("taken", sa.BigInteger, nullable=False),  # the partner has confirmed everything up to this `seq`
    sa.Column("seen", Instant, nullable=False),  # its last request, to the minute
    sa.Column("token", sa.Text, nullable=False),
)
