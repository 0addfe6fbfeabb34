from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from bench import START, Bench, WithoutFeeds, article, paper
from every_stage import enrich
from msgspec.structs import replace as replace_struct

from pipeline.errors import TransientError
from pipeline.ledger import Ledger, evidence
from pipeline.ledger.attention import facts
from pipeline.ledger.evidence import rechecks
from pipeline.ledger.tables import references
from pipeline.model.article import Article, CitedWork
from pipeline.model.reference import Reference
from pipeline.stages.attention import attention
from pipeline.stages.context import Policy
from pipeline.stages.enrich.schedule import ready_at
from pipeline.stages.stage import drain


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    return WithoutFeeds(ledger)


def row(bench: Bench, pmid: str) -> Any:
    with bench.ledger.read() as transaction:
        return transaction.execute(sa.select(references).where(references.c.pmid == pmid)).one()


def look_again(bench: Bench, pmid: str) -> None:
    bench.clock.pass_(60)
    with bench.ledger.write() as transaction:
        rechecks.request_recheck(transaction, [pmid], due=bench.clock.now)
    bench.work()


def test_an_article_waits_for_its_references_and_goes_out_with_them(bench: Bench) -> None:
    bench.pubmed.papers["1"] = paper("1")
    bench.publish(article(pmids=["1"]))
    bench.work()
    assert [one.rendition.body for one in bench.partner.got] == [b"1|Rest.|1:resolved"]


def test_one_that_pubmed_does_not_know_keeps_nobody_waiting_and_is_unknown_minutes_later(bench: Bench) -> None:
    bench.publish(article(pmids=["1"]))
    bench.work()
    assert bench.partner.last("spasms").rendition.body == b"1|Rest.|1:pending"
    bench.work_for(400, step=10)
    assert bench.partner.last("spasms").rendition.body == b"2|Rest.|1:unknown"
    assert bench.pubmed.asked == [("1",), ("1",)]


def test_a_client_that_is_refused_asks_ever_more_rarely(bench: Bench) -> None:
    bench.pubmed.refusal = TransientError("blocked", code="html-page", status=403)
    bench.publish(article(pmids=["1"]))
    bench.work_for(2 * 3600, step=60)
    assert len(bench.pubmed.asked) <= 6


@pytest.mark.parametrize("service", ["pubmed", "converter"])
def test_a_client_whose_rate_is_refused_for_hours_asks_ever_more_rarely_and_the_operator_is_told(
    bench: Bench, service: str
) -> None:
    too_many = TransientError("too many", code="rate-limited", status=429)
    asked = bench.pubmed.asked if service == "pubmed" else bench.converter.asked
    bench.pubmed.refusal = bench.converter.refusal = too_many
    bench.publish(article(pmids=["1"]) if service == "pubmed" else citing(DOI))
    bench.work_for(6 * 3600, step=60)
    assert 6 <= len(asked) <= 14
    with bench.ledger.read() as transaction:
        (told,) = attention(facts(transaction, ["partner"], now=bench.clock.now))
    assert (told.kind, told.who) == ("source-refuses", "operator")
    assert "refuses to answer us" in told.what and "rate-limited" in told.what


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
        rechecks.request_recheck(transaction, ["1"], due=bench.clock.now)
    bench.work_for(5)
    assert len(bench.pubmed.asked) == 2
    assert len(bench.partner.got) == 1


def test_what_was_resolved_is_not_unsaid_by_an_answer_that_leaves_it_out(bench: Bench) -> None:
    bench.pubmed.papers["1"] = paper("1")
    bench.publish(article(pmids=["1"]))
    bench.work()
    bench.pubmed.papers.clear()
    with bench.ledger.write() as transaction:
        rechecks.request_recheck(transaction, ["1"], due=bench.clock.now)
    bench.work_for(5)
    with bench.ledger.read() as transaction:
        (shown,) = evidence.references_for(transaction, article(pmids=["1"]).references)
    assert shown.state == "resolved"


def test_a_burst_of_articles_shares_its_requests(bench: Bench) -> None:
    for number in range(50):
        bench.publish(article(f"article-{number}", pmids=[str(1 + number % 30), str(100 + number)]))
    bench.work_for(3)
    assert [len(pmids) for pmids in bench.pubmed.asked] == [80]


