"""Helpers for channel types that announce addresses or send several parcels at once."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.errors import CitewireError, PermanentError, TransientError
from pipeline.model.delivery import Receipt


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
