"""Decide whether an event is older than an earlier one from its source about the same article.

Events are processed in order of arrival, because a sender's clock may be hours off. `time` and `sequence` only serve to
identify an event that was delayed in transit. If both events have a `sequence`, it alone decides. Otherwise `time`
does, unless the source's clock has been ahead of ours, in which case its times say nothing about order.
"""

from __future__ import annotations

import datetime as dt

from pipeline.ledger import Transaction
from pipeline.ledger.articles import events
from pipeline.model.event import Event, Withdraw

AHEAD = dt.timedelta(minutes=1)  # a clock that is further off says nothing about order


def is_overtaken(transaction: Transaction, event: Event, *, now: dt.datetime) -> bool:
    """Return whether a newer event from the same source is known. A withdrawal is never overtaken."""
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
    """Return a sort key: integers by value, whatever their leading zeros; other text by its characters."""
    digits = sequence.lstrip("0") if sequence.isascii() and sequence.isdigit() else ""
    return len(digits), digits or sequence
