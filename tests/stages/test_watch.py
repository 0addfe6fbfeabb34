"""Papers that turn bad while articles that cite them are out: who learns of it, and when it is looked at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bench import PLAIN, START, article, paper
from empty_ledger import empty_ledger
from msgspec import structs
from structlog.testing import capture_logs
from watched import Watched, publish

from pipeline.ledger import Ledger
from pipeline.model.article import CitedWork
from pipeline.model.reference import EditorialState
from pipeline.model.rendition import Format
from pipeline.stages.context import Policy


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """On one database: what differs between the two is tested in tests/ledger/test_evidence_watch.py."""
    opened = empty_ledger(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def bench(ledger: Ledger) -> Watched:
    watched = Watched(ledger, "partner", "other")
    watched.know(paper("1"), paper("2"))
    return watched


# --- learning of it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["retracted", "concern", "erratum", "corrected-republished", "updated"])
def test_every_channel_that_holds_the_article_gets_it_marked_and_others_get_nothing(
    bench: Watched, state: EditorialState
) -> None:
    publish(bench, "1", id="spasms")
    publish(bench, "2", id="cramps")
    bench.turn("1", state)
    with capture_logs() as logs:
        bench.recheck()
    for channel in ("partner", "other"):
        assert bench.got(channel) == [(1, "published"), (1, "published"), (2, "updated")]
        assert f"1:resolved:{state}:".encode() in bench.receivers[channel].last("spasms").rendition.body
    (change,) = bench.noted()
    assert (change.pmid, change.gained, change.lost, change.articles) == ("1", (state,), (), ("spasms",))
    (line,) = [line for line in logs if line["event"] == "evidence changed"]
    assert (line["pmid"], line["gained"], line["articles"]) == ("1", (state,), 1)


def test_a_state_that_is_lost_is_told_too(bench: Watched) -> None:
    bench.turn("1", "concern")
    publish(bench, "1")
    bench.turn("1")
    bench.recheck()
    assert [(one.gained, one.lost) for one in bench.noted()] == [((), ("concern",))]
    assert b"concern" not in bench.partner.last("spasms").rendition.body


def test_what_was_retracted_before_it_was_cited_is_no_change(bench: Watched) -> None:
    bench.turn("1", "retracted")
    publish(bench, "1")
    bench.recheck()
    assert bench.noted() == []
    assert bench.got() == [(1, "published")]


def test_an_article_that_went_out_without_waiting_for_the_mark_counts_as_misled(bench: Watched) -> None:
    bench.turn("1", "retracted")
    bench.pubmed.down = True
    publish(bench, "1")
    bench.work_for(30, step=5)
    bench.pubmed.down = False
    bench.work_for(30, step=5)
    (change,) = bench.noted()
    assert (change.gained, change.articles) == (("retracted",), ("spasms",))
    assert bench.got() == [(1, "published"), (2, "updated")]


def test_a_doi_that_was_shown_as_unknown_and_is_found_to_be_a_retracted_paper_counts_as_misled(bench: Watched) -> None:
    bench.turn("1", "retracted")
    works = (CitedWork("doi", "10.1/x"), CitedWork("doi", "10.1/y"))
    bench.publish(structs.replace(article(), references=works))
    bench.work_for(400, step=10)
    assert b"10.1/x:unknown" in bench.receivers["partner"].last("spasms").rendition.body
    bench.converter.pmids |= {"10.1/x": "1", "10.1/y": "2"}
    bench.work_for(90_000, step=3600)
    (change,) = bench.noted()
    assert (change.pmid, change.gained, change.articles) == ("1", ("retracted",), ("spasms",))


def test_a_first_answer_for_what_only_the_next_revision_cites_misled_nobody(bench: Watched) -> None:
    publish(bench, "2")
    bench.turn("1", "retracted")
    publish(bench, "1", text="Edited.")
    assert bench.noted() == []
    assert bench.got() == [(1, "published"), (2, "updated")]


def test_a_paper_that_pubmed_leaves_out_of_an_answer_keeps_its_standing(bench: Watched) -> None:
    publish(bench, "1")
    del bench.pubmed.papers["1"]
    bench.recheck()
    assert (bench.noted(), bench.got()) == ([], [(1, "published")])


def test_a_change_of_which_no_format_shows_anything_makes_no_revision(bench: Watched) -> None:
    publish(bench, "1")
    bench.know(structs.replace(bench.pubmed.papers["1"], issn="1234-5678"))
    bench.recheck()
    assert bench.article().revision == 1
    assert bench.got() == [(1, "published")]
    assert "render" not in bench.due()


def test_a_change_that_a_format_shows_goes_to_those_who_have_that_format(ledger: Ledger) -> None:
    bench = Watched(ledger, "partner", "other", plans={"other": {"format": "bare"}})
    bench.know(paper("1"))
    publish(bench, "1")
    bench.know(structs.replace(bench.pubmed.papers["1"], pages="1-9"))
    bench.recheck()
    assert bench.got() == [(1, "published"), (2, "updated")]
    assert bench.got("other") == [(1, "published")]
    assert bench.noted() == []


def test_a_mark_goes_to_those_too_whose_format_shows_none(ledger: Ledger) -> None:
    bench = Watched(ledger, "partner", plans={"partner": {"format": "bare"}})
    bench.know(paper("1"))
    publish(bench, "1")
    bench.turn("1", "retracted")
    bench.recheck()
    assert bench.got() == [(1, "published"), (2, "updated")]


# --- when it is looked at again -----------------------------------------------------------------------------------


def test_every_reference_is_looked_at_again_each_night_in_few_requests(bench: Watched) -> None:
    bench.know(*(paper(str(number)) for number in range(1, 41)))
    bench.clock.now = dt.datetime(2026, 3, 2, 15, tzinfo=dt.UTC)  # Monday morning
    publish(bench, *map(str, range(1, 41)))
    bench.pubmed.asked.clear()
    bench.work_for(8 * 3600, step=600)
    assert bench.pubmed.asked == []
    bench.waits_for_night()
    assert sorted(map(int, [pmid for asked in bench.pubmed.asked for pmid in asked])) == list(range(1, 41))
    assert len(bench.pubmed.asked) <= 7


def test_what_the_night_did_not_bring_waits_for_the_next_one(bench: Watched) -> None:
    bench.clock.now = dt.datetime(2026, 3, 2, 15, tzinfo=dt.UTC)
    publish(bench, "1")
    bench.pubmed.asked.clear()
    bench.clock.now = dt.datetime(2026, 3, 3, 15, tzinfo=dt.UTC)  # nothing ran at night
    bench.work_for(3600, step=600)
    assert bench.pubmed.asked == []
    assert "enrich" not in bench.due()
    bench.clock.now = dt.datetime(2026, 3, 4, 3, tzinfo=dt.UTC)
    bench.work()
    assert bench.pubmed.asked == [("1",)]


def test_an_order_is_carried_out_by_day(bench: Watched) -> None:
    bench.clock.now = dt.datetime(2026, 3, 2, 15, tzinfo=dt.UTC)
    publish(bench, "1")
    bench.turn("1", "retracted")
    bench.recheck()
    assert bench.got() == [(1, "published"), (2, "updated")]


def test_with_recheck_days_zero_nothing_is_looked_at_unless_asked(ledger: Ledger) -> None:
    bench = Watched(ledger, policy=Policy(recheck_days=0))
    bench.know(paper("1"))
    publish(bench, "1")
    bench.pubmed.asked.clear()
    bench.waits_for_night()
    assert bench.pubmed.asked == []
    bench.recheck()
    assert bench.pubmed.asked == [("1",)]


def test_what_is_cited_no_more_is_not_asked_for_until_it_is_cited_again(bench: Watched) -> None:
    publish(bench, "1")
    bench.withdraw()
    bench.work()
    bench.pubmed.asked.clear()
    bench.waits_for_night()
    assert bench.pubmed.asked == []
    bench.turn("1", "retracted")
    publish(bench, "1", id="cramps")
    assert bench.pubmed.asked == [("1",)]
    assert b"retracted" in bench.partner.last("cramps").rendition.body


def test_what_nobody_cited_for_one_night_is_watched_again_when_it_is_cited_the_next_day(bench: Watched) -> None:
    bench.clock.now = dt.datetime(2026, 3, 3, 20, tzinfo=dt.UTC)  # by day
    publish(bench, "1")
    publish(bench, "2")
    bench.work_for(16 * 3600, step=1800)  # its next check comes, and no article cites it
    publish(bench, "1", id="another")
    bench.turn("1", "retracted")
    bench.work_for(3 * 86_400, step=3600)
    (change,) = bench.noted()
    assert (change.pmid, change.articles) == ("1", ("another",))


def test_what_articles_wait_for_goes_before_what_was_ordered(bench: Watched) -> None:
    bench.context = replace(bench.context, policy=replace(bench.context.policy, pubmed_batch=2))
    publish(bench, "1", "2")
    bench.know(paper("3"))
    bench.pubmed.asked.clear()
    bench.publish(article("cramps", pmids=["3"]))
    bench.recheck()
    assert "3" in bench.pubmed.asked[0]
    assert sorted(pmid for asked in bench.pubmed.asked for pmid in asked) == ["1", "2", "3"]


# --- what was shown when ------------------------------------------------------------------------------------------


def test_what_a_channel_and_the_site_showed_at_each_time_is_known(ledger: Ledger) -> None:
    bench = Watched(
        ledger, "partner", "other", plans={"partner": {"evidence": "notify"}, "other": {"evidence": "hold"}}
    )
    bench.know(paper("1"))
    publish(bench, "1")
    bench.clock.pass_(3600)
    bench.turn("1", "retracted")
    bench.recheck()
    bench.clock.pass_(3600)
    bench.withdraw()
    bench.work()
    hours = [START + dt.timedelta(hours=hours) for hours in (-1, 0.5, 1.5, 2.5)]

    def shown_to(channel: str | None) -> list[tuple[object, object, list[object]]]:
        shapes: Sequence[Any] = [bench.shown(channel, at) for at in hours]
        return [(one["revision"], one["event"], [ref["editorial"] for ref in one["references"]]) for one in shapes]

    assert shown_to(None) == [
        (None, None, []),
        (1, "published", [[]]),
        (2, "updated", [["retracted"]]),
        (3, "withdrawn", []),
    ]
    assert shown_to("partner") == [
        (None, None, []),
        (1, "published", [[]]),
        (1, "published", [[]]),
        (3, "withdrawn", []),
    ]
    assert shown_to("other") == [(None, None, []), (1, "published", [[]]), (2, "withdrawn", []), (3, "withdrawn", [])]


def test_a_channel_that_has_the_same_bytes_already_holds_the_newer_revision_from_then_on(ledger: Ledger) -> None:
    fixed = Format(
        "plain", "text/plain", "plain", lambda revision, _: revision.article.answer.encode(), PLAIN.tombstone
    )
    bench = Watched(ledger)
    bench.context = replace(bench.context, formats={"plain": fixed})
    publish(bench)
    bench.clock.pass_(60)
    publish(bench, licence="https://example.org/by")
    assert len(bench.partner.got) == 1
    assert bench.shown("partner", START + dt.timedelta(seconds=30))["revision"] == 1
    assert bench.shown("partner", bench.clock.now)["revision"] == 2


def test_deliveries_say_how_many_references_are_pending(bench: Watched) -> None:
    bench.pubmed.down = True
    publish(bench, "1", "2")
    bench.work_for(15, step=5)
    assert [one["references_pending"] for one in bench.status()["deliveries"]] == [2, 2]
    bench.pubmed.down = False
    bench.work_for(30, step=5)
    assert [one["references_pending"] for one in bench.status()["deliveries"]] == [0, 0]
