"""Deliveries, their attempts and proofs, as people and programs are shown them."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.ledger import Transaction, deliveries
from pipeline.ledger.articles import revisions
from pipeline.ledger.deliveries import Delivery, attempts
from pipeline.ledger.deliveries.proofs import Proof
from pipeline.views.shape import Shape, moment


def delivered(transaction: Transaction, found: Sequence[Delivery]) -> list[Shape]:
    """Deliveries as they are shown, each with how many references its revision shows without PubMed's answer."""
    waiting = revisions.pending(transaction, {(one.article, one.wanted) for one in found if one.wanted_digest})
    return [delivery(one, pending=waiting.get((one.article, one.wanted), 0)) for one in found]


def delivery(one: Delivery, *, pending: int = 0) -> Shape:
    return {
        "id": one.id,
        "article": one.article,
        "channel": one.channel,
        "format": one.format,
        "revision": one.wanted,
        "held": one.held,
        "event": "withdrawn" if one.urgency == deliveries.WITHDRAWAL else None,
        "state": one.state,
        "attempts": one.attempts,
        "due": moment(one.due),
        "error": one.error,
        "references_pending": pending,
    }


def tried(transaction: Transaction, one: Delivery, *, limit: int = 100) -> Shape:
    """A delivery with its attempts, the newest first."""
    kept = [
        {
            "at": moment(attempt.at),
            "revision": attempt.revision,
            "outcome": attempt.outcome,
            "status": attempt.status,
            "milliseconds": attempt.milliseconds,
            "detail": attempt.detail,
            "answer": attempt.answer,
        }
        for attempt in attempts.of(transaction, one.id, limit=limit)
    ]
    return delivered(transaction, [one])[0] | {"tried": kept}


def proof(one: Proof) -> Shape:
    """Whether a withdrawal that a channel took is out of sight there, and how long that took."""
    took = None if one.proved is None else (one.proved - one.withdrawn).total_seconds()
    return {
        "delivery": one.delivery,
        "article": one.article,
        "channel": one.channel,
        "revision": one.revision,
        "withdrawn": moment(one.withdrawn),
        "checked": moment(one.checked),
        "proved": moment(one.proved),
        "seconds": took,
        "shown": one.shown,
        "due": moment(one.due),
        "error": one.error,
    }
