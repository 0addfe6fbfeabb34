"""A reference that leads to another paper than its words describe is reported with the PMID that was probably meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from bench import article, paper
from msgspec import structs
from watched import Watched

from pipeline.errors import TransientError
from pipeline.ledger import Ledger
from pipeline.ledger.attention import facts
from pipeline.model.article import CitedAs
from pipeline.model.reference import Author, PartialDate
from pipeline.references.pubmed.matching import Matched
from pipeline.stages.attention import Condition, attention

WORDS = "Roe K. Stretching after a stroke: a randomised trial. Ex J Neurol. 2019;12(4):284-287."


@dataclass
class Matching:
    known: dict[str, str] = field(default_factory=dict)
    error: TransientError | None = None
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def match(self, citations: Sequence[str]) -> Matched:
        self.asked.append(tuple(citations))
        if self.error:
            raise self.error
        return Matched({one: self.known[one] for one in citations if one in self.known}, frozenset(citations))


@pytest.fixture
def matching() -> Matching:
    return Matching({WORDS: "2"})


@pytest.fixture
def bench(ledger: Ledger, matching: Matching) -> Watched:
    bench = Watched(ledger)
    bench.context = replace(bench.context, matcher=matching)
    other = structs.replace(paper("1", "Migraine in schoolchildren: a survey"), authors=(Author(last="Poe"),))
    bench.know(structs.replace(other, date=PartialDate(1999)))
    return bench


def cite(bench: Watched, words: str | None = WORDS, id: str = "spasms") -> None:
    bench.clock.pass_(2)
    bench.publish(article(id, pmids=["1"], cited_as=(CitedAs(words=words),)))
    bench.work_for(5)


def told(bench: Watched) -> list[Condition]:
    with bench.ledger.read() as transaction:
        found = attention(facts(transaction, ["partner"], now=bench.clock.now))
    return [one for one in found if one.kind == "reference-mismatch"]


def test_it_is_reported_with_the_pmid_that_was_probably_meant(bench: Watched, matching: Matching) -> None:
    cite(bench)
    (one,) = told(bench)
    assert "reference 1 of spasms (PMID 1)" in one.what and "they describe PMID 2" in one.what
    assert (one.article, one.command) == ("spasms", "citewire status spasms")
    assert b"1:mismatch" in bench.partner.last("spasms").rendition.body
    bench.recheck()
    assert matching.asked == [(WORDS,)]


def test_one_that_describes_no_paper_of_pubmed_is_reported_as_such(bench: Watched, matching: Matching) -> None:
    matching.known.clear()
    cite(bench)
    (one,) = told(bench)
    assert "PubMed has no paper that they describe" in one.what


def test_it_is_reported_before_the_matcher_answers_and_asked_for_again(bench: Watched, matching: Matching) -> None:
    matching.error = TransientError("503", code="backend-failed", status=503)
    cite(bench)
    (one,) = told(bench)
    assert "describe PMID" not in one.what and "no paper" not in one.what
    matching.error = None
    bench.work_for(30)
    assert "they describe PMID 2" in told(bench)[0].what


def test_a_matcher_that_fails_keeps_no_article_and_no_reference_waiting(bench: Watched, matching: Matching) -> None:
    matching.error = TransientError("blocked", code="html-page", status=403)
    cite(bench)
    bench.know(paper("5"))
    bench.publish(article("other", pmids=["5"]))
    bench.work_for(5)
    assert b"5:resolved" in bench.partner.last("other").rendition.body
    bench.work_for(3600, step=30)
    assert len(matching.asked) <= 5


def test_the_report_ends_when_the_article_is_corrected_or_withdrawn(bench: Watched) -> None:
    cite(bench)
    cite(bench, id="another")
    assert len(told(bench)) == 2
    cite(bench, None)
    bench.withdraw("another")
    bench.work()
    assert told(bench) == []


def test_other_words_are_looked_up_anew(bench: Watched, matching: Matching) -> None:
    cite(bench)
    cite(bench, WORDS.replace("Stretching", "Swimming"))
    assert len(matching.asked) == 2
    (one,) = told(bench)
    assert "no paper" in one.what


def test_the_same_words_in_many_articles_are_one_question(bench: Watched, matching: Matching) -> None:
    for number in range(4):
        bench.publish(article(f"article-{number}", pmids=["1"], cited_as=(CitedAs(words=WORDS),)))
    bench.work_for(5)
    assert len(told(bench)) == 4
    assert matching.asked == [(WORDS,)]
