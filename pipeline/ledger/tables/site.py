"""Site-wide tables: named leases and tokens."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant
from pipeline.ledger.tables.base import metadata

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("lease", sa.String(64)),
    sa.Column("leased_until", Instant),
    sa.Column("not_before", Instant),  # it cannot be taken before this
    sa.Column("allowed", sa.Integer),  # requests per second that NCBI allows; only in the row `pubmed`
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
