"""Sources beside PubMed: what any of them says was done to a paper counts, and none of them stops another."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from bench import article, paper
from empty_ledger import empty_ledger
from msgspec import structs
from watched import Watched, as_json, publish

from pipeline.errors import TransientError
from pipeline.http import EgressGuard, Http, Limits
from pipeline.ledger import Ledger
from pipeline.ledger.evidence import checks, verdicts
from pipeline.ledger.tables import source_checks
from pipeline.model.article import CitedWork
from pipeline.model.reference import Reference
from pipeline.references.lists import lists
from pipeline.references.published_list import OpenList
from pipeline.references.source import LookedUp, OpenSource, SourceRecord, Verdict
from pipeline.references.sources import sources
from pipeline.stages.context import Policy
from pipeline.stages.sources import Sources, papers
from pipeline.views import references as references_views
from standins.retraction_watch import FAULTS, RetractionWatchStandin, Row

stage = Sources()
DAY = 86_400.0


@dataclass
class Answering:
    """A source that is asked about single papers, with its verdicts on each."""

    verdicts_by_work: dict[str, tuple[Verdict, ...]] = field(default_factory=dict)  # by the work's value
    error: TransientError | None = None
    asked: list[tuple[str, ...]] = field(default_factory=list)
    titles: dict[str, str] = field(default_factory=dict)

    def look_up(self, works: Sequence[CitedWork]) -> LookedUp:
        self.asked.append(tuple(work.value for work in works))
        if self.error:
            raise self.error
        known = {*self.verdicts_by_work, *self.titles}
        found = {work: self._record(work.value) for work in works if work.value in known}
        return LookedUp(found, frozenset(works) - set(found))

    def _record(self, value: str) -> SourceRecord:
        doi = value if value.startswith("10.") else None
        return SourceRecord(doi=doi, title=self.titles.get(value), verdicts=self.verdicts_by_work.get(value, ()))


class Sourced(Watched):
    """A bench with Retraction Watch's list over HTTP, Crossref and Europe PMC."""

    worked = (*Watched.worked, stage)

    def __init__(self, ledger: Ledger, watch: RetractionWatchStandin, http: Http, **more: Any) -> None:
        super().__init__(ledger, **more)
        self.watch, self.http = watch, http
        self.crossref, self.europe_pmc = Answering(), Answering()
        self.context = replace(
            self.context,
            lists={
                "retraction_watch": OpenList(lists()["retraction_watch"], http, watch.url, Limits(read=60, total=60))
            },
            sources={
                "crossref": OpenSource(sources()["crossref"], self.crossref),
                "europe_pmc": OpenSource(sources()["europe_pmc"], self.europe_pmc),
            },
        )

    def wait_for_the_list(self, seconds: float) -> None:
        watch = OpenList(lists()["retraction_watch"], self.http, self.watch.url, Limits(read=seconds, total=60))
        self.context = replace(self.context, lists={"retraction_watch": watch})

    def work(self) -> None:
        super().work()
        for name in (*self.context.lists, *self.context.sources):
            stage.drain(self.context, name)
        super().work()

    def states(self) -> dict[str, verdicts.SourceState]:
        with self.ledger.read() as transaction:
            return verdicts.states(transaction)

    def next_day(self) -> None:
        self.clock.pass_(DAY + 1)
        self.recheck()

    def editorial(self) -> list[str]:
        (one,) = self.status()["references"]
        return list(one["editorial"])


@pytest.fixture
def watch() -> Iterator[RetractionWatchStandin]:
    with RetractionWatchStandin([Row(pmid="999", doi="10.1000/other")]) as standin:
        yield standin


@pytest.fixture
def sourced(tmp_path: Path, watch: RetractionWatchStandin) -> Iterator[Sourced]:
    with opened(tmp_path, watch) as bench:
        yield bench


@contextmanager
def opened(folder: Path, watch: RetractionWatchStandin, **more: Any) -> Iterator[Sourced]:
    with ExitStack() as stack:
        http = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
        stack.callback(http.close)
        ledger = empty_ledger(folder)
        stack.callback(ledger.close)
        bench = Sourced(ledger, watch, http, **more)
        bench.know(with_doi("1"))
        yield bench


def with_doi(pmid: str) -> Reference:
    return structs.replace(paper(pmid), doi=f"10.1000/{pmid}")


