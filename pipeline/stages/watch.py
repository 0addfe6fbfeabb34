"""Watching the evidence: what PubMed says anew of papers that live articles cite, and when it is asked again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pipeline.ledger import Transaction
from pipeline.model.reference import EvidenceChange
from pipeline.stages.context import Context


def noticed(context: Context, transaction: Transaction, changes: Sequence[EvidenceChange], *, now: dt.datetime) -> None:
    """Write down what matters of an answer, in the transaction that keeps the answer."""


def next_look(context: Context, *, now: dt.datetime) -> dt.datetime | None:
    """When PubMed is asked again for a reference that it has just answered for. None: only when somebody wants it."""
    return None
