"""Bring the stored copy of a list to its newest edition."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path

import structlog

from pipeline.errors import TransientError
from pipeline.ledger import Transaction
from pipeline.ledger.evidence import lists, verdicts
from pipeline.ledger.evidence.verdicts import Paper
from pipeline.model.reference import ListedVerdict
from pipeline.stages.context import Context
from pipeline.stages.sources.news import recorded

_EVERY = 86_400.0  # seconds between two downloads
_ROWS = 500  # in a transaction
_LEAST = 0.9  # of the rows of the edition before: a list that lost more is a fault of the file

_log = structlog.get_logger()


def update(context: Context, name: str) -> float:
    """Download the list if it has changed, and store it. Return how long to leave it alone.

    Raises TransientError if it did not come, came incomplete, or is not such a list.
    """
    opened = context.lists[name]
    with context.ledger.read() as transaction:
        state = verdicts.states(transaction)[name]
    with tempfile.TemporaryDirectory(prefix="citewire-") as folder:
        edition = opened.download(Path(folder) / name, state.etag)
        if edition is None:
            with context.ledger.write() as transaction:
                verdicts.answered(transaction, name, now=context.clock())
            return _EVERY
        number = state.edition + 1
        with closing(opened.list.read(edition.file)) as listed:
            rows = _store(context, name, listed, number)
    if rows < state.rows * _LEAST:
        raise TransientError(f"{opened.list.label}'s list fell from {state.rows} rows to {rows}", code="not-data")
    _drop_gone(context, name, number)
    with context.ledger.write() as transaction:
        lists.complete(transaction, name, edition=number, rows=rows, etag=edition.etag, now=context.clock())
    _log.info("list updated", source=name, rows=rows)
    return _EVERY


def _store(context: Context, name: str, rows: Iterator[ListedVerdict], edition: int) -> int:
    count = 0
    while some := list(islice(rows, _ROWS)):
        _store_some(context, name, some, edition)
        count += len(some)
    return count


def _store_some(context: Context, name: str, rows: list[ListedVerdict], edition: int) -> None:
    with context.ledger.write() as transaction:
        changed = lists.changed(transaction, name, rows)
        papers = lists.papers(transaction, name, changed)
        store = partial(lists.store, transaction, name, rows, changed, edition=edition)
        complete = _apply(context, transaction, papers, store)
    if complete:
        context.doorbell.ring("render")


def _drop_gone(context: Context, name: str, edition: int) -> None:
    while True:
        with context.ledger.write() as transaction:
            rows = lists.gone(transaction, name, edition=edition, limit=_ROWS)
            if not rows:
                return
            papers = [Paper(row.pmid, row.doi) for row in rows]
            _apply(context, transaction, papers, partial(lists.drop, transaction, name, rows))


def _apply(context: Context, transaction: Transaction, papers: Sequence[Paper], write: Callable[[], None]) -> list[str]:
    pmids = verdicts.cited_among(transaction, papers)
    dois = sorted({paper.doi for paper in papers if paper.doi})
    return recorded(context, transaction, pmids, dois, write)