def test_requests_are_spaced_for_the_whole_site(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(pubmed_batch=10))
    bench.publish(article(pmids=[str(number) for number in range(1, 101)]))
    asked = []
    for _ in range(200):
        drain(bench.context, enrich)
        asked.append(len(bench.pubmed.asked))
        bench.clock.pass_(0.02)
    assert asked[0] == 1
    assert [asked[tick + 50] - asked[tick] <= 3 for tick in range(150)] == [True] * 150
    assert asked[-1] == 10


def test_a_limit_that_ncbi_tells_is_kept_and_made_use_of(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(pubmed_batch=1))
    bench.pubmed.rate_limit = 1
    bench.publish(article(pmids=[str(number) for number in range(1, 101)]))
    bench.work_for(9.9, step=0.1)
    assert 9 <= len(bench.pubmed.asked) <= 12
    bench.pubmed.rate_limit = 10
    bench.work_for(7.9, step=0.05)
    assert 50 <= len(bench.pubmed.asked) <= 80


def test_after_a_429_it_goes_slower_and_recovers(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(pubmed_batch=1))
    bench.publish(article(pmids=[str(number) for number in range(1, 101)]))
    bench.pubmed.refusal = TransientError("too many", code="rate-limited", retry_after=2.0)
    drain(bench.context, enrich)
    bench.pubmed.refusal = None
    bench.work_for(1.9, step=0.1)
    assert len(bench.pubmed.asked) == 1
    bench.work_for(0.4, step=0.1)
    assert len(bench.pubmed.asked) == 2
    bench.work_for(9.9, step=0.1)
    assert 25 <= len(bench.pubmed.asked) <= 33


def test_a_lone_article_is_asked_for_a_moment_after_it_came(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, gathers=True)
    started = bench.publish(article(pmids=["1"])) and bench.clock.now
    drain(bench.context, enrich)
    assert bench.pubmed.asked == [("1",)]
    assert (bench.clock.now - started).total_seconds() < 0.35


def test_what_comes_while_a_batch_is_gathered_goes_with_it(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, gathers=True)
    pause = bench.context.pause

    def publish_meanwhile(seconds: float) -> None:
        pause(seconds)
        if (count := next(counted)) <= 10:
            bench.publish(article(f"article-{count}", pmids=[str(count)]))

    counted = itertools.count(2)
    bench.publish(article("article-1", pmids=["1"]))
    drain(replace(bench.context, pause=publish_meanwhile), enrich)
    assert [len(pmids) for pmids in bench.pubmed.asked] == [10]


def test_a_batch_is_gathered_for_as_long_as_it_may_be() -> None:
    policy, start = Policy(pubmed_batch=4), START
    at = [start + dt.timedelta(seconds=seconds) for seconds in (0, 0.2, 2.9, 2.95)]
    assert ready_at([], policy) is None
    assert ready_at(at[:1], policy) == start + dt.timedelta(seconds=0.25)
    assert ready_at(at[:2], policy) == start + dt.timedelta(seconds=0.45)
    assert ready_at(at[:3], policy) == start + dt.timedelta(seconds=3)
    assert ready_at(at, policy) == start


def test_only_one_worker_waits(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, gathers=True)
    others: list[int] = []
    pause = bench.context.pause

    def look_elsewhere(seconds: float) -> None:
        others.append(len(enrich.claim(replace(bench.context, pause=refuse), "")))
        pause(seconds)

    def refuse(_: float) -> None:
        raise AssertionError("two wait")

    bench.publish(article(pmids=["1"]))
    drain(replace(bench.context, pause=look_elsewhere), enrich)
    assert (len(bench.pubmed.asked), set(others)) == (1, {0})


def test_what_articles_wait_for_goes_before_what_is_looked_at_again(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(pubmed_batch=2))
    bench.publish(article("old", pmids=["1", "2", "3"]))
    bench.work_for(10)
    with bench.ledger.write() as transaction:
        rechecks.request_recheck(transaction, ["1", "2", "3"], due=bench.clock.now)
    bench.clock.pass_(60)
    bench.publish(article("new", pmids=["7", "8"]))
    asked = len(bench.pubmed.asked)
    bench.work_for(5)
    assert [sorted(pmids) for pmids in bench.pubmed.asked[asked:]] == [["7", "8"], ["1", "2"], ["3"]]


