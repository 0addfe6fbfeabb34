"""Store what a source says, and let the articles that cite the papers concerned know."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.ledger import Transaction, evidence
from pipeline.ledger.evidence import identifiers
from pipeline.model.article import CitedWork
from pipeline.stages.context import Context
from pipeline.stages.enrich import watch
from pipeline.stages.enrich.due import make_due


def recorded(
    context: Context,
    transaction: Transaction,
    pmids: Sequence[str],
    dois: Sequence[str],
    store: Callable[[], None],
) -> list[str]:
    """Run `store`, and record what it changes about these papers.

    Return the articles that are due because of it and wait for nothing else.
    """
    now = context.clock()
    changes = evidence.changed_by(transaction, pmids, store)
    watch.record_changes(transaction, changes, now=now)
    citing = set(evidence.citing(transaction, [change.pmid for change in changes]))
    if dois:
        citing.update(identifiers.citing(transaction, [CitedWork("doi", doi) for doi in dois]))
    return make_due(context, transaction, sorted(citing), now)
