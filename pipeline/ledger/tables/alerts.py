"""Conditions that needed a person, and the notices about them."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant
from pipeline.ledger.tables.base import metadata

_OPEN = sa.text("ended IS NULL")

# An episode: from when a condition was first seen until it was gone.
alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("key", sa.Text, nullable=False),  # of the condition
    sa.Column("condition", sa.LargeBinary, nullable=False),  # as it was first seen, as JSON
    sa.Column("opened", Instant, nullable=False),
    sa.Column("ended", Instant),
    sa.Index("ix_alerts_open", "key", unique=True, sqlite_where=_OPEN),
    sa.Index("ix_alerts_ended", "ended"),
)

alert_notices = sa.Table(
    "alert_notices",
    metadata,
    sa.Column("alert", sa.String(64), primary_key=True),
    sa.Column("receiver", sa.String(128), primary_key=True),
    sa.Column("kind", sa.String(8), primary_key=True),  # opened, ended
    sa.Column("at", Instant, nullable=False),
)
