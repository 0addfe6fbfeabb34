"""Site-wide tables: named leases, tokens, the ledger's clock, its processes and the places that hosts must share."""

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
    sa.Column("error", sa.Text),  # the code of the last of them
    sa.Column("failing", Instant),  # when the first of them ended; only of NCBI's services
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
    sa.Column("used", Instant),  # when it last opened something, to the hour; None: never, or before this was kept
)

# People who are signed in to the console.
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),  # SHA-256 of the cookie's value, which is 256 random bits
    sa.Column("token", sa.String(64)),  # the hash of the token that was signed in with; None: `issuer` knows the person
    sa.Column("created", Instant, nullable=False),
    sa.Column("seen", Instant, nullable=False),  # the last request, to the minute
    sa.Column("client", sa.String(64)),  # the address that signed in; None: before this was kept
    sa.Column("issuer", sa.Text),  # None, as are the following: somebody with a token
    sa.Column("subject", sa.String(255)),  # who it is at the issuer
    sa.Column("name", sa.Text),  # what the issuer called them
    sa.Column("role", sa.String(16)),  # what the issuer's claims gave them when they signed in
    sa.Column("passkey", sa.String(64)),  # the hash of the passkey that was signed in with, if one was
)

# SQLite only, with one row: how far the host's clock was from the time since its boot when a process last agreed.
clock = sa.Table(
    "clock",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("boot", sa.String(64), nullable=False),  # the host's, between two restarts; "" where it has none
    sa.Column("booted", Instant, nullable=False),  # the clock's time when the host's uptime was zero
    sa.Column("at", Instant, nullable=False),  # the ledger's time when this was written
)

processes = sa.Table(
    "processes",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("started", Instant, nullable=False),
    sa.Column("seen", Instant, nullable=False),  # by the ledger's clock
    sa.Column("release", sa.String(64), nullable=False),
    sa.Column("schema", sa.String(16), nullable=False),  # that it was written for
    sa.Column("settings", sa.String(80), nullable=False),  # a digest, without the values of secrets
    sa.Column("clock_off", sa.Integer, nullable=False),  # milliseconds by which its clock is ahead of the ledger's
    sa.Column("trouble", sa.Text),  # why it takes no work
)

# Places of which all hosts must see the same one: each holds a file with its nonce.
shared_places = sa.Table(
    "shared_places",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),  # `store`, or the location of a channel's folder
    sa.Column("nonce", sa.String(64), nullable=False),
    sa.Column("location", sa.Text, nullable=False),
    sa.Column("host", sa.String(255), nullable=False),  # that made the file
    sa.Column("at", Instant, nullable=False),
)
