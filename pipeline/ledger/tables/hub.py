"""The hub's subscriptions and the requests for them."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant
from pipeline.ledger.tables.base import lease_columns, metadata

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # derived from topic and callback: each pair is one subscription
    sa.Column("feed", sa.String(128), nullable=False),
    sa.Column("format", sa.String(64), nullable=False),
    sa.Column("topic", sa.Text, nullable=False),  # the feed's address, as the subscriber knows it
    sa.Column("callback", sa.Text, nullable=False),
    sa.Column("host", sa.String(255), nullable=False),  # of the callback
    sa.Column("secret", sa.Text),  # signs pushes, so it cannot be stored as a hash
    sa.Column("since", Instant, nullable=False),
    sa.Column("expires", Instant, nullable=False),
    sa.Column(
        "wanted", sa.String(80), key="target_digest"
    ),  # the digest of the feed document that the subscriber should have
    sa.Column(
        "held", sa.String(80), key="delivered_digest"
    ),  # … of the one it last accepted, or of the current one when it subscribed
    sa.Column("suspect", sa.Boolean, nullable=False, default=False),  # slow or silent at the last call
    sa.Column("due", Instant),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),  # consecutive failures
    sa.Column("error", sa.Text),
    sa.Column("client", sa.String(64)),  # who asked for it first: an address, or an IPv6 /64
    *lease_columns(),
    sa.CheckConstraint(
        "due IS NOT NULL OR wanted IS NULL OR (held IS NOT NULL AND held = wanted)", name="owed_has_time"
    ),
    sa.Index("ix_subscriptions_due", "suspect", "due"),
    sa.Index("ix_subscriptions_topic", "feed", "format"),
    sa.Index("ix_subscriptions_host", "host"),
    sa.Index("ix_subscriptions_expires", "expires"),
    sa.Index("ix_subscriptions_client", "client"),
)

subscription_requests = sa.Table(
    "subscription_requests",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),  # the subscription's id: a newer request replaces an older one
    sa.Column("mode", sa.String(16), nullable=False),  # subscribe, unsubscribe, denied
    sa.Column("feed", sa.String(128), nullable=False),
    sa.Column("format", sa.String(64), nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("callback", sa.Text, nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("secret", sa.Text),
    sa.Column("lease_seconds", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text),  # of a denial
    sa.Column("generation", sa.String(64), nullable=False),  # distinguishes a request from one that it replaced
    sa.Column("at", Instant, nullable=False),
    sa.Column("due", Instant),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("client", sa.String(64)),  # whose request it is: an address, or an IPv6 /64
    sa.Column("turn", sa.Integer, nullable=False, default=0, server_default="0"),  # lower ones are served first
    *lease_columns(),
    sa.Index("ix_subscription_requests_due", "due"),
    sa.Index("ix_subscription_requests_client", "client"),
    sa.Index("ix_subscription_requests_host", "host"),
)
