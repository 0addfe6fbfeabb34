"""The whole system at a glance."""

from __future__ import annotations

import datetime as dt

from pipeline.ledger import Transaction, articles, deliveries, evidence
from pipeline.ledger.articles import withheld
from pipeline.ledger.deliveries import channels, proofs
from pipeline.ledger.partners import changes, pulls
from pipeline.stages.deliver import circuit
from pipeline.views.deliveries import delivery, proof
from pipeline.views.shape import Shape, moment

_MOST = 100  # of a list that may be long, in the look at the whole system


def system(transaction: Transaction, channel_ids: list[str], *, now: dt.datetime) -> Shape:
    """The whole system at a glance."""
    return {
        "articles": articles.counts(transaction),
        "references": evidence.counts(transaction),
        "deliveries": deliveries.counts(transaction),
        "withheld": withheld.counts(transaction),
        "channels": [_channel(transaction, channel_id, now) for channel_id in channel_ids],
        "not_configured": deliveries.owed_elsewhere(transaction, channel_ids),
        "withdrawals_owed": [delivery(one) for one in deliveries.owed_withdrawals(transaction, limit=_MOST)],
        "proofs": [proof(one) for one in proofs.owed(transaction, limit=_MOST)],
    }


def _channel(transaction: Transaction, channel_id: str, now: dt.datetime) -> Shape:
    health = channels.health(transaction, channel_id)
    return {
        "channel": channel_id,
        "circuit": circuit.state(health, now),
        "opened": moment(health.opened),
        "failures": health.failures,
        "paused_until": moment(health.paused_until),
        "disabled": moment(health.disabled),
        "reason": health.reason,
        "pulled": _pulled(transaction, channel_id),
    }


def _pulled(transaction: Transaction, channel_id: str) -> Shape | None:
    """How far a partner who pulls has come, and how many changes follow; None where nobody ever asked."""
    position = pulls.position(transaction, channel_id)
    if position is None:
        return None
    left = changes.behind(transaction, channel_id, position.taken)
    return {"seen": moment(position.seen), "token": position.token, "taken": position.taken, "left": left}
