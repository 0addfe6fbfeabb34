"""Secrets that a partner has made in place of those in the settings, and when each ends. Pure, but for chance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import msgspec
from msgspec import Struct, structs

from pipeline.channels.webhook.signing import PRIVATE, Signer, new_private_key, new_secret, read_signer
from pipeline.errors import InvalidEvent

MOST = 4  # times that a partner may rotate during one overlap: every former secret adds a signature to each message


class MadeSecret(Struct, frozen=True):
    """A secret as `read_signer` takes it. `until`: when it ends; None: another has not replaced it."""

    text: str
    until: dt.datetime | None = None

    def signs(self, now: dt.datetime) -> bool:
        return self.until is None or now < self.until


class MadeSecrets(Struct, frozen=True):
    """What a partner has made, the newest first. `configured_until`: when those in the settings cease to sign."""

    made: tuple[MadeSecret, ...]
    configured_until: dt.datetime

    def in_force(self, now: dt.datetime) -> tuple[str, ...]:
        """Return the made secrets that sign at this time, the newest first."""
        return tuple(one.text for one in self.made if one.signs(now))

    def former_until(self, now: dt.datetime) -> dt.datetime | None:
        """Return when the last of the former secrets ends; None: none of them signs any longer."""
        ends = [self.configured_until, *(one.until for one in self.made if one.until is not None)]
        return max(ends) if max(ends) > now else None


def encoded(secrets: MadeSecrets) -> bytes:
    return msgspec.json.encode(secrets)


def decoded(data: bytes) -> MadeSecrets:
    return msgspec.json.decode(data, type=MadeSecrets)


def rotated(
    before: MadeSecrets | None, versions: Collection[str], *, now: dt.datetime, overlap: dt.timedelta
) -> MadeSecrets:
    """Make a new secret for each version of signatures ("v1", "v1a"). The former ones end after the overlap.

    A former secret that would have ended earlier still does. Raises InvalidEvent `too-many-secrets`.
    """
    ends = now + overlap
    new = [MadeSecret(make()) for version, make in _MAKERS.items() if version in versions]
    if before is None:
        return MadeSecrets(tuple(new), ends)
    former = [structs.replace(one, until=min(one.until or ends, ends)) for one in before.made if one.signs(now)]
    if len(former) >= MOST * len(new):
        hint = "end the former ones first, once all your receivers have the newest"
        raise InvalidEvent(f"{MOST} former secrets sign already", code="too-many-secrets", hint=hint)
    return MadeSecrets((*new, *former), min(before.configured_until, ends))


def newest_alone(before: MadeSecrets, *, now: dt.datetime) -> MadeSecrets:
    """End every former secret now."""
    return MadeSecrets(tuple(one for one in before.made if one.until is None), min(before.configured_until, now))


def version_of(signer: Signer) -> str:
    """Return the version of a signer's signatures."""
    return "v1" if signer.public is None else "v1a"


def shown(secrets: MadeSecrets) -> tuple[str | None, str | None]:
    """Return what the partner is shown of the newest ones: the shared secret, and the public key, if there are such."""
    newest = [one.text for one in secrets.made if one.until is None]
    shared = next((one for one in newest if not one.startswith(PRIVATE)), None)
    private = next((one for one in newest if one.startswith(PRIVATE)), None)
    return shared, read_signer(private).public if private else None


_MAKERS = {"v1": new_secret, "v1a": new_private_key}
