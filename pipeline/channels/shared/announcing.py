"""Helpers for channel types that announce addresses or send several parcels at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from pipeline.errors import CitewireError, PermanentError, TransientError
from pipeline.http import Http
from pipeline.model.delivery import Parcel, Receipt

Settings = TypeVar("Settings")


class Announcer(ABC, Generic[Settings]):
    """The base of channels that announce addresses over HTTP, for several parcels at once."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http

    def deliver(self, parcel: Parcel) -> Receipt:
        return delivered(self.deliver_all([parcel])[0])

    @abstractmethod
    def deliver_all(self, parcels: Sequence[Parcel]) -> Sequence[Receipt | CitewireError]:
        """Announce the addresses of all parcels, and return the outcome of each."""

    def close(self) -> None:
        """Do nothing: connections belong to the thread and are shared with other channels."""


def worst(outcomes: Iterable[Receipt | CitewireError]) -> Receipt | CitewireError:
    """Return the worst of several outcomes: a TransientError before a PermanentError before a Receipt.

    Raises ValueError if there are no outcomes.
    """
    known = list(outcomes)
    for kind in (TransientError, PermanentError):
        for outcome in known:
            if isinstance(outcome, kind):
                return outcome
    return max(known, key=lambda outcome: isinstance(outcome, Receipt))


def delivered(outcome: Receipt | CitewireError) -> Receipt:
    """Return the Receipt of a single parcel, or raise its error."""
    if isinstance(outcome, CitewireError):
        raise outcome
    return outcome
