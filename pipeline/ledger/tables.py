"""The schema. Times are `Instant`s; documents are JSON bytes; every `due` column says when a row wants attention."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(column_0_label)s",
    }
)


# The few that hold up their channel, asked for before every send: found without a look at those that were delivered.
_WITHDRAWALS = sa.text("urgency = 0 AND due IS NOT NULL")


def _lease() -> tuple[sa.Column[str], sa.Column[object]]:
    """Who works on the row and until when. A lease that has run out is no lease."""
    return sa.Column("lease", sa.String(64)), sa.Column("leased_until", Instant)


events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("source", sa.Text, nullable=False),  # CloudEvents' source and id: together one event, however often sent
    sa.Column("source_id", sa.Text, nullable=False),
    sa.Column("type", sa.String(16), nullable=False),
    sa.Column("article", sa.String(128), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("changed", sa.Boolean, nullable=False),
    sa.Column("time", Instant),  # when the sender says that it happened
    sa.Column("accepted", Instant, nullable=False),
    sa.UniqueConstraint("source", "source_id"),
    sa.Index("ix_events_article", "article", "source", "time"),
)

articles = sa.Table(
    "articles",
    metadata,
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),  # live, scheduled, withdrawn
    sa.Column("revision", sa.Integer, nullable=False),  # the newest
    sa.Column("rendered", sa.Integer),  # the newest that was rendered: what channels are owed
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("language", sa.String(64), nullable=False),
    sa.Column("published", Instant, nullable=False),
    sa.Column("updated", Instant, nullable=False),
    sa.Column("due", Instant),  # to be rendered
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("error", sa.Text),
    *_lease(),
    sa.Index("ix_articles_due", "due"),
    sa.Index("ix_articles_state_updated", "state", "updated"),
)

topics = sa.Table(
    "article_topics",
    metadata,
    sa.Column("article", sa.String(128), primary_key=True),
    sa.Column("topic", sa.String(128), primary_key=True),
    sa.Index("ix_article_topics_topic", "topic"),
)

contents = sa.Table(
    "contents",
    metadata,
    sa.Column("digest", sa.String(80), primary_key=True),
    sa.Column("article", sa.LargeBinary, nullable=False),  # a model.article.Article
)

revisions = sa.Table(
    "revisions",
    metadata,
    sa.Column("article", sa.String(128), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("event_id", sa.String(64)),  # None: evidence changed
    sa.Column("content", sa.String(80)),  # None: a withdrawal
    sa.Column("reason", sa.Text),  # of a withdrawal
    sa.Column("at", Instant, nullable=False),
    sa.Column("updated", Instant, nullable=False),  # the date that readers see
    sa.Column("evidence", sa.LargeBinary),  # tuple[CitedReference, ...] as it was shown; None until rendered
)

references = sa.Table(
    "reference_records",
    metadata,
    sa.Column("pmid", sa.String(16), primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("record", sa.LargeBinary),  # a model.reference.Reference
    sa.Column("fetched", Instant),  # PubMed's last answer
    sa.Column("due", Instant),  # to be asked for
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("error", sa.Text),
    *_lease(),
    sa.Index("ix_reference_records_due", "due"),
)

citations = sa.Table(
    "citations",
    metadata,
    sa.Column("article", sa.String(128), primary_key=True),
    sa.Column("pmid", sa.String(16), primary_key=True),
    sa.Index("ix_citations_pmid", "pmid"),
)

renditions = sa.Table(
    "renditions",
    metadata,
    sa.Column("article", sa.String(128), primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("format", sa.String(64), primary_key=True),
    sa.Column("media_type", sa.String(128), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(80), nullable=False),  # names the bytes in the rendition store
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("article", sa.String(128), nullable=False),
    sa.Column("channel", sa.String(128), nullable=False),
    sa.Column("format", sa.String(64), nullable=False),
    sa.Column("wanted", sa.Integer, nullable=False),  # the revision that the channel should hold
    sa.Column("wanted_digest", sa.String(80)),  # None: a withdrawal, whose tombstone is made when it is sent
    sa.Column("urgency", sa.Integer, nullable=False),  # 0 a withdrawal, 1 anything else
    sa.Column("held", sa.Integer),  # the revision that it took last
    sa.Column("held_digest", sa.String(80)),
    sa.Column("held_event", sa.String(16)),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),  # at the wanted revision
    sa.Column("attempted", sa.Boolean, nullable=False, default=False),  # ever: the channel may have seen the article
    sa.Column("error", sa.Text),
    sa.Column("remote_id", sa.Text),
    sa.Column("changed", Instant, nullable=False),
    sa.Column("due", Instant),
    *_lease(),
    sa.UniqueConstraint("article", "channel"),
    sa.Index("ix_deliveries_due", "channel", "due"),
    sa.Index("ix_deliveries_withdrawals", "channel", sqlite_where=_WITHDRAWALS, postgresql_where=_WITHDRAWALS),
    sa.Index("ix_deliveries_state", "state"),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("delivery", sa.String(64), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),  # delivered, transient, permanent
    sa.Column("status", sa.Integer),  # the other end's, where it has such a thing
    sa.Column("milliseconds", sa.Integer, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Index("ix_attempts_delivery", "delivery", "at"),
)

channels = sa.Table(
    "channels",
    metadata,
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False, default=0),  # transient ones, in a row
    sa.Column("paused_until", Instant),
    sa.Column("disabled", Instant),  # when the other end said 410 Gone
    sa.Column("reason", sa.Text),
)

feeds = sa.Table(
    "feeds",
    metadata,
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("generation", sa.Integer, nullable=False),  # counts the changes that made it stale
    sa.Column("due", Instant),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("error", sa.Text),
    *_lease(),
)

feed_documents = sa.Table(
    "feed_documents",
    metadata,
    sa.Column("feed", sa.String(128), primary_key=True),
    sa.Column("format", sa.String(64), primary_key=True),
    sa.Column("media_type", sa.String(128), nullable=False),
    sa.Column("digest", sa.String(80), nullable=False),
    sa.Column("modified", Instant, nullable=False),  # when these bytes came to be
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("lease", sa.String(64)),
    sa.Column("leased_until", Instant),
    sa.Column("not_before", Instant),  # nobody may have it sooner
    sa.Column("failures", sa.Integer, nullable=False, default=0),  # in a row
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),  # SHA-256 of a token of 256 random bits
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("created", Instant, nullable=False),
    sa.Column("revoked", Instant),
)

holdings = sa.Table(
    "holdings",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("article", sa.String(128), nullable=False),
    sa.Column("channel", sa.String(128), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("digest", sa.String(80)),  # None: a withdrawal
    sa.Column("at", Instant, nullable=False),
    sa.Index("ix_holdings_article", "article", "channel", "at"),
)

withheld = sa.Table(
    "withheld",
    metadata,
    sa.Column("article", sa.String(128), primary_key=True),
    sa.Column("channel", sa.String(128), primary_key=True),
    sa.Column("cause", sa.String(16), nullable=False),  # gate, hold
    sa.Column("reason", sa.Text, nullable=False),  # names the references at fault
    sa.Column("pmids", sa.Text, nullable=False),  # JSON
    sa.Column("revision", sa.Integer, nullable=False),  # for which that was found
    sa.Column("since", Instant, nullable=False),
)

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("seq", sa.BigInteger),  # its place in the order of commits; None until somebody asks
    sa.Column("channel", sa.String(128), nullable=False),
    sa.Column("article", sa.String(128), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("format", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(80)),  # None: a withdrawal
    sa.Column("at", Instant, nullable=False),
    sa.Index("ix_changes_channel", "channel", "seq"),
    sa.Index("ix_changes_article", "article", "channel", "id"),
)
