"""Streams outside that events are read from."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant
from pipeline.ledger.tables.base import metadata

streams = sa.Table(
    "streams",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("group", sa.String(255), primary_key=True),
    sa.Column("dead", sa.Integer, nullable=False),  # entries that were set aside, and lie in the dead stream
    sa.Column("since", Instant),  # when the first of them was
    sa.Column("error", sa.Text),  # of the last one
)
