from __future__ import annotations

import pytest
from bench import Bench, article, paper

from pipeline.ledger import Ledger, evidence
from pipeline.stages import enrich
from pipeline.stages.context import Policy
from pipeline.stages.work import drain


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    return Bench(ledger)


def test_an_article_waits_for_its_references_and_goes_out_with_them(bench: Bench) -> None:
    bench.pubmed.papers["1"] = paper("1")
    bench.publish(article(pmids=["1"]))
    bench.work()
    assert [one.rendition.body for one in bench.partner.got] == [b"1|Rest.|1:resolved"]


def test_one_that_pubmed_does_not_know_is_unknown_and_keeps_nobody_waiting(bench: Bench) -> None:
    bench.publish(article(pmids=["1"]))
    bench.work()
    assert bench.partner.last("spasms").rendition.body == b"1|Rest.|1:unknown"


def test_with_pubmed_down_the_article_goes_out_with_links_after_its_wait(bench: Bench) -> None:
    bench.pubmed.down = True
    bench.publish(article(pmids=["1"]))
    bench.work_for(9)
    assert bench.partner.got == []
    bench.work_for(2)
    assert bench.partner.last("spasms").rendition.body == b"1|Rest.|1:pending"


def test_the_citations_follow_once_as_the_next_revision(bench: Bench) -> None:
    bench.pubmed.down = True
    bench.publish(article(pmids=["1", "2"]))
    bench.work_for(30)
    bench.pubmed.down = False
    bench.pubmed.papers |= {"1": paper("1"), "2": paper("2")}
    bench.work_for(30)
    assert [(one.revision, one.event) for one in bench.partner.got] == [(1, "published"), (2, "updated")]
    assert bench.partner.got[0].message_id != bench.partner.got[1].message_id
    assert bench.partner.last("spasms").rendition.body == b"2|Rest.|1:resolved 2:resolved"


def test_the_same_evidence_again_sends_nothing(bench: Bench) -> None:
    bench.pubmed.papers["1"] = paper("1")
    bench.publish(article(pmids=["1"]))
    bench.work()
    with bench.ledger.write() as transaction:
        evidence.ask_again(transaction, ["1"], due=bench.clock.now)
    bench.work_for(5)
    assert len(bench.pubmed.asked) == 2
    assert len(bench.partner.got) == 1


def test_what_was_resolved_is_not_unsaid_by_an_answer_that_leaves_it_out(bench: Bench) -> None:
    bench.pubmed.papers["1"] = paper("1")
    bench.publish(article(pmids=["1"]))
    bench.work()
    bench.pubmed.papers.clear()
    with bench.ledger.write() as transaction:
        evidence.ask_again(transaction, ["1"], due=bench.clock.now)
    bench.work_for(5)
    with bench.ledger.read() as transaction:
        (shown,) = evidence.show(transaction, article(pmids=["1"]).references)
    assert shown.state == "resolved"


def test_a_burst_of_articles_shares_its_requests(bench: Bench) -> None:
    for number in range(50):
        bench.publish(article(f"article-{number}", pmids=[str(1 + number % 30), str(100 + number)]))
    bench.work_for(3)
    assert [len(pmids) for pmids in bench.pubmed.asked] == [80]


def test_requests_are_spaced_for_the_whole_site(ledger: Ledger) -> None:
    bench = Bench(ledger, policy=Policy(pubmed_batch=10))
    bench.publish(article(pmids=[str(number) for number in range(1, 31)]))
    drain(bench.context, enrich)
    assert len(bench.pubmed.asked) == 1
    bench.clock.pass_(0.2)
    drain(bench.context, enrich)
    assert len(bench.pubmed.asked) == 1
    bench.clock.pass_(0.2)
    drain(bench.context, enrich)
    assert len(bench.pubmed.asked) == 2


def test_a_pubmed_that_is_down_is_asked_ever_less_often(bench: Bench) -> None:
    bench.pubmed.down = True
    bench.publish(article(pmids=["1"]))
    bench.work_for(60)
    assert 7 <= len(bench.pubmed.asked) <= 11


def test_a_batch_whose_worker_was_killed_is_asked_for_again(bench: Bench) -> None:
    bench.pubmed.papers["1"] = paper("1")
    bench.publish(article(pmids=["1"]))
    bench.die(enrich)
    bench.work_for(120, step=5)
    assert bench.partner.last("spasms").rendition.body == b"2|Rest.|1:resolved"
