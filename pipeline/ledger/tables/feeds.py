"""Feeds, their pages, and their built documents."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant
from pipeline.ledger.tables.base import lease_columns, metadata

feeds = sa.Table(
    "feeds",
    metadata,
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("generation", sa.Integer, nullable=False),  # counts the changes that made it stale
    sa.Column("due", Instant),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("error", sa.Text),
    sa.Column("shape", sa.String(80)),  # digest of the settings it was built with; other settings rebuild all of it
    sa.Column("findings", sa.Text),  # JSON: violations of its partner's rules; None: none
    sa.Column("rest_until", Instant),  # it is not built before this time
    sa.Column("rest", sa.Integer),  # milliseconds from its last build to `rest_until`
    *lease_columns(),
)

feed_documents = sa.Table(
    "feed_documents",
    metadata,
    sa.Column("feed", sa.String(128), primary_key=True),
    sa.Column("format", sa.String(64), primary_key=True),
    sa.Column("media_type", sa.String(128), nullable=False),
    sa.Column("digest", sa.String(80), nullable=False),
    sa.Column("modified", Instant, nullable=False),  # since when the bytes are unchanged
    sa.Column(
        "writing", sa.Boolean, nullable=False, default=False, server_default=sa.false()
    ),  # see feed_page_documents
    sa.Column("previous", sa.String(80)),  # the previous digest, kept in the store until the next one
)

feed_changes = sa.Table(
    "feed_changes",
    metadata,
    sa.Column("feed", sa.String(128), primary_key=True),
    sa.Column("article", sa.String(128), primary_key=True),
    sa.Column("generation", sa.Integer, nullable=False),  # counts the changes since the feed first included the article
)

feed_entries = sa.Table(
    "feed_entries",
    metadata,
    sa.Column("feed", sa.String(128), primary_key=True),
    sa.Column("page", sa.Integer, primary_key=True),
    sa.Column("article", sa.String(128), primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),  # live, withdrawn
    sa.Column("revision", sa.Integer, nullable=False),  # the revision that the feed shows
    sa.Column("published", Instant, nullable=False),
    sa.Column("updated", Instant, nullable=False),
    sa.Column("canonical", sa.Text),  # only for the sitemap's entries: the article's own canonical address
    # Since when the feed has shown this revision; None: not yet, or a release that did not record it placed it.
    sa.Column("shown_since", Instant),
    sa.Column("unwritten", sa.Boolean, nullable=False, default=False, server_default=sa.false()),  # not shown yet
    sa.Index("ix_feed_entries_article", "article", "feed"),
    sa.Index("ix_feed_entries_updated", "feed", "state", "updated"),
    sa.Index("ix_feed_entries_published", "feed", "state", "published"),
    sa.Index("ix_feed_entries_unwritten", "feed", sqlite_where=sa.text("unwritten")),
)

feed_pages = sa.Table(
    "feed_pages",
    metadata,
    sa.Column("feed", sa.String(128), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # from 1, the oldest
    sa.Column("sealed", sa.Boolean, nullable=False),  # it is full, and gets no new entries
    sa.Column("stale", sa.Integer, nullable=False),  # 0 built, 1 to build, 2 to build first: an article left it
    sa.Index("ix_feed_pages_stale", "feed", "stale"),
)

feed_page_documents = sa.Table(
    "feed_page_documents",
    metadata,
    sa.Column("feed", sa.String(128), primary_key=True),
    sa.Column("page", sa.Integer, primary_key=True),
    sa.Column("format", sa.String(64), primary_key=True),
    sa.Column("digest", sa.String(80), nullable=False),
    sa.Column("modified", Instant, nullable=False),
    # Other bytes are being written, or were when their writer died: the file may hold either.
    sa.Column("writing", sa.Boolean, nullable=False, default=False, server_default=sa.false()),
)

# Who fetched a feed on a day (UTC). No address of a client is kept.
feed_readers = sa.Table(
    "feed_readers",
    metadata,
    sa.Column("feed", sa.String(128), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("reader", sa.String(64), primary_key=True),  # by its User-Agent; see `pipeline.feeds.user_agents`
    sa.Column("format", sa.String(64), primary_key=True),
    sa.Column("requests", sa.BigInteger, nullable=False),
    sa.Column("said", sa.BigInteger),  # the most subscribers that it said it has; None: it said nothing of them
)
