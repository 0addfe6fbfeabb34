"""Channel types: one module or package each, found by being there.

A module or package in this folder that exports `CHANNEL` is a type; an installed package adds one through the
entry-point group `citewire.channels`, naming such an object. Nothing else has to change.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from pipeline.errors import CitewireError
from pipeline.http import Http
from pipeline.model.delivery import Parcel, Receipt
from pipeline.plugins import discover


class Channel(Protocol):
    """An open channel. Used by one thread at a time; opened lazily in the process that uses it."""

    def deliver(self, parcel: Parcel) -> Receipt:
        """Bring the article to `parcel.revision`; harmless when repeated.

        Raises TransientError, PermanentError or EndpointGone; with `remote_id` where a failure, too, is something to
        remember: the next attempt gets it in the parcel.
        """
        ...

    def check(self) -> str:
        """Reach the other end without sending an article; say in a line what was found. Raises as `deliver`."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class BatchChannel(Channel, Protocol):
    """A channel that takes several articles in one go: a digest by mail, one ping for a burst."""

    def deliver_all(self, parcels: Sequence[Parcel]) -> Sequence[Receipt | CitewireError]:
        """What became of each, in their order: a Receipt, a TransientError or a PermanentError.

        Raises as `deliver` where it is the same for all.
        """
        ...


@runtime_checkable
class ReadableChannel(Channel, Protocol):
    """A channel that can be read back, so that a withdrawal can be proved."""

    def shows(self, parcel: Parcel) -> str | None:
        """Where the withdrawn article can still be read, in a line for the operator; None: nowhere any more.

        `parcel` is the withdrawal as it was delivered, with its remote id. Raises as `deliver`.
        """
        ...


@dataclass(frozen=True)
class Served:
    """A small document that the other end asks our own web server for, as a key to check a signature with."""

    media_type: str
    body: bytes


@dataclass(frozen=True)
class ChannelType:
    """What a module under `pipeline/channels/` exports as `CHANNEL`.

    `settings` is a pydantic model of the type's own keys (unknown keys forbidden); `open` is handed one of it.
    """

    name: str
    settings: type[Any]
    open: Callable[[Any, Http], Channel]
    format: str | None = None  # what it is sent where the operator names no format
    also: tuple[str, ...] = ()  # formats that each parcel carries beside that one
    is_pull: bool = False  # nothing is ever sent: the partner asks for its changes
    wait_for_feeds: bool = False  # it announces feeds: nothing is sent before they hold what changed
    well_known: Callable[[Any], Mapping[str, Callable[[], Served]]] | None = (
        None  # by path; making one raises ConfigError
    )


@functools.cache
def channel_types() -> dict[str, ChannelType]:
    """Every channel type there is, by its name."""
    return discover("pipeline.channels", "CHANNEL", "citewire.channels")
