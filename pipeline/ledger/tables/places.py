"""Places, where copies of articles lie, and the settings that are in force."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant
from pipeline.ledger.tables.base import metadata

# The few that have something to be filled or emptied.
_BUSY = sa.text("fill IS NOT NULL OR state = 'emptying'")

places = sa.Table(
    "places",
    metadata,
    # The value of `deliveries.channel` and its like: the channel's id while the place is in force, and afterwards as
    # long as no other place of the channel needs it.
    sa.Column("key", sa.String(128), primary_key=True),
    sa.Column("channel", sa.String(128), nullable=False),
    sa.Column("type", sa.String(64)),  # None, like location, format and settings: it left before they were stored
    sa.Column("location", sa.Text),  # canonical, without secrets
    sa.Column("format", sa.String(64)),
    sa.Column("settings", sa.LargeBinary),  # the channel's last table, as JSON, with references to secrets only
    sa.Column("signing", sa.LargeBinary),  # secrets that its partner has made instead of those of the settings, sealed
    sa.Column("rotated", Instant),  # when they were made
    sa.Column("former_until", Instant),  # until when former secrets sign too
    sa.Column("state", sa.String(16), nullable=False),  # in-force, orphan, emptying, emptied, given-up
    sa.Column("since", Instant, nullable=False),
    sa.Column("left", Instant),  # when it ceased to be in force
    sa.Column("reason", sa.Text),  # why it was given up
    sa.Column("by", sa.String(128)),  # who gave it up
    sa.Column("fill", sa.Text),  # JSON: from which places it is being filled; None: it is filled
    sa.Column("filled_up_to", sa.String(128)),  # the last article of the first of them
    sa.Column("checked", Instant),  # when it was last read back completely
    sa.Column("check_due", Instant),  # when it is to be read back next
    sa.Column("checked_up_to", sa.String(128)),  # the last article of the current reading; None: none has begun
    sa.Column("check_error", sa.Text),  # why it could not be read back
    # The name gets its prefix twice, as in every ledger since the migration that made the table.
    sa.CheckConstraint("state IN ('in-force', 'orphan', 'emptying', 'emptied', 'given-up')", name="ck_places_state"),
    sa.Index("ix_places_channel", "channel"),
    sa.Index("ix_places_busy", "key", sqlite_where=_BUSY),
)

drift = sa.Table(
    "drift",
    metadata,
    sa.Column("place", sa.String(128), primary_key=True),
    sa.Column("name", sa.String(256), primary_key=True),  # an article, or a file that belongs to none
    sa.Column("kind", sa.String(16), nullable=False),  # missing, older, unknown, withdrawn
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("found", Instant, nullable=False),
)

settings_in_force = sa.Table(
    "settings_in_force",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),  # the part of the settings: channels
    sa.Column("digest", sa.String(80), nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),  # increased by every change of what is in force
    sa.Column("at", Instant, nullable=False),
)
