"""What PubMed says it does not have is believed when it says so twice, minutes apart, and is not lost before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from bench import article, paper
from msgspec import structs
from structlog.testing import capture_logs
from watched import Watched, publish, withdrawn_by_a_hold

from pipeline.ledger import Ledger, evidence
from pipeline.ledger.attention import facts
from pipeline.ledger.evidence import rechecks
from pipeline.ledger.tables import identifiers, references
from pipeline.model.article import CitedAs, CitedWork
from pipeline.model.reference import CitedReference
from pipeline.references.pubmed.finding import Found
from pipeline.renditions import formats
from pipeline.stages.attention import Condition, attention
from pipeline.views.cited import cited_counts


@pytest.fixture
def bench(ledger: Ledger) -> Watched:
    return Watched(ledger)


def shown(bench: Watched, *pmids: str) -> list[CitedReference]:
    with bench.ledger.read() as transaction:
        return list(evidence.references_for(transaction, [CitedWork("pmid", pmid) for pmid in pmids]))


def states(bench: Watched, *pmids: str) -> list[str]:
    return [one.state for one in shown(bench, *pmids)]


def ask_now(bench: Watched, *pmids: str) -> None:
    with bench.ledger.write() as transaction:
        rechecks.request_recheck(transaction, pmids, due=bench.clock.now)
    bench.work()


def row(bench: Watched, pmid: str) -> Any:
    with bench.ledger.read() as transaction:
        return transaction.execute(sa.select(references).where(references.c.pmid == pmid)).one()


def test_two_answers_within_seconds_are_one(bench: Watched) -> None:
    publish(bench, "1")
    for _ in range(5):
        bench.clock.pass_(10)
        ask_now(bench, "1")
    assert states(bench, "1") == ["pending"]
    bench.work_for(300, step=10)
    assert states(bench, "1") == ["unknown"]


def test_one_that_appears_before_the_second_answer_was_never_unknown(bench: Watched) -> None:
    publish(bench, "1")
    bench.know(paper("1"))
    bench.work_for(400, step=10)
    assert states(bench, "1") == ["resolved"]
    assert (row(bench, "1").denials, row(bench, "1").denied) == (0, None)


def test_an_article_that_cites_one_that_was_denied_once_does_not_wait(bench: Watched) -> None:
    publish(bench, "1")
    bench.publish(article("another", pmids=["1"]))
    bench.work()
    assert bench.receivers["partner"].last("another").revision == 1


@pytest.mark.parametrize("work", [CitedWork("pmid", "1"), CitedWork("doi", "10.1/nobodys")])
def test_an_article_that_cites_what_nobody_has_goes_out_once(bench: Watched, work: CitedWork) -> None:
    channels = {name: replace(plan, format="json-feed") for name, plan in bench.context.channels.items()}
    bench.context = replace(bench.context, formats=formats(), channels=channels)
    bench.publish(structs.replace(article(), references=(work,)))
    bench.work_for(900, step=10)
    with bench.ledger.read() as transaction:
        assert [one.state for one in evidence.references_for(transaction, (work,))] == ["unknown"]
    assert bench.got() == [(1, "published")]


# --- answers that lack unusually many -------------------------------------------------------------------------------


def test_an_answer_that_lacks_unusually_many_is_not_believed_at_the_second_time(bench: Watched) -> None:
    pmids = [str(number) for number in range(1, 9)]
    with capture_logs() as logged:
        publish(bench, *pmids)
        bench.work_for(900, step=30)
    assert set(states(bench, *pmids)) == {"pending"}
    assert {"left_out": 8, "resolved": 0} in [
        {name: one[name] for name in ("left_out", "resolved")} for one in logged if "unusually" in one["event"]
    ]
    bench.know(*(paper(pmid) for pmid in pmids[:7]))
    bench.work_for(4 * 3600, step=60)
    assert states(bench, *pmids) == ["resolved"] * 7 + ["unknown"]


def test_what_exists_nowhere_is_unknown_in_the_end_however_many_there_are(bench: Watched) -> None:
    pmids = [str(number) for number in range(1, 9)]
    publish(bench, *pmids)
    bench.work_for(2 * 3600, step=60)
    assert set(states(bench, *pmids)) == {"unknown"}
    assert len(bench.pubmed.asked) == 4


def test_many_that_are_known_to_be_unknown_make_no_answer_suspect(bench: Watched) -> None:
    pmids = [str(number) for number in range(1, 9)]
    publish(bench, *pmids)
    bench.work_for(2 * 3600, step=60)
    bench.publish(article("another", pmids=["99"]))
    with capture_logs() as logged:
        bench.work()
        ask_now(bench, *pmids, "99")
        bench.work_for(400, step=10)
    assert states(bench, "99") == ["unknown"]
    assert not [one for one in logged if "unusually" in one["event"]]


# --- records that vanish --------------------------------------------------------------------------------------------


def test_a_record_that_vanished_is_gone_after_two_answers_and_shown_as_it_was(bench: Watched) -> None:
    bench.know(paper("1"))
    bench.turn("1", "retracted")
    publish(bench, "1")
    bench.pubmed.papers.clear()
    ask_now(bench, "1")
    assert states(bench, "1") == ["resolved"]
    bench.work_for(400, step=10)
    (cited,) = shown(bench, "1")
    assert cited.state == "gone" and cited.reference is not None and cited.reference.retracted
    bench.work_for(3 * 86_400, step=3600)
    told = [body for one in bench.receivers["partner"].got if b":gone" in (body := one.rendition.body)]
    assert len(told) == 1


def test_the_editor_is_told_once_of_what_vanished_until_it_is_back_or_no_longer_cited(bench: Watched) -> None:
    bench.know(paper("1"), paper("2"))
    publish(bench, "1", "2")
    publish(bench, "1", id="another")
    del bench.pubmed.papers["1"]
    ask_now(bench, "1")
    assert gone(bench) == []
    bench.work_for(400, step=10)
    (told,) = gone(bench)
    assert told.key == "reference-gone:pmid:1" and (told.who, told.count, told.article) == ("editor", 2, "another")
    assert "PMID 1, cited by 2 articles, is no longer in PubMed" in told.what
    bench.work_for(2 * 86_400, step=3600)
    assert gone(bench) == [told]
    publish(bench, "2", id="another", text="Rest.")
    publish(bench, "2", text="Rest.")
    assert gone(bench) == []


def test_the_editor_is_told_of_a_paper_cited_by_doi_that_no_source_has_any_more(bench: Watched) -> None:
    publish(bench, "2")
    with bench.ledger.write() as transaction:
        evidence.cite(transaction, "spasms", [CitedWork("doi", "10.1/x")], now=bench.clock.now)
        transaction.execute(sa.update(identifiers).values(state="gone", due=None))
    (told,) = gone(bench)
    assert "doi:10.1/x, cited by 1 article, is no longer in any source" in told.what


def gone(bench: Watched) -> list[Condition]:
    with bench.ledger.read() as transaction:
        found = attention(facts(transaction, ["partner"], now=bench.clock.now))
    return [one for one in found if one.kind == "reference-gone"]


def test_what_vanished_stays_on_hold(ledger: Ledger) -> None:
    bench = withdrawn_by_a_hold(ledger)
    bench.pubmed.papers.clear()
    ask_now(bench, "1")
    bench.work_for(400, step=10)
    assert states(bench, "1") == ["gone"]
    assert bench.article().state == "withdrawn"


def test_one_that_comes_back_is_resolved_again(bench: Watched) -> None:
    bench.know(paper("1"))
    publish(bench, "1")
    bench.pubmed.papers.clear()
    ask_now(bench, "1")
    bench.work_for(400, step=10)
    bench.know(paper("1"))
    ask_now(bench, "1")
    assert states(bench, "1") == ["resolved"]
    assert bench.receivers["partner"].last("spasms").rendition.body.split(b"|")[3].startswith(b"1:resolved")


# --- PMIDs that were merged -----------------------------------------------------------------------------------------


class Finder:
    """ESearch: finds PubMed's records by DOI."""

    def __init__(self, bench: Watched) -> None:
        self._bench = bench

    def find(self, works: Any) -> Found:
        by_doi = {one.doi: one for one in self._bench.pubmed.papers.values()}
        records = {work: by_doi[work.value] for work in works if work.value in by_doi}
        return Found(records, frozenset(works) - records.keys())