def retract_at(bench: Sourced, source: str) -> None:
    match source:
        case "pubmed":
            bench.turn("1", "retracted")
        case "retraction_watch":
            bench.watch.rows.append(Row(pmid="1"))
        case "retraction_watch by DOI":
            bench.watch.rows.append(Row(doi="10.1000/1"))
        case "crossref":
            bench.crossref.verdicts_by_work["10.1000/1"] = (Verdict(kind="retraction", notice_doi="10.1000/notice"),)
        case "europe_pmc":
            bench.europe_pmc.verdicts_by_work["1"] = (Verdict(kind="Retraction in", notice_pmid="77"),)


SOURCES = ["pubmed", "retraction_watch", "retraction_watch by DOI", "crossref", "europe_pmc"]


@pytest.mark.parametrize("source", SOURCES)
def test_a_retraction_at_any_one_source_is_marked_within_one_recheck(sourced: Sourced, source: str) -> None:
    publish(sourced, "1")
    assert sourced.editorial() == []
    retract_at(sourced, source)
    sourced.next_day()
    assert sourced.editorial() == ["retracted"]
    assert b"retracted" in sourced.partner.last("spasms").rendition.body
    assert [change.gained for change in sourced.noted()] == [("retracted",)]


@pytest.mark.parametrize("source", SOURCES)
def test_a_retraction_that_is_known_before_the_article_is_marked_when_it_comes_out(
    sourced: Sourced, source: str
) -> None:
    retract_at(sourced, source)
    sourced.work()
    publish(sourced, "1")
    sourced.work_for(5)
    assert sourced.editorial() == ["retracted"]


def test_a_source_that_catches_up_is_no_news(sourced: Sourced) -> None:
    publish(sourced, "1")
    retract_at(sourced, "retraction_watch")
    sourced.next_day()
    (notice,) = notices(sourced)
    assert notice["source"] == "Retraction Watch, 2026-03-02; not yet by NLM"
    retract_at(sourced, "pubmed")
    sourced.next_day()
    assert [change.gained for change in sourced.noted()] == [("retracted",)]
    assert [notice["source"] for notice in notices(sourced)] == ["J Ex. 2026;1:1"]


def test_a_reinstatement_is_a_state_of_its_own_and_overrules_only_its_own_source(sourced: Sourced) -> None:
    publish(sourced, "1")
    retract_at(sourced, "retraction_watch")
    sourced.next_day()
    sourced.watch.rows.append(Row(pmid="1", nature="Reinstatement", date="5/2/2026 0:00"))
    sourced.next_day()
    assert sourced.editorial() == ["reinstated"]
    retract_at(sourced, "pubmed")
    sourced.next_day()
    assert sourced.editorial() == ["retracted", "reinstated"]


def test_retract_and_replace_is_a_state_of_its_own(sourced: Sourced) -> None:
    sourced.watch.rows.append(Row(pmid="1", reason="+Retract and Replace;+Error in Data;"))
    publish(sourced, "1")
    sourced.work_for(5)
    assert sourced.editorial() == ["retracted-republished"]


def test_a_row_of_the_list_that_disappears_is_taken_back(sourced: Sourced) -> None:
    sourced.watch.rows += [Row(pmid=str(1000 + number)) for number in range(20)] + [Row(pmid="1")]
    publish(sourced, "1")
    sourced.work_for(5)
    assert sourced.editorial() == ["retracted"]
    sourced.watch.rows.pop()
    sourced.next_day()
    assert sourced.editorial() == []


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - {"drip"}))
def test_a_list_that_is_faulty_takes_nothing_back_and_stops_nothing(sourced: Sourced, fault: str) -> None:
    sourced.watch.rows += [Row(pmid=str(1000 + number)) for number in range(20)] + [Row(pmid="1")]
    publish(sourced, "1")
    sourced.work_for(5)
    sourced.watch.misbehave(fault)
    if fault == "hang":
        sourced.wait_for_the_list(0.3)
    sourced.watch.rows.append(Row(pmid="5"))
    sourced.crossref.verdicts_by_work["10.1000/1"] = (Verdict(kind="expression_of_concern"),)
    since = sourced.clock.now
    sourced.next_day()
    assert sourced.editorial() == ["retracted", "concern"]
    state = sourced.states()["retraction_watch"]
    assert state.failing is not None
    assert state.failing > since
    assert state.answered is not None
    assert state.answered < since
    sourced.watch.misbehave()
    sourced.wait_for_the_list(60)
    sourced.clock.pass_(16 * 3600)
    sourced.work()
    assert sourced.states()["retraction_watch"].failing is None


