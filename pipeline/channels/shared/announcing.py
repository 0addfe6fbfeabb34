"""What channels have in common that announce addresses and carry no article."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from pipeline.errors import CitewireError, PermanentError, TransientError
from pipeline.model.delivery import Receipt


def _absolute(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("must be an absolute https:// or http:// address without a user name")
    return address


Address = Annotated[str, AfterValidator(_absolute)]


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
