"""The secrets of a channel are replaced, by its partner or an operator. The new ones are in its place's row, sealed.

The settings name secrets by where they are found, which only who has a shell on the host can change. What a rotation
has made signs in their place, until it is dropped (`docs/decisions/0067-partners-rotate-their-own-secrets.md`).
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError, InvalidEvent
from pipeline.ledger import Transaction, places
from pipeline.ledger.places import Place
from pipeline.model.moment import rfc3339
from pipeline.stages import acts
from pipeline.stages.acts import Act
from pipeline.stages.context import ChannelPlan

if TYPE_CHECKING:
    from pipeline.channels import RotatingChannel, Rotation
    from pipeline.sealing import Sealer


@contextlib.contextmanager
def opened(plan: ChannelPlan) -> Iterator[RotatingChannel]:
    """Open the channel. Raises InvalidEvent `nothing-signed`, and ConfigError if it cannot be opened."""
    from pipeline.channels import RotatingChannel

    channel = plan.open()
    try:
        if not isinstance(channel, RotatingChannel):
            raise InvalidEvent("this channel signs nothing", code="nothing-signed", hint="only webhooks are signed")
        yield channel
    finally:
        channel.close()


def rotate(
    sealer: Sealer | None,
    transaction: Transaction,
    act: Act,
    channel: RotatingChannel,
    id: str,
    *,
    overlap: dt.timedelta,
) -> Rotation:
    """Make new secrets for the channel `id`, which is opened as `channel`; the former ones sign too during the overlap.

    Raises InvalidEvent `rotation-off` without a sealing key, `too-many-secrets`, and ConfigError as `unsealed`.
    """
    sealer = _needed(sealer)
    place = _locked(transaction, id)
    before = None if place.signing is None else unsealed(sealer, place)
    new = channel.rotated(before, now=act.at, overlap=overlap)
    _keep(transaction, sealer, place, new, rotated=act.at, now=act.at)
    words = f"former secrets sign until {rfc3339(new.former_until)}" if new.former_until else "former secrets ended"
    acts.record(transaction, act, "rotate", "rotated", channel=id, reason=words)
    return new


def end_former(sealer: Sealer | None, transaction: Transaction, act: Act, channel: RotatingChannel, id: str) -> bool:
    """End the former secrets of the channel now; return False if there are none that sign.

    Raises as `rotate`.
    """
    place = _locked(transaction, id)
    if place.signing is None or place.former_until is None or place.former_until <= act.at:
        return False
    sealer = _needed(sealer)
    new = channel.without_former(unsealed(sealer, place), now=act.at)
    _keep(transaction, sealer, place, new, rotated=place.rotated, now=act.at)
    acts.record(transaction, act, "rotate", "ended", channel=id, reason="former secrets ended")
    return True


def drop(transaction: Transaction, act: Act, id: str) -> bool:
    """Have the channel sign with the secrets of the settings again; return False if it does so already."""
    place = _locked(transaction, id)
    if place.signing is None:
        return False
    places.sign_with(transaction, id, None, rotated=None, former_until=None, now=act.at)
    acts.record(transaction, act, "rotate", "ended", channel=id, reason="the settings' secrets sign again")
    return True


def unsealed(sealer: Sealer | None, place: Place) -> bytes:
    """Return what was made for the place to sign with. Raises ConfigError if it cannot be read."""
    assert place.signing is not None
    mend = "set the key that it was sealed with, or have the settings' secrets sign again"
    hint = f"{mend}: `citewire channels drop-secret {place.key}`"
    if sealer is None:
        raise ConfigError("is needed to read a rotated secret", key="sealing_key", hint=hint, code="secret-missing")
    try:
        return sealer.open(place.signing, owner=place.channel)
    except ValueError as error:
        message = f"the rotated secret of {place.key} {error}"
        raise ConfigError(message, key="sealing_key", hint=hint, code="secret-unusable") from None


def _locked(transaction: Transaction, id: str) -> Place:
    """Return the channel's place, which no other process changes before this transaction ends."""
    places.lock(transaction)
    place = places.find(transaction, id)
    if place is None:  # its settings were never in force
        raise InvalidEvent(f"the channel {id!r} is not in force", code="channel-not-in-force")
    return place


def _needed(sealer: Sealer | None) -> Sealer:
    if sealer is None:
        hint = "the operator sets `sealing_key`, or replaces the secret in the settings"
        raise InvalidEvent("secrets cannot be rotated on this site", code="rotation-off", hint=hint)
    return sealer


def _keep(
    transaction: Transaction,
    sealer: Sealer,
    place: Place,
    new: Rotation,
    *,
    rotated: dt.datetime | None,
    now: dt.datetime,
) -> None:
    """Seal it for the channel, whose name stays when it leaves the place and the place's key changes."""
    sealed = sealer.seal(new.state, owner=place.channel)
    places.sign_with(transaction, place.key, sealed, rotated=rotated, former_until=new.former_until, now=now)