def test_a_record_is_kept_with_its_digest_and_the_time_of_its_change(bench: Bench) -> None:
    bench.pubmed.papers["1"] = paper("1")
    bench.publish(article(pmids=["1"]))
    bench.work()
    first = row(bench, "1")
    look_again(bench, "1")
    second = row(bench, "1")
    assert (second.digest, second.changed) == (first.digest, first.changed)
    assert second.fetched > first.fetched
    bench.pubmed.papers["1"] = paper("1", title="Another title")
    look_again(bench, "1")
    third = row(bench, "1")
    assert third.digest != first.digest
    assert third.changed > first.changed


def test_what_an_answer_leaves_out_is_asked_for_again(bench: Bench) -> None:
    bench.pubmed.papers |= {"1": paper("1"), "2": paper("2")}
    bench.pubmed.leaves_out = {"2"}
    bench.publish(article(pmids=["1", "2"]))
    bench.work()
    bench.pubmed.leaves_out = set()
    bench.work_for(5)
    assert bench.partner.last("spasms").rendition.body == b"1|Rest.|1:resolved 2:resolved"


def test_a_record_that_cannot_be_read_stays_pending_with_its_error_and_rests(bench: Bench) -> None:
    bench.pubmed.papers |= {"1": paper("1"), "2": paper("2")}
    bench.pubmed.breaks = {"2"}
    bench.publish(article(pmids=["1", "2"]))
    bench.work_for(60)
    assert bench.partner.last("spasms").rendition.body == b"1|Rest.|1:resolved 2:pending"
    assert (row(bench, "2").state, row(bench, "2").error) == ("pending", "unreadable-xml: no XML")
    assert len(bench.pubmed.asked) == 1
    bench.pubmed.breaks = set()
    bench.clock.pass_(3600)
    bench.work_for(20)
    assert bench.partner.last("spasms").rendition.body == b"2|Rest.|1:resolved 2:resolved"


# --- DOIs and PMCIDs ----------------------------------------------------------------------------------------------

DOI, PMCID = CitedWork("doi", "10.1/x"), CitedWork("pmcid", "PMC7")


def citing(*works: CitedWork, id: str = "spasms") -> Article:
    return replace_struct(article(id), references=works)


def test_a_doi_and_a_pmcid_become_the_records_of_their_pmids(bench: Bench) -> None:
    bench.converter.pmids |= {"10.1/x": "5", "PMC7": "7"}
    bench.pubmed.papers |= {
        "5": Reference(pmid="5", title="T", doi="10.1/x"),
        "7": Reference(pmid="7", title="U", pmcid="PMC7"),
    }
    bench.publish(citing(DOI, PMCID))
    bench.work_for(3)
    assert bench.partner.got[0].rendition.body == b"1|Rest.|10.1/x:resolved PMC7:resolved"
    assert bench.converter.asked == [("10.1/x", "PMC7")]
    assert bench.pubmed.asked == [("5", "7")]
    with bench.ledger.read() as transaction:
        (shown, _) = evidence.references_for(transaction, (DOI, PMCID))
        assert shown.reference is not None and shown.reference.pmid == "5"
        assert evidence.citing(transaction, ["5"]) == evidence.citing(transaction, ["7"]) == ["spasms"]


def test_a_doi_without_a_pmid_stays_a_doi_and_is_asked_for_again_a_day_later(bench: Bench) -> None:
    bench.publish(citing(DOI))
    bench.work_for(3)
    assert bench.partner.last("spasms").rendition.body == b"1|Rest.|10.1/x:pending"
    bench.work_for(400, step=10)
    assert bench.partner.last("spasms").rendition.body == b"2|Rest.|10.1/x:unknown"
    bench.converter.pmids["10.1/x"] = "5"
    bench.pubmed.papers["5"] = paper("5")
    bench.work_for(90_000, step=3600)
    assert len(bench.converter.asked) == 3
    assert bench.partner.last("spasms").rendition.body == b"3|Rest.|10.1/x:resolved"
    assert bench.partner.last("spasms").revision == 3


