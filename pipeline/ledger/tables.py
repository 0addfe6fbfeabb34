"""The schema. Times are `Instant`s, documents are JSON bytes, and a row is to be worked on when it is `due`."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(column_0_label)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


# The few that may block their channel, looked up before every send without reading those that were delivered.
_WITHDRAWALS = sa.text("urgency = 0 AND due IS NOT NULL")

# The few that are being sent now, counted before every claim.
_LEASED = sa.text("lease IS NOT NULL")

# Those that wait for a partner to fetch them.
_AVAILABLE = sa.text("available IS NOT NULL")

# What no delivery may be: unfinished, and nothing will ever pick it up; or delivered with an older revision. The
# constraints refuse it. The sweep looks for it all the same, in an index that is empty.
_UNFINISHED_HAS_TIME = "state IN ('delivered', 'abandoned') OR due IS NOT NULL OR available IS NOT NULL"
_DELIVERED_IS_CURRENT = "state <> 'delivered' OR (held IS NOT NULL AND held >= wanted)"
STRANDED = sa.text(f"NOT (({_UNFINISHED_HAS_TIME}) AND ({_DELIVERED_IS_CURRENT}))")


_OVERTAKEN = sa.text("outcome = 'overtaken'")


def _lease() -> tuple[sa.Column[str], sa.Column[object]]:
    """Return the columns for who works on the row and until when. An expired lease counts as none."""
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
    sa.Column("outcome", sa.String(16), nullable=False, server_default="accepted"),  # or overtaken
    sa.Column("digest", sa.String(80)),  # of what the event says; None: it arrived before this was kept
    sa.Column("time", Instant),  # when it happened, by the sender's clock
    sa.Column("sequence", sa.Text),
    sa.Column("accepted", Instant, nullable=False),
    sa.UniqueConstraint("source", "source_id"),
    sa.Index("ix_events_article", "article", "source", "time"),
    sa.Index("ix_events_overtaken", "accepted", sqlite_where=_OVERTAKEN, postgresql_where=_OVERTAKEN),
)

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
    sa.Column("rendered_at", Instant),
    sa.Column("pending", sa.Integer),  # references that it shows without PubMed's answer
)

references = sa.Table(
    "reference_records",
    metadata,
    sa.Column("pmid", sa.String(16), primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("record", sa.LargeBinary),  # a model.reference.Reference
    sa.Column("digest", sa.String(80)),  # of the record: whether an answer says anything new
    sa.Column("fetched", Instant),  # PubMed's last answer
    sa.Column("changed", Instant),  # when the record became what it is
    sa.Column("due", Instant),  # to be asked for
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("error", sa.Text),
    sa.Column("editorial", sa.Text, nullable=False, server_default=""),  # of the record: "retracted concern"
    sa.Column("priority", sa.Integer, nullable=False, server_default="0"),  # the lower is asked for first: see rechecks
    *_lease(),
    sa.Index("ix_reference_records_due", "due"),
    sa.Index("ix_reference_records_priority", "priority", "due"),
    sa.Index("ix_reference_records_state", "state", "editorial"),
)

citations = sa.Table(
    "citations",
    metadata,
    sa.Column("article", sa.String(128), primary_key=True),
    sa.Column("pmid", sa.String(16), primary_key=True),
    sa.Index("ix_citations_pmid", "pmid"),
)

identifiers = sa.Table(
    "identifiers",
    metadata,
    sa.Column("work", sa.Text, primary_key=True),  # a DOI or PMCID: "doi:10.1000/x", "pmcid:PMC1"
    sa.Column("state", sa.String(16), nullable=False),  # pending, resolved, unknown
    sa.Column("pmid", sa.String(16)),  # exactly when resolved
    sa.Column("asked", Instant),  # the converter's last answer
    sa.Column("due", Instant),  # to be asked for
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("error", sa.Text),
    *_lease(),
    sa.Index("ix_identifiers_due", "due"),
)

identifier_citations = sa.Table(
    "identifier_citations",
    metadata,
    sa.Column("article", sa.String(128), primary_key=True),
    sa.Column("work", sa.Text, primary_key=True),
    sa.Index("ix_identifier_citations_work", "work"),
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
    sa.Column("available", Instant),  # of a pulled channel: since when it waits for the partner to fetch it
    *_lease(),
    sa.UniqueConstraint("article", "channel"),
    sa.CheckConstraint("state IN ('pending', 'sending', 'delivered', 'abandoned')", name="state"),
    sa.CheckConstraint(_UNFINISHED_HAS_TIME, name="unfinished_has_time"),
    sa.CheckConstraint(_DELIVERED_IS_CURRENT, name="delivered_is_current"),
    sa.Index("ix_deliveries_due", "channel", "due", "id"),
    sa.Index("ix_deliveries_leased", "channel", "lease", sqlite_where=_LEASED, postgresql_where=_LEASED),
    sa.Index("ix_deliveries_withdrawals", "channel", sqlite_where=_WITHDRAWALS, postgresql_where=_WITHDRAWALS),
    sa.Index("ix_deliveries_state", "state"),
    sa.Index("ix_deliveries_available", "channel", sqlite_where=_AVAILABLE, postgresql_where=_AVAILABLE),
    sa.Index("ix_deliveries_stranded", "id", sqlite_where=STRANDED, postgresql_where=STRANDED),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("delivery", sa.String(64), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),  # delivered, transient, permanent, fault
    sa.Column("status", sa.Integer),  # the other end's, where it has such a thing
    sa.Column("milliseconds", sa.Integer, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("answer", sa.Text),  # the first kilobyte of what the other end said, secrets cut out
    sa.Index("ix_attempts_delivery", "delivery", "at"),
    sa.Index("ix_attempts_at", "at", "outcome"),
)

channels = sa.Table(
    "channels",
    metadata,
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False, default=0),  # transient ones, in a row
    sa.Column("paused_until", Instant),
    sa.Column("disabled", Instant),  # when the other end said 410 Gone
    sa.Column("reason", sa.Text),
    sa.Column("opened", Instant),  # when its circuit opened; None: it is closed
    sa.Column("answered", Instant),  # when the other end took or refused something last
    sa.Column("next_send", Instant),  # not before: its rate
    sa.Column("next_batch", Instant),  # not before: what comes until then goes together
)

proofs = sa.Table(
    "proofs",
    metadata,
    sa.Column("delivery", sa.String(64), primary_key=True),
    sa.Column("article", sa.String(128), nullable=False),
    sa.Column("channel", sa.String(128), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("withdrawn", Instant, nullable=False),  # when the channel took the withdrawal
    sa.Column("checked", Instant),
    sa.Column("proved", Instant),  # when it was found to be gone
    sa.Column("shown", sa.Text),  # where it was still to be read
    sa.Column("due", Instant),  # to be looked for
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("error", sa.Text),  # why it could not be looked for
    *_lease(),
    sa.Index("ix_proofs_due", "due"),
    sa.Index("ix_proofs_article", "article"),
)

feeds = sa.Table(
    "feeds",
    metadata,
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("generation", sa.Integer, nullable=False),  # counts the changes that made it stale
    sa.Column("due", Instant),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("error", sa.Text),
    sa.Column("shape", sa.String(80)),  # of the settings that it was built by; other settings rebuild all of it
    sa.Column("findings", sa.Text),  # JSON: what its partner's rules say against it; None: nothing
    sa.Column("rest_until", Instant),  # it is not built sooner, whatever changes
    sa.Column("rest", sa.Integer),  # milliseconds from its last build until then: longer while changes keep coming
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
    sa.Column("previous", sa.String(80)),  # the digest that it had before: kept in the store until the next one
)

feed_changes = sa.Table(
    "feed_changes",
    metadata,
    sa.Column("feed", sa.String(128), primary_key=True),
    sa.Column("article", sa.String(128), primary_key=True),
    sa.Column("generation", sa.Integer, nullable=False),  # counts the changes since the feed took the article in
)

feed_entries = sa.Table(
    "feed_entries",
    metadata,
    sa.Column("feed", sa.String(128), primary_key=True),
    sa.Column("page", sa.Integer, primary_key=True),
    sa.Column("article", sa.String(128), primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),  # live, withdrawn
    sa.Column("revision", sa.Integer, nullable=False),  # that the feed shows
    sa.Column("published", Instant, nullable=False),
    sa.Column("updated", Instant, nullable=False),
    sa.Column("canonical", sa.Text),  # of the sitemap's entries only: where the article says that it lives
    sa.Index("ix_feed_entries_article", "article", "feed"),
    sa.Index("ix_feed_entries_updated", "feed", "state", "updated"),
    sa.Index("ix_feed_entries_published", "feed", "state", "published"),
)

feed_pages = sa.Table(
    "feed_pages",
    metadata,
    sa.Column("feed", sa.String(128), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # from 1, the oldest
    sa.Column("sealed", sa.Boolean, nullable=False),  # it is full: nothing new comes into it
    sa.Column("stale", sa.Integer, nullable=False),  # 0 built, 1 to be built, 2 to be built first: something left it
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
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("lease", sa.String(64)),
    sa.Column("leased_until", Instant),
    sa.Column("not_before", Instant),  # it cannot be taken before this
    sa.Column("allowed", sa.Integer),  # requests a second, as NCBI allows them; of the row `pubmed` only
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
    sa.Column("expires", Instant),  # None: never
)

channel_contents = sa.Table(
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

evidence_changes = sa.Table(
    "evidence_changes",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("pmid", sa.String(16), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("gained", sa.Text, nullable=False),  # editorial states: "retracted concern"
    sa.Column("lost", sa.Text, nullable=False),
    sa.Column("record", sa.LargeBinary, nullable=False),  # the model.reference.Reference that says so
    sa.Column("articles", sa.Text, nullable=False),  # JSON: the articles that were out and cited it
    sa.Index("ix_evidence_changes_pmid", "pmid"),
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

pulls = sa.Table(
    "pulls",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("channel", sa.String(128), nullable=False),
    sa.Column("token", sa.Text, nullable=False),  # the name of the token that was shown
    sa.Column("at", Instant, nullable=False),
    sa.Column("first", sa.BigInteger, nullable=False),  # the changes that were handed out, by their `seq`
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Index("ix_pulls_channel", "channel", "last"),
)

pull_positions = sa.Table(
    "pull_positions",
    metadata,
    sa.Column("channel", sa.String(128), primary_key=True),
    sa.Column("taken", sa.BigInteger, nullable=False),  # the partner has said that it has everything up to this `seq`
    sa.Column("seen", Instant, nullable=False),  # when it asked last, to the minute
    sa.Column("token", sa.Text, nullable=False),
)

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # made of topic and callback: each pair is one subscription
    sa.Column("feed", sa.String(128), nullable=False),
    sa.Column("format", sa.String(64), nullable=False),
    sa.Column("topic", sa.Text, nullable=False),  # the feed's address, as the subscriber knows it
    sa.Column("callback", sa.Text, nullable=False),
    sa.Column("host", sa.String(255), nullable=False),  # of the callback
    sa.Column("secret", sa.Text),  # what is pushed is signed with it, so it cannot be kept as a hash
    sa.Column("since", Instant, nullable=False),
    sa.Column("expires", Instant, nullable=False),
    sa.Column("wanted", sa.String(80)),  # the digest of the feed document that the subscriber should hold
    sa.Column("held", sa.String(80)),  # … of the one that it took last, or that there was when it subscribed
    sa.Column("suspect", sa.Boolean, nullable=False, default=False),  # slow or silent when it was called last
    sa.Column("due", Instant),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),  # that failed, in a row
    sa.Column("error", sa.Text),
    *_lease(),
    sa.CheckConstraint(
        "due IS NOT NULL OR wanted IS NULL OR (held IS NOT NULL AND held = wanted)", name="owed_has_time"
    ),
    sa.Index("ix_subscriptions_due", "suspect", "due"),
    sa.Index("ix_subscriptions_topic", "feed", "format"),
    sa.Index("ix_subscriptions_host", "host"),
    sa.Index("ix_subscriptions_expires", "expires"),
)

subscription_requests = sa.Table(
    "subscription_requests",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # as the subscription's: a newer request replaces an older
    sa.Column("mode", sa.String(16), nullable=False),  # subscribe, unsubscribe, denied
    sa.Column("feed", sa.String(128), nullable=False),
    sa.Column("format", sa.String(64), nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("callback", sa.Text, nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("secret", sa.Text),
    sa.Column("lease_seconds", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text),  # of a denial
    sa.Column("generation", sa.String(64), nullable=False),  # tells a request from the one that it replaced
    sa.Column("at", Instant, nullable=False),
    sa.Column("due", Instant),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    *_lease(),
    sa.Index("ix_subscription_requests_due", "due"),
    sa.Index("ix_subscription_requests_host", "host"),
)
