"""Deliveries, attempts at them, and the channels that they go to."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant
from pipeline.ledger.tables.base import lease_columns, metadata

# What is outstanding at each channel: the sweep reads one entry of it for each channel that has any.
_OUTSTANDING = sa.text("due IS NOT NULL")

# The few that may block their channel, looked up before every send without reading delivered or refused ones.
_WITHDRAWALS = sa.text("urgency = 0 AND due IS NOT NULL")

# What is sent before anything that may wait, without reading a site's worth of the latter.
_NEWS = sa.text("urgency < 2 AND due IS NOT NULL")

# The few that are currently being sent, counted before every claim.
_LEASED = sa.text("lease IS NOT NULL")

# What people look for: all but the delivered, which are nearly all.
_UNFINISHED = sa.text("state <> 'delivered'")

# The dead letters of each channel, which its next success tries again.
_ABANDONED = sa.text("state = 'abandoned'")

# What a channel refused lately, which the operator is alerted to.
_REFUSED = sa.text("refusals > 0")

# Deliveries that wait for a partner to fetch them.
_AVAILABLE = sa.text("available IS NOT NULL")

# States that no delivery may be in: unfinished without anything that will ever pick it up, or delivered with an older
# revision. The constraints refuse them. The sweep still looks for them, in an index that is empty.
_UNFINISHED_HAS_TIME = "state IN ('delivered', 'abandoned') OR due IS NOT NULL OR available IS NOT NULL"
_DELIVERED_IS_CURRENT = "state <> 'delivered' OR (held IS NOT NULL AND held >= wanted)"
STRANDED = sa.text(f"NOT (({_UNFINISHED_HAS_TIME}) AND ({_DELIVERED_IS_CURRENT}))")

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("article", sa.String(128), nullable=False),
    sa.Column("channel", sa.String(128), nullable=False),
    sa.Column("format", sa.String(64), nullable=False),
    sa.Column("wanted", sa.Integer, key="target_revision", nullable=False),  # the revision that the channel should have
    sa.Column(
        "wanted_digest", sa.String(80), key="target_digest"
    ),  # None: a withdrawal, whose tombstone is rendered when it is sent
    sa.Column("urgency", sa.Integer, nullable=False),  # 0 a withdrawal, 1 news, 2 what may wait: see `LATER`
    sa.Column("held", sa.Integer, key="delivered_revision"),  # the revision that it last accepted
    sa.Column("held_digest", sa.String(80), key="delivered_digest"),
    sa.Column("held_event", sa.String(16), key="delivered_event"),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),  # at the target revision
    sa.Column(
        "refusals", sa.Integer, nullable=False, default=0, server_default="0"
    ),  # in a row, of the target revision
    sa.Column("attempted", sa.Boolean, nullable=False, default=False),  # ever: the channel may have seen the article
    sa.Column("error", sa.Text),
    sa.Column("remote_id", sa.Text),
    sa.Column("tried", sa.Text),  # formats, space-separated: attempted since the last delivery, and that one's
    sa.Column("changed", Instant, nullable=False),
    sa.Column("due", Instant),
    sa.Column("available", Instant),  # of a pulled channel: since when it waits for the partner to fetch it
    *lease_columns(),
    sa.UniqueConstraint("article", "channel"),
    sa.CheckConstraint("state IN ('pending', 'sending', 'delivered', 'abandoned')", name="state"),
    sa.CheckConstraint(_UNFINISHED_HAS_TIME, name="unfinished_has_time"),
    sa.CheckConstraint(_DELIVERED_IS_CURRENT, name="delivered_is_current"),
    sa.Index("ix_deliveries_channel", "channel", "article"),
    sa.Index(
        "ix_deliveries_due",
        *("channel", "urgency", "due", "id"),
        sqlite_where=_OUTSTANDING,
    ),
    sa.Index("ix_deliveries_news", "channel", "due", "id", sqlite_where=_NEWS),
    sa.Index("ix_deliveries_leased", "channel", "lease", sqlite_where=_LEASED),
    sa.Index(
        "ix_deliveries_withdrawals",
        *("channel", "refusals", "due"),
        sqlite_where=_WITHDRAWALS,
    ),
    sa.Index(
        "ix_deliveries_unfinished",
        *("state", "article", "channel"),
        sqlite_where=_UNFINISHED,
    ),
    sa.Index("ix_deliveries_available", "channel", sqlite_where=_AVAILABLE),
    sa.Index("ix_deliveries_abandoned", "channel", "article", sqlite_where=_ABANDONED),
    sa.Index("ix_deliveries_refused", "channel", sqlite_where=_REFUSED),
    sa.Index("ix_deliveries_stranded", "id", sqlite_where=STRANDED),
)

_FAILED = sa.text("outcome <> 'delivered'")

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("delivery", sa.String(64), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column(
        "outcome", sa.String(16), nullable=False
    ),  # delivered, refused, transient, permanent, fault, interrupted, repaired
    sa.Column("status", sa.Integer),  # the other end's, if it has one
    sa.Column("milliseconds", sa.Integer, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("answer", sa.Text),  # the first kilobyte of the response, with secrets removed
    sa.Index("ix_attempts_delivery", "delivery", "at"),
    sa.Index("ix_attempts_at", "at", "outcome"),
    sa.Index("ix_attempts_failed_at", "at", "outcome", sqlite_where=_FAILED),
    sa.Index("ix_attempts_failed", *("delivery", "revision", "at"), sqlite_where=_FAILED),
)

channels = sa.Table(
    "channels",
    metadata,
    sa.Column("id", sa.String(128), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False, default=0),  # transient ones, in a row
    sa.Column("paused_until", Instant),
    sa.Column("disabled", Instant),  # when the other end said 410 Gone
    sa.Column("paused", Instant),  # None: it is not paused
    sa.Column("pause_reason", sa.Text),
    sa.Column("paused_by", sa.String(16)),  # partner; None: an operator, who alone resumes it then
    sa.Column("reason", sa.Text),
    sa.Column("failing", Instant),  # since when nothing was accepted but something failed or was refused
    sa.Column("opened", Instant),  # when its circuit opened; None: it is closed
    sa.Column("answered", Instant),  # when the other end last accepted or refused something
    sa.Column("next_send", Instant),  # not before: its rate
    sa.Column("next_batch", Instant),  # not before: deliveries that become due until then are sent together
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

# Withdrawn articles that can still be read somewhere.
_STILL_SHOWN = sa.text("due IS NOT NULL AND shown <> ''")

proofs = sa.Table(
    "proofs",
    metadata,
    sa.Column("delivery", sa.String(64), primary_key=True),
    sa.Column("article", sa.String(128), nullable=False),
    sa.Column("channel", sa.String(128), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("withdrawn", Instant, nullable=False),  # when the channel accepted the withdrawal
    sa.Column("checked", Instant),
    sa.Column("proved", Instant),  # when it was found to be gone
    sa.Column("shown", sa.Text),  # where it could still be read
    sa.Column("due", Instant),  # to be looked for
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("error", sa.Text),  # why the search failed
    *lease_columns(),
    sa.Index("ix_proofs_due", "due"),
    sa.Index("ix_proofs_article", "article"),
    sa.Index("ix_proofs_shown", "channel", "shown", sqlite_where=_STILL_SHOWN),
)

# What people wrote about causes of failures, which are not stored themselves.
failure_notes = sa.Table(
    "failure_notes",
    metadata,
    sa.Column("key", sa.String(32), primary_key=True),
    sa.Column("channel", sa.String(128), nullable=False),
    sa.Column("text", sa.Text),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("dismissed", Instant),  # as of when it was seen; None: it was not dismissed
)
