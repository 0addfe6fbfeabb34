"""Looking again at many references takes no more memory than at a few. At full size: benchmarks/rechecks.py."""

from __future__ import annotations

import shutil
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from bench import paper
from empty_ledger import empty_ledger
from every_stage import enrich
from msgspec import structs
from watched import Watched

from pipeline.http import Http, Limits, Response
from pipeline.ledger import Transaction, articles, evidence
from pipeline.ledger.articles import ArticleState
from pipeline.ledger.evidence import verdicts
from pipeline.model.article import CitedWork
from pipeline.references.lists import lists
from pipeline.references.published_list import OpenList
from pipeline.references.source import Caller, OpenSource
from pipeline.references.sources import sources
from pipeline.stages.enrich import watch
from pipeline.stages.sources import Sources
from pipeline.stages.stage import Stage
from standins.in_process import InProcess
from standins.invented import InventedCrossref, InventedEuropePmc, InventedRetractionWatch
from standins.serving import Standin

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


@pytest.mark.parametrize(("name", "standin"), [("crossref", InventedCrossref), ("europe_pmc", InventedEuropePmc)])
def test_nor_does_it_at_a_source_that_is_asked_about_each_paper(
    bench: Watched, name: str, standin: Callable[[], Standin]
) -> None:
    pmids = [str(number) for number in range(1, 401)]
    bench.know(*(structs.replace(paper(pmid), doi=f"10.5555/standin.{pmid}") for pmid in pmids))
    with bench.ledger.write() as transaction:
        _file(bench, transaction, "a", pmids)
    _peaks(bench)
    http = cast("Http", InProcess({name: standin()}))
    client = sources()[name].open(http, f"http://{name}/", Caller("citewire", sleep=bench.clock.pass_))
    bench.context = replace(bench.context, sources={name: OpenSource(sources()[name], client)})
    peaks = _peaks(bench, Sources(), name)
    assert watch.recheck(bench.ledger, now=bench.clock.now) == len(pmids)
    peaks += _peaks(bench, Sources(), name)
    assert len(peaks) == 2 * len(pmids) / sources()[name].most
    assert max(peaks[2:]) < 1.5 * peaks[1] + 100_000


def test_a_list_of_any_length_takes_the_same_memory(bench: Watched, tmp_path: Path) -> None:
    short, long = (_peak_of_list(bench, tmp_path, rows) for rows in (1_000, 3_000))
    assert long < 1.2 * short


class _FromFile(InProcess):
    """Answers a download with a file, as a socket does: without all of it in memory."""

    def __init__(self, file: Path) -> None:
        super().__init__({})
        self._file = file

    def download(
        self, url: str, file: BinaryIO, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None
    ) -> Response:
        with self._file.open("rb") as body:
            shutil.copyfileobj(body, file)
        return Response(200, {"etag": str(self._file.stat().st_size)})


def _peak_of_list(bench: Watched, folder: Path, rows: int) -> int:
    """Return the most bytes that it took to bring the stored list to an edition with that many rows."""
    (folder / "list").write_bytes(InventedRetractionWatch(rows).content())
    name = "retraction_watch"
    opened = OpenList(lists()[name], cast("Http", _FromFile(folder / "list")), "http://list/list.csv")
    bench.context = replace(bench.context, lists={name: opened})
    bench.clock.pass_(86_400)
    (peak,) = _peaks(bench, Sources(), name)
    with bench.ledger.read() as transaction:
        assert verdicts.states(transaction)[name].rows == rows
    return peak


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


def _peaks(bench: Watched, stage: Stage = enrich, key: str = "") -> list[int]:
    """The most bytes that each batch held at once."""
    peaks = []
    tracemalloc.start()
    try:
        while claims := stage.claim(bench.context, key):
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            for claim in claims:
                assert stage.do(bench.context, claim)
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
            bench.clock.pass_(1)
    finally:
        tracemalloc.stop()
    return peaks
