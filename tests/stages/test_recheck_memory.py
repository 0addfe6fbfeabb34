"""Looking again at many references takes no more memory than at a few. At full size: benchmarks/rechecks.py."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench import paper
from empty_ledger import empty_ledger
from every_stage import enrich
from watched import Watched

from pipeline.ledger import Transaction, articles, evidence
from pipeline.ledger.articles import ArticleState
from pipeline.model.article import CitedWork
from pipeline.stages.enrich import watch

BATCH = 50


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Watched]:
    ledger = empty_ledger(tmp_path)
    bench = Watched(ledger)
    bench.context = replace(bench.context, policy=replace(bench.context.policy, pubmed_batch=BATCH))
    yield bench
    ledger.close()


def test_the_thousandth_reference_costs_no_more_than_the_hundredth(bench: Watched) -> None:
    pmids = [str(number) for number in range(1, 1001)]
    bench.know(*map(paper, pmids))
    with bench.ledger.write() as transaction:
        for start in range(0, len(pmids), BATCH):
            _file(bench, transaction, f"a{start}", pmids[start : start + BATCH])
    peaks = _peaks(bench)
    assert watch.recheck(bench.ledger, now=bench.clock.now) == len(pmids)
    peaks += _peaks(bench)
    assert len(peaks) == 2 * len(pmids) / BATCH
    assert max(peaks[2:]) < 1.5 * peaks[1] + 100_000
    assert all(len(asked) == BATCH for asked in bench.pubmed.asked)


def _file(bench: Watched, transaction: Transaction, id: str, pmids: list[str]) -> None:
    now = bench.clock.now
    current = ArticleState(
        id=id,
        state="live",
        revision=1,
        rendered=1,
        title=id,
        language="en",
        published=now,
        updated=now,
        due=None,
        error=None,
    )
    articles.create(transaction, current)
    evidence.cite(transaction, id, [CitedWork("pmid", pmid) for pmid in pmids], now=now)


def _peaks(bench: Watched) -> list[int]:
    """The most bytes that each batch held at once."""
    peaks = []
    tracemalloc.start()
    try:
        while claims := enrich.claim(bench.context, ""):
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            for claim in claims:
                enrich.do(bench.context, claim)
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
            bench.clock.pass_(1)
    finally:
        tracemalloc.stop()
    return peaks
