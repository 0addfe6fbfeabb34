"""Tables of passkeys: who has them, what they are, the ways back in without them, and what is asked in a sign-in."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant
from pipeline.ledger.tables.base import metadata

passkey_people = sa.Table(
    "passkey_people",
    metadata,
    sa.Column("handle", sa.String(43), primary_key=True),  # random, and known to their authenticators
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    # The hash of the token that they were signed in with when they added the first: they are its holder, and their
    # passkeys open nothing once it does not. None: they were invited.
    sa.Column("token", sa.String(64)),
    sa.Column("created", Instant, nullable=False),
)

passkeys = sa.Table(
    "passkeys",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),  # SHA-256 of `credential`
    sa.Column("credential", sa.Text, nullable=False),  # the credential's id, as base64url
    sa.Column("person", sa.String(43), nullable=False),
    sa.Column("name", sa.Text, nullable=False),  # by which the person recognises it
    sa.Column("key", sa.LargeBinary, nullable=False),  # the public key, as COSE
    sa.Column("counter", sa.BigInteger, nullable=False),  # of signatures, at the last of them; 0: it does not count
    sa.Column("created", Instant, nullable=False),
    sa.Column("used", Instant),  # None: never
    sa.Index("ix_passkeys_person", "person"),
)

# Each opens a session once: a code that was used has no row any more.
recovery_codes = sa.Table(
    "recovery_codes",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),  # SHA-256 of a code of 120 random bits
    sa.Column("person", sa.String(43), nullable=False),
    sa.Index("ix_recovery_codes_person", "person"),
)

# Each makes one person, and has no row any more then.
invitations = sa.Table(
    "invitations",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),  # SHA-256 of a secret of 256 random bits
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("created", Instant, nullable=False),
    sa.Column("expires", Instant, nullable=False),
)

# Each is answered once, and has no row any more then.
passkey_challenges = sa.Table(
    "passkey_challenges",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),  # SHA-256 of the challenge
    sa.Column("asker", sa.String(64)),  # the hash of the session or the invitation that adds a passkey; None: a sign-in
    sa.Column("person", sa.String(43)),  # the handle that is given to the authenticator; None: a sign-in
    sa.Column("expires", Instant, nullable=False),
    sa.Index("ix_passkey_challenges_expires", "expires"),
)
