"""Channel types, one module or package each.

Every module or package in this folder that exports `CHANNEL` is a channel type. An installed package can add one
through the entry-point group `citewire.channels`. There is no list to keep up to date.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from pipeline.errors import CitewireError
from pipeline.model.delivery import Difference, Found, Parcel, Receipt, SignatureCheck
from pipeline.plugins import Plugins

if TYPE_CHECKING:
    from pipeline.http import Http


class Channel(Protocol):
    """An open channel. It is opened lazily in the process that uses it, and used by one thread at a time."""

    def deliver(self, parcel: Parcel) -> Receipt:
        """Bring the article to `parcel.revision`. Repeating it must be harmless.

        Raises TransientError, PermanentError or EndpointGone. An error may carry a `remote_id` if the failed attempt
        left something to remember; the next attempt's parcel has it.
        """
        ...

    def check(self) -> str:
        """Contact the other end without sending an article; return a line on what was found. Raises as `deliver`."""
        ...

    def close(self) -> None:
        """Close what the channel has opened."""
        ...


@runtime_checkable
class BatchChannel(Channel, Protocol):
    """A channel that can deliver several articles at once, as in a mail digest or one ping for a burst of changes."""

    def deliver_all(self, parcels: Sequence[Parcel]) -> Sequence[Receipt | CitewireError]:
        """Deliver the parcels, and return for each, in order, a Receipt, a TransientError or a PermanentError.

        Raises as `deliver` if all of them failed for the same reason.
        """
        ...


@runtime_checkable
class SignedChannel(Channel, Protocol):
    """A channel that signs what it sends, and can tell its partner why a signature does not verify."""

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: dt.datetime) -> Sequence[SignatureCheck]:
        """Return every check of a message as it arrived. Header names are in lower case."""
        ...


@dataclass(frozen=True)
class Rotation:
    """What a channel signs with once its partner has changed it."""

    state: bytes  # for `sign_with`: it contains secrets
    former_until: dt.datetime | None  # when the last former secret ends; None: none signs any longer
    secret: str | None = None  # the new one, if one is shared with the partner
    public_key: str | None = None  # to verify with, if it signs with a key of its own


@runtime_checkable
class RotatingChannel(SignedChannel, Protocol):
    """A channel whose partner can replace the secrets that the settings name."""

    def sign_with(self, state: bytes) -> None:
        """Sign with what a rotation made, as long as each secret lasts. Raises ValueError for what is no such state."""
        ...

    def rotated(self, state: bytes | None, *, now: dt.datetime, overlap: dt.timedelta) -> Rotation:
        """Make new secrets; the former ones sign too, until the overlap ends. `state`: of the last rotation, if any.

        Raises InvalidEvent `too-many-secrets`.
        """
        ...

    def without_former(self, state: bytes, *, now: dt.datetime) -> Rotation:
        """End the former secrets now."""
        ...


@runtime_checkable
class MarkedChannel(Channel, Protocol):
    """A channel to a folder of the host's, in which a mark proves that every host sees the same one."""

    place: str  # the folder's location
    setting: str  # the key that names the folder

    def mark(self) -> str | None:
        """Return the mark, or None if there is none. Raises as `deliver`."""
        ...

    def set_mark(self, mark: str) -> None:
        """Write or replace the mark, which readers of the folder do not take for an article. Raises as `deliver`."""
        ...


@runtime_checkable
class ReadableChannel(Channel, Protocol):
    """A channel that can be read back, so that a withdrawal can be verified."""

    def shows(self, parcel: Parcel) -> str | None:
        """Return where the withdrawn article can still be read, as a line for the operator, or None if nowhere.

        `parcel` is the withdrawal as it was delivered, with its remote id. Raises as `deliver`.
        """
        ...


@runtime_checkable
class ComparableChannel(ReadableChannel, Protocol):
    """A channel that can tell whether it still has what was delivered to it."""

    def differs(self, parcel: Parcel, digest: str) -> Difference | None:
        """Return how what is there differs from the parcel as it was delivered, or None. Raises as `deliver`.

        `digest` is that of the rendition as it was delivered; the parcel's may have been made by a newer template.
        """
        ...


@runtime_checkable
class ListedChannel(Protocol):
    """A channel that can list the articles' files that lie in its place."""

    def found(self) -> Mapping[str, Found]:
        """Return what any Citewire has put there, tombstones included, by the names of the files.

        A file is named by the remote id of its delivery. Raises as `deliver`.
        """
        ...


@runtime_checkable
class DatedChannel(Protocol):
    """A channel that can tell which of its articles are newer than a backup, and that keeps no manifests."""

    def created_since(self, since: dt.datetime) -> Mapping[str, str]:
        """Return which articles were created there since then, by remote id. Raises as `deliver`."""
        ...

    def is_same(self, remote_id: str | None, other: str) -> bool:
        """Return whether two remote ids name the same article there, and neither says that it was deleted."""
        ...


@dataclass(frozen=True)
class Served:
    """A small document that the other end fetches from our web server, such as a public key."""

    media_type: str
    body: bytes


@dataclass(frozen=True)
class ChannelType:
    """The description of a channel type, exported as `CHANNEL` by its module.

    `settings` is a pydantic model of the type's own keys that forbids unknown ones; `open` gets an instance of it.
    """

    name: str
    settings: type[Any]
    open: Callable[[Any, Http], Channel]
    format: str | None = None  # used if the operator configures no format
    place: Callable[[Any], str] | None = None  # where copies lie, without secrets; None: at the partner, wherever it is
    backfill: bool = True  # a channel that is added gets what was published before, unless its settings say otherwise
    also: tuple[str, ...] = ()  # further formats that each parcel carries
    replaces: bool = True  # what it is sent takes the place of what it has; if not, it is sent news only
    takes_sample: bool = False  # a withdrawal of an article that never was reaches the other end, and shows nowhere
    is_pull: bool = False  # nothing is sent: the partner fetches its changes
    singly: bool = False  # each delivery is a short request of its own: rounds send to many such channels at once
    wait_for_feeds: bool = False  # it announces feeds: send only once they contain the change
    # The keys that it signs with, by the settings and their name in errors. No two channels may share one.
    signing_keys: Callable[[Any, str], Sequence[bytes]] | None = None
    well_known: Callable[[Any], Mapping[str, Callable[[], Served]]] | None = (
        None  # by path; making one raises ConfigError
    )


@functools.cache
def channel_types() -> Mapping[str, ChannelType]:
    """Return every channel type, by name."""
    return Plugins("pipeline.channels", "CHANNEL", "citewire.channels")
