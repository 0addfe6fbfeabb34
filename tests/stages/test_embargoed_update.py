"""While an update waits for its embargo, the papers of the live revision are watched, and its changes go out."""

from __future__ import annotations

import datetime as dt

import pytest
from bench import START, Bench, WithoutFeeds, article, paper
from msgspec import structs

from pipeline.ledger import Ledger, evidence
from pipeline.ledger.evidence import cited
from pipeline.views import articles as articles_views
from pipeline.views import events as events_views

ENDS = START + dt.timedelta(hours=6)


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    """A live article that cites paper 1, and an update under an embargo that cites paper 2."""
    bench = WithoutFeeds(ledger)
    bench.pubmed.papers |= {"1": paper("1"), "2": paper("2")}
    bench.publish(article(text="Rest.", pmids=["1"]))
    bench.work_for(5)
    bench.publish(article(text="Secret.", pmids=["2"], embargo=ENDS), id="update")
    bench.work_for(5)
    return bench


def retract(bench: Bench, pmid: str) -> None:
    bench.pubmed.papers[pmid] = structs.replace(paper(pmid), editorial=("retracted",))
    with bench.ledger.write() as transaction:
        evidence.rechecks.request_recheck(transaction, [pmid], due=bench.clock.now)
    bench.work_for(5)


def shown(bench: Bench) -> str:
    return bench.partner.last("spasms").rendition.body.decode()


def status(bench: Bench) -> articles_views.ArticleStatus:
    with bench.ledger.read() as transaction:
        found = articles_views.article(transaction, "spasms")
    assert found is not None
    return found


def test_a_retraction_of_a_live_paper_goes_out_under_the_next_number(bench: Bench) -> None:
    before = bench.partner.last("spasms").revision
    retract(bench, "1")
    assert bench.partner.last("spasms").revision > before
    assert "Rest." in shown(bench) and "Secret" not in shown(bench)
    with bench.ledger.read() as transaction:
        assert cited.live_articles(transaction, ["1", "2"]) == {"1": ["spasms"]}
    assert [one.pmid for one in status(bench).references] == ["1"]
    assert status(bench).references[0].editorial == ("retracted",)


def test_the_update_follows_when_its_time_comes(bench: Bench) -> None:
    retract(bench, "1")
    live = bench.partner.last("spasms").revision
    bench.work_for(6 * 3600 + 60, step=300)
    assert bench.partner.last("spasms").revision == live + 1
    assert "Secret." in shown(bench)
    assert [one.pmid for one in status(bench).references] == ["2"]
    with bench.ledger.read() as transaction:
        assert cited.live_articles(transaction, ["1", "2"]) == {"2": ["spasms"]}


def test_several_changes_during_an_embargo_all_go_out_and_the_update_still_follows(bench: Bench) -> None:
    retract(bench, "1")
    bench.pubmed.papers["1"] = structs.replace(paper("1"), editorial=("retracted", "concern"))
    with bench.ledger.write() as transaction:
        evidence.rechecks.request_recheck(transaction, ["1"], due=bench.clock.now)
    bench.work_for(5)
    assert status(bench).references[0].editorial == ("retracted", "concern")
    live = bench.partner.last("spasms").revision
    bench.work_for(6 * 3600 + 60, step=300)
    assert (bench.partner.last("spasms").revision, "Secret." in shown(bench)) == (live + 1, True)


def test_nothing_is_published_early_when_the_papers_of_the_update_change(bench: Bench) -> None:
    before = bench.partner.last("spasms").revision
    retract(bench, "2")
    assert bench.partner.last("spasms").revision == before
    assert "Secret" not in shown(bench)


def test_the_event_of_the_update_has_not_ended_while_it_waits(bench: Bench) -> None:
    retract(bench, "1")
    with bench.ledger.read() as transaction:
        assert events_views.outcome(transaction, "spasms", 2) is None
    bench.work_for(6 * 3600 + 60, step=300)
    with bench.ledger.read() as transaction:
        assert events_views.outcome(transaction, "spasms", 2) == "delivered"


def test_what_the_live_revision_cites_knowingly_needs_no_warning_while_the_update_waits(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    bench.pubmed.papers |= {"1": structs.replace(paper("1"), editorial=("retracted",)), "2": paper("2")}
    bench.publish(article(text="Of the retracted trial.", pmids=["1"], cites_retracted=("1",)))
    bench.work_for(5)
    assert status(bench).cited.warnings == ()
    bench.publish(article(text="Secret.", pmids=["2"], embargo=ENDS), id="update")
    bench.work_for(5)
    assert [one.pmid for one in status(bench).references] == ["1"]
    assert status(bench).cited.warnings == ()
