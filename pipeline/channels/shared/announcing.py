"""What channels have in common that announce addresses and carry no article."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.errors import CitewireError, PermanentError, TransientError
from pipeline.model.delivery import Receipt


def worst(outcomes: Iterable[Receipt | CitewireError]) -> Receipt | CitewireError:
    """Of several things that a delivery asked for: what has failed, first what may still come round; else a receipt.

    Raises ValueError where there are none.
    """
    known = list(outcomes)
    for kind in (TransientError, PermanentError):
        for outcome in known:
            if isinstance(outcome, kind):
                return outcome
    return max(known, key=lambda outcome: isinstance(outcome, Receipt))


def delivered(outcome: Receipt | CitewireError) -> Receipt:
    """For the delivery of a single parcel by what takes several. Raises what became of it."""
    if isinstance(outcome, CitewireError):
        raise outcome
    return outcome