def test_a_doi_that_was_denied_once_only_is_not_unknown(bench: Bench) -> None:
    bench.publish(citing(DOI))
    bench.work_for(3)
    bench.converter.pmids["10.1/x"] = "5"
    bench.pubmed.papers["5"] = paper("5")
    bench.work_for(400, step=10)
    assert bench.partner.last("spasms").rendition.body == b"2|Rest.|10.1/x:resolved"


def test_a_second_article_that_cites_a_known_doi_asks_nobody(bench: Bench) -> None:
    bench.converter.pmids["10.1/x"] = "5"
    bench.pubmed.papers["5"] = paper("5")
    bench.publish(citing(DOI))
    bench.work_for(3)
    bench.publish(citing(DOI, id="another"))
    bench.work()
    assert bench.partner.last("another").rendition.body == b"1|Rest.|10.1/x:resolved"
    assert (len(bench.converter.asked), len(bench.pubmed.asked)) == (1, 1)
    with bench.ledger.read() as transaction:
        assert evidence.citing(transaction, ["5"]) == ["another", "spasms"]


def test_a_record_with_another_doi_is_not_taken_for_the_paper(bench: Bench) -> None:
    bench.converter.pmids["10.1/x"] = "5"
    bench.pubmed.papers["5"] = Reference(pmid="5", title="Of something else", doi="10.1/other")
    bench.publish(citing(DOI))
    bench.work_for(3)
    assert bench.partner.last("spasms").rendition.body == b"1|Rest.|10.1/x:unknown"


def test_with_the_converter_down_the_article_goes_out_with_links_and_is_brought_up_to_date_once(bench: Bench) -> None:
    bench.converter.down = True
    bench.publish(citing(DOI, CitedWork("pmid", "9")))
    bench.pubmed.papers |= {"5": paper("5"), "9": paper("9")}
    bench.work_for(9)
    assert bench.partner.got == []
    bench.work_for(30)
    assert [one.rendition.body for one in bench.partner.got] == [b"1|Rest.|10.1/x:pending 9:resolved"]
    bench.converter.down, bench.converter.pmids["10.1/x"] = False, "5"
    bench.work_for(30)
    assert bench.partner.got[1].rendition.body == b"2|Rest.|10.1/x:resolved 9:resolved"
    assert len(bench.partner.got) == 2


def test_a_converter_that_is_down_does_not_slow_pubmed(bench: Bench) -> None:
    bench.converter.down = True
    bench.publish(citing(DOI))
    bench.work_for(40, step=4)
    for number in range(5):
        bench.pubmed.papers[str(number + 1)] = paper(str(number + 1))
        bench.publish(article(f"article-{number}", pmids=[str(number + 1)]))
        bench.work_for(1)
    assert len({parcel.article_id for parcel in bench.partner.got}) == 6


def test_without_a_converter_a_doi_stays_a_doi(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    bench.context = replace(bench.context, converter=None)
    bench.publish(citing(DOI))
    bench.work_for(2)
    assert bench.partner.last("spasms").rendition.body == b"1|Rest.|10.1/x:pending"
    bench.work_for(400, step=10)
    assert bench.partner.last("spasms").rendition.body == b"2|Rest.|10.1/x:unknown"


def test_requests_to_the_converter_count_against_the_same_rate(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(pubmed_batch=1))
    bench.publish(citing(*(CitedWork("doi", f"10.1/{number}") for number in range(10))))
    bench.publish(article("other", pmids=[str(number) for number in range(1, 11)]))
    bench.work_for(1.9, step=0.1)
    assert len(bench.converter.asked) + len(bench.pubmed.asked) <= 7


def test_an_article_that_is_taken_back_or_cites_it_no_more_is_not_found_by_its_doi(bench: Bench) -> None:
    bench.converter.pmids["10.1/x"] = "5"
    bench.publish(citing(DOI))
    bench.work_for(3)
    bench.publish(citing(CitedWork("pmid", "9")))
    with bench.ledger.read() as transaction:
        assert evidence.citing(transaction, ["5"]) == []


def test_a_doi_that_is_too_long_to_be_one_is_never_asked_for(bench: Bench) -> None:
    bench.publish(citing(CitedWork("doi", "10.1/" + "x" * 5000)))
    bench.work_for(2)
    assert bench.converter.asked == []
    assert bench.partner.last("spasms").rendition.body.endswith(b":unwatched")


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