def merge(bench: Watched, pmid: str, into: str) -> None:
    bench.context = replace(bench.context, finder=Finder(bench))
    bench.know(structs.replace(bench.pubmed.papers.pop(pmid), pmid=into))
    ask_now(bench, pmid)
    bench.work_for(400, step=10)


@pytest.fixture
def merged(bench: Watched) -> Watched:
    bench.know(structs.replace(paper("1"), doi="10.1/x"))
    publish(bench, "1")
    bench.converter.pmids["10.1/x"] = "1"  # which does not know of it yet
    merge(bench, "1", into="2")
    return bench


def test_a_pmid_that_was_merged_is_followed_and_said(merged: Watched) -> None:
    (cited,) = shown(merged, "1")
    assert gone(merged) == []
    assert cited.state == "resolved" and cited.reference is not None and cited.reference.pmid == "2"
    with merged.ledger.read() as transaction:
        counted = cited_counts(transaction, "spasms")
    assert counted is not None
    (warning,) = counted.warnings
    assert (warning.code, warning.field) == ("pmid-merged", "references[0]")
    assert "PMID 1" in warning.message and "PMID 2" in warning.message


def test_what_is_done_to_the_paper_under_its_new_pmid_reaches_those_who_cite_the_old_one(merged: Watched) -> None:
    merged.turn("2", "retracted")
    merged.recheck()
    assert b":retracted:" in merged.receivers["partner"].last("spasms").rendition.body


def test_a_merged_pmid_is_followed_in_the_next_content_and_for_other_articles_too(merged: Watched) -> None:
    publish(merged, "1", text="Rest more.")
    publish(merged, "1", id="another")
    with merged.ledger.read() as transaction:
        assert evidence.citing(transaction, ["2"]) == ["another", "spasms"]


def test_words_are_compared_with_the_record_under_its_new_pmid(merged: Watched) -> None:
    with merged.ledger.read() as transaction:
        (cited,) = evidence.references_for(
            transaction, (CitedWork("pmid", "1"),), (CitedAs(words="Roe K. Quite another thing altogether. 1999."),)
        )
    assert cited.state == "mismatch"


def test_a_record_without_a_doi_that_vanished_is_just_gone(bench: Watched) -> None:
    bench.know(paper("1"))
    publish(bench, "1")
    merge(bench, "1", into="2")
    assert states(bench, "1") == ["gone"]
