"""When the ledger was restored from a backup, and until when everything was held because of it."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant
from pipeline.ledger.tables.base import metadata

restorations = sa.Table(
    "restorations",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("backup", Instant, nullable=False),  # when the backup was made
    sa.Column("ended", Instant),  # when an operator let everything go on; None: everything is held
)