def test_a_source_that_does_not_answer_means_neither_clean_nor_the_end_of_the_others(sourced: Sourced) -> None:
    publish(sourced, "1")
    retract_at(sourced, "crossref")
    sourced.next_day()
    sourced.crossref.error = TransientError("503", code="backend-failed", retry_after=15 * 3600.0)
    retract_at(sourced, "europe_pmc")
    sourced.next_day()
    assert sourced.editorial() == ["retracted"]
    asked = len(sourced.crossref.asked)
    sourced.clock.pass_(14 * 3600)
    sourced.work()
    assert len(sourced.crossref.asked) == asked
    sourced.crossref.error = None
    sourced.clock.pass_(2 * 3600)
    sourced.work()
    assert len(sourced.crossref.asked) == asked + 1
    assert sourced.states()["crossref"].failing is None


def test_a_failure_that_is_recorded_after_the_next_worker_was_answered_changes_nothing(sourced: Sourced) -> None:
    sourced.work()  # each source is in use
    publish(sourced, "1")
    sourced.work_for(3)
    sourced.clock.pass_(DAY + 1)
    (lost,) = stage.claim(sourced.context, "crossref")
    assert lost.keys == ("crossref", "pmid:1")
    sourced.clock.pass_(1_201)
    sourced.work()
    assert sourced.states()["crossref"].answered == sourced.clock.now

    def checked() -> list[tuple[Any, ...]]:
        with sourced.ledger.read() as transaction:
            return [tuple(row) for row in transaction.execute(source_checks.select().order_by(source_checks.c.key))]

    before = checked()
    stage.failed(sourced.context, lost, TransientError("503", code="backend-failed"))
    assert sourced.states()["crossref"].failing is None
    assert checked() == before


def test_an_unchanged_list_is_not_sent_again(sourced: Sourced) -> None:
    sourced.work()
    sourced.clock.pass_(DAY + 1)
    sourced.work()
    with sourced.ledger.read() as transaction:
        assert verdicts.states(transaction)["retraction_watch"].edition == 1
    assert sourced.states()["retraction_watch"].answered == sourced.clock.now


def test_papers_share_requests(sourced: Sourced) -> None:
    pmids = [str(number) for number in range(1, 151)]
    sourced.know(*map(with_doi, pmids))
    publish(sourced, *pmids)
    sourced.work_for(30)
    assert [len(one) for one in sourced.crossref.asked] == [100, 50]
    assert [len(one) for one in sourced.europe_pmc.asked] == [100, 50]


def test_a_notice_is_never_flagged_for_what_it_says_of_another_paper(sourced: Sourced) -> None:
    sourced.watch.rows.append(Row(pmid="2", doi="10.1000/2", notice_pmid="1", notice_doi="10.1000/1"))
    publish(sourced, "1")
    sourced.work_for(5)
    assert sourced.editorial() == []


def test_hold_counts_what_any_source_says(tmp_path: Path, watch: RetractionWatchStandin) -> None:
    with opened(tmp_path, watch, policy=Policy(evidence="hold")) as bench:
        publish(bench, "1")
        retract_at(bench, "retraction_watch")
        bench.next_day()
        assert bench.article().state == "withdrawn"
        assert bench.got()[-1][1] == "withdrawn"


def notices(bench: Sourced) -> list[Any]:
    with bench.ledger.read() as transaction:
        (known,) = references_views.known_references(transaction, ["1"])
    return list(as_json(known)["notices"])


# --- papers that PubMed does not have ---


def cite_by_doi(bench: Sourced) -> None:
    """Publish an article with a DOI that only Crossref has, after the sources have been asked."""
    bench.work_for(3)
    bench.crossref.titles["10.1000/x"] = "A trial"
    bench.publish(structs.replace(article(), references=(CitedWork("doi", "10.1000/x"),)))
    bench.work_for(12)


