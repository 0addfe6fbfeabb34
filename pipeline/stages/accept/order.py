"""Decide whether an event is older than what its source has said about the article before.

Arrival is the order, because a sender's clock may be hours off. `time` and `sequence` only help to recognise an event
that was delayed on its way. A `sequence` on both events decides alone. Otherwise `time` does, as long as the source's
clock has not been ahead of ours: then its times say nothing about order.
"""

from __future__ import annotations

import datetime as dt

from pipeline.ledger import Transaction
from pipeline.ledger.articles import events
from pipeline.model.event import Event, Withdraw

AHEAD = dt.timedelta(minutes=1)  # a clock that is off by more says nothing about order


def is_overtaken(transaction: Transaction, event: Event, *, now: dt.datetime) -> bool:
    """Return whether a newer event of the same source is known. A withdrawal is never overtaken."""
    if isinstance(event, Withdraw):
        return False
    origin, article_id = event.origin, event.article_id
    if origin.sequence is not None:
        known = events.sequences(transaction, article_id, origin.source)
        if known:
            return _rank(origin.sequence) < max(map(_rank, known))
    if origin.time is None or origin.time >= now:
        return False
    newest = events.newest(transaction, article_id, origin.source)
    if newest is None or newest.time > newest.accepted + AHEAD:
        return False
    return origin.time < min(newest.time, newest.accepted)


def _rank(sequence: str) -> tuple[int, str]:
    """Integers in their order, whatever their leading zeros; other texts in theirs."""
    digits = sequence.lstrip("0") if sequence.isascii() and sequence.isdigit() else ""
    return len(digits), digits or sequence
