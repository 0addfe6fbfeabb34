"""Articles, their revisions and renditions, and the events that made them."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant
from pipeline.ledger.tables.base import lease_columns, metadata

_OVERTAKEN = sa.text("outcome = 'overtaken'")
_SET_BACK = sa.text("set_back")

# Articles whose renditions are rendered again when their fingerprint is no longer current.
_SHOWN = sa.text("state = 'live' AND rendered IS NOT NULL AND due IS NULL")

# Articles that a person is to review on some day.
_TO_REVIEW = sa.text("state = 'live' AND next_review IS NOT NULL")

# Articles that the site does not show because of what they cite.
_ON_HOLD = sa.text("channel = '' AND cause = 'hold'")

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("source", sa.Text, nullable=False),  # CloudEvents' source and id together identify an event
    sa.Column("source_id", sa.Text, nullable=False),
    sa.Column("type", sa.String(16), nullable=False),
    sa.Column("article", sa.String(128), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("changed", sa.Boolean, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False, server_default="accepted"),  # or overtaken
    sa.Column("digest", sa.String(80)),  # of the event's content; None: it arrived before digests were stored
    sa.Column("time", Instant),  # when it happened, by the sender's clock
    sa.Column("sequence", sa.Text),
    sa.Column("stated", sa.String(16)),  # published or updated, as its sender says
    sa.Column("set_back", sa.Boolean, nullable=False, server_default=sa.false()),  # it showed the sender's clock was
    sa.Column("accepted", Instant, nullable=False),
    sa.Column("trace", sa.String(55)),  # of the span in which it was accepted; None: it was not traced
    sa.UniqueConstraint("source", "source_id"),
    sa.Index("ix_events_article", "article", "source", "time"),
    sa.Index("ix_events_set_back", "article", "source", "accepted", sqlite_where=_SET_BACK),
    sa.Index("ix_events_overtaken", "accepted", sqlite_where=_OVERTAKEN),
)

SUSPECT = sa.text("starts > 1")

articles = sa.Table(
    "articles",
    metadata,
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),  # live, scheduled, withdrawn
    sa.Column("revision", sa.Integer, nullable=False),  # the newest
    sa.Column("rendered", sa.Integer),  # the newest that was rendered, which channels should have
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("language", sa.String(64), nullable=False),
    sa.Column("published", Instant, nullable=False),
    sa.Column("updated", Instant, nullable=False),
    sa.Column("due", Instant),  # to be rendered
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("starts", sa.Integer, nullable=False, server_default="0"),  # claims since one that ended
    sa.Column("error", sa.Text),
    sa.Column("fingerprint", sa.String(80), nullable=False, server_default=""),  # of its renditions in all formats
    sa.Column("next_review", sa.Date),  # of the rendered revision
    *lease_columns(),
    sa.Index("ix_articles_due", "due"),
    sa.Index("ix_articles_starts", "starts", sqlite_where=SUSPECT),
    # With `state`, though it is always the same there: SQLite takes an index of a state for better than one of days.
    sa.Index(
        "ix_articles_next_review",
        *("state", "next_review", "id"),
        sqlite_where=_TO_REVIEW,
    ),
    sa.Index("ix_articles_state", "state", "id"),
    sa.Index("ix_articles_state_updated", "state", "updated"),
    sa.Index("ix_articles_updated", "updated", "id"),
    sa.Index("ix_articles_fingerprint", *("state", "fingerprint", "updated"), sqlite_where=_SHOWN),
)

origins = sa.Table(
    "origins",
    metadata,
    sa.Column("place", sa.Text, primary_key=True),  # "file:" and a path, or "source:" and an event's source
    sa.Column("article", sa.String(128), primary_key=True),
    sa.Column("body", sa.String(80), nullable=False),  # the digest of its text
    sa.Column("at", Instant, nullable=False),
    sa.Index("ix_origins_article", "article"),
    sa.Index("ix_origins_body", "place", "body"),
)

article_names = sa.Table(
    "article_names",
    metadata,
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("article", sa.String(128), nullable=False),
    sa.Column("current", sa.Boolean, nullable=False),  # the latest name
    sa.Column("shown", sa.Boolean, nullable=False, server_default=sa.true()),  # a revision with this name was published
    sa.Index("ix_article_names_article", "article"),
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
    # What is also needed where the text is not; null in a row that a former release wrote.
    sa.Column("title", sa.Text),
    sa.Column("language", sa.Text),
    sa.Column("summary", sa.Text),
    sa.Column("canonical", sa.Text),
    sa.Column("address", sa.Text),
    sa.Column("topics", sa.Text),  # slugs, separated by spaces
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
    sa.Column("rendered_at", Instant),
    sa.Column("pending", sa.Integer),  # number of references shown without PubMed's answer
    sa.Column("overdue", sa.Boolean, nullable=False, server_default=sa.false()),  # it says that its review is overdue
    sa.Column("cause", sa.String(16)),  # refreshed: the same text and references, rendered in another way
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
    sa.Column("fingerprint", sa.String(80), nullable=False, server_default=""),  # of what made it besides the revision
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
    sa.Index("ix_withheld_on_hold", "article", sqlite_where=_ON_HOLD),
)

accepted_evidence = sa.Table(
    "accepted_evidence",
    metadata,
    sa.Column("article", sa.String(128), primary_key=True),
    sa.Column("channel", sa.String(128), primary_key=True),  # empty: all of them
    sa.Column("reference", sa.Text, primary_key=True),  # "pmid:123"
    sa.Column("state", sa.String(32), primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
)