def test_a_doi_that_is_cited_later_than_the_sources_are_in_use_is_watched(sourced: Sourced) -> None:
    cite_by_doi(sourced)
    assert sourced.editorial() == []
    sourced.europe_pmc.verdicts_by_work["10.1000/x"] = (Verdict(kind="Retraction in"),)
    sourced.next_day()
    assert sourced.editorial() == ["retracted"]


def test_what_was_said_of_a_doi_counts_until_the_source_has_answered_about_the_pmid(sourced: Sourced) -> None:
    sourced.crossref.verdicts_by_work["10.1000/x"] = (Verdict(kind="retraction"),)
    cite_by_doi(sourced)
    assert sourced.editorial() == ["retracted"]
    sourced.crossref.error = TransientError("503", code="backend-failed")
    sourced.know(structs.replace(paper("7"), doi="10.1000/x"))
    sourced.converter.pmids["10.1000/x"] = "7"
    sourced.clock.pass_(DAY)
    sourced.work_for(12)
    (known,) = sourced.status()["references"]
    assert (known["pmid"], known["editorial"]) == ("7", ["retracted"])
    asked = {one["source"]: one["asked"] for one in known["sources"]}
    assert asked["crossref"] is not None


def test_a_source_that_denies_a_paper_says_nothing_of_it(sourced: Sourced) -> None:
    publish(sourced, "1")
    retract_at(sourced, "crossref")
    sourced.next_day()
    before = {one["source"]: one["asked"] for one in sourced.status()["references"][0]["sources"]}
    sourced.crossref.verdicts_by_work.clear()
    sourced.next_day()
    after = {one["source"]: one["asked"] for one in sourced.status()["references"][0]["sources"]}
    assert sourced.editorial() == ["retracted"]
    assert after["crossref"] == before["crossref"]
    assert after["retraction_watch"] > before["retraction_watch"]


def test_a_new_source_is_asked_about_everything_even_if_its_worker_is_killed(tmp_path: Path) -> None:
    with RetractionWatchStandin() as watch, opened(tmp_path, watch) as bench:
        sources_of, bench.context = bench.context.sources, replace(bench.context, sources={})
        publish(bench, "1")
        bench.context = replace(bench.context, sources=sources_of)
        retract_at(bench, "crossref")
        with bench.ledger.write() as transaction:  # the worker got as far as this
            verdicts.register(transaction, {"crossref": True, "europe_pmc": True})
        bench.work_for(3)
        assert bench.editorial() == ["retracted"]


def test_a_source_that_knows_papers_by_doi_is_asked_as_soon_as_pubmed_has_given_the_doi(sourced: Sourced) -> None:
    retract_at(sourced, "crossref")
    sourced.pubmed.down = True
    publish(sourced, "1")
    sourced.work_for(3)
    assert sourced.crossref.asked == []
    sourced.pubmed.down = False
    sourced.work_for(20)
    assert sourced.editorial() == ["retracted"]


def test_a_doi_that_pubmed_gives_while_the_source_is_asked_is_not_overlooked(sourced: Sourced) -> None:
    """It was not there when the source was asked, and is when the paper is put off for want of one."""
    sourced.publish(article(pmids=["1"]))
    sourced.work_for(3)
    with sourced.ledger.write() as transaction:
        transaction.execute(sa.update(source_checks).values(asked=None, due=sourced.clock.now))
    assert papers.claim(sourced.context, "crossref", "lse_1") == ["pmid:1"]
    papers.store(sourced.context, "crossref", ["pmid:1"], {}, [], {})
    with sourced.ledger.read() as transaction:
        assert checks.any_due(transaction, "crossref", now=sourced.clock.now)


def test_a_source_locks_no_row_of_another_that_waits_for_the_same_doi(sourced: Sourced) -> None:
    """Two that did so at once would wait for each other: a deadlock of PostgreSQL, and a failure of one of them."""
    sourced.publish(article(pmids=["1"]))
    sourced.work_for(3)
    later = sourced.clock.now + dt.timedelta(minutes=5)
    with sourced.ledger.write() as transaction:
        transaction.execute(sa.update(source_checks).values(asked=None, due=later))
    papers.store(sourced.context, "crossref", ["pmid:1"], {}, [], {})
    with sourced.ledger.read() as transaction:
        due = dict(transaction.execute(sa.select(source_checks.c.source, source_checks.c.due)).all())
    assert due == {"crossref": sourced.clock.now, "europe_pmc": later}
