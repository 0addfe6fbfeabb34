"""Renditions follow the way they are made: a new disclaimer, release or format reaches every article by itself."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from bench import PLAIN, SITE, Bench, article, paper
from every_stage import deliver, render
from msgspec import structs

import pipeline
from pipeline.ledger import Ledger, articles
from pipeline.ledger.articles import renditions, revisions
from pipeline.model.revision import Revision
from pipeline.model.site import Site
from pipeline.stages.context import Policy
from pipeline.stages.refresh import Refresh
from pipeline.stages.render.fan_out import current_fingerprint
from pipeline.stages.render.fingerprint import _OURS
from pipeline.stages.stage import drain

ON_SQLITE = pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
NEW = structs.replace(SITE, disclaimer="Ask a pharmacist.")
refresh = Refresh()


def _signed(revision: Revision, site: Site) -> bytes:
    return f"{revision.article.answer}|{site.disclaimer}".encode()


SIGNED = replace(PLAIN, name="signed", extension="signed", render=_signed)


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    return signed(Bench(ledger))


def signed(bench: Bench) -> Bench:
    """The partner takes the format that shows the disclaimer."""
    give(bench, formats={"plain": PLAIN, "signed": SIGNED})
    partner = replace(bench.context.channels["partner"], format="signed")
    give(bench, channels={**bench.context.channels, "partner": partner})
    return bench


def give(bench: Bench, **settings: object) -> None:
    """Give the system other settings."""
    for name, value in settings.items():
        object.__setattr__(bench.context, name, value)


def refreshed(bench: Bench, seconds: int = 3) -> None:
    for _ in range(seconds):
        drain(bench.context, refresh)
        bench.work()
        bench.clock.pass_(1)


def outdated(bench: Bench) -> int:
    with bench.ledger.read() as transaction:
        return len(articles.outdated(transaction, current_fingerprint(bench.context), now=bench.clock(), limit=1_000))


def revision_of(bench: Bench, number: int, article_id: str = "spasms") -> Revision:
    with bench.ledger.read() as transaction:
        return revisions.get(transaction, article_id, number)


def test_a_new_disclaimer_is_delivered_as_the_next_revision_with_its_cause(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    give(bench, site=NEW)
    refreshed(bench)
    first, second = bench.partner.got
    assert (first.revision, first.cause, first.event) == (1, None, "published")
    assert (second.revision, second.cause, second.event) == (2, "refreshed", "updated")
    assert second.rendition.body == b"Rest.|Ask a pharmacist."
    assert outdated(bench) == 0


def test_its_date_stays_so_that_no_reader_sees_an_old_article_as_new(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    before = bench.article()
    bench.clock.pass_(3600)
    give(bench, site=NEW)
    refreshed(bench)
    assert revision_of(bench, 2).updated == revision_of(bench, 1).updated
    assert bench.article().updated == before.updated


def test_an_old_article_stays_in_the_page_of_the_feed_where_it_was(ledger: Ledger) -> None:
    bench = signed(Bench(ledger))
    feed = structs.replace(bench.context.feeds["latest"], size=2)
    give(bench, feeds={"latest": feed})
    for name in "abcde":
        bench.publish(article(name))
        bench.work_for(3)
    newest = bench.store.files["public/feeds/latest.plain"]
    give(bench, site=NEW)
    refreshed(bench, 5)
    bench.publish(article("f"))
    bench.work_for(3)
    after, _ = bench.store.files["public/feeds/latest.plain"]
    assert newest[0].split() == [b"e", b"d"]
    assert after.split() == [b"f", b"e"]
    assert bench.article("a").revision == 2


def test_only_what_differs_is_delivered(ledger: Ledger) -> None:
    bench = signed(Bench(ledger, "partner", "other"))
    bench.publish(article())
    bench.work()
    give(bench, site=NEW)
    refreshed(bench)
    assert len(bench.receivers["partner"].got) == 2
    assert len(bench.receivers["other"].got) == 1


def test_a_change_that_shows_nowhere_makes_no_revision(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    give(bench, site=structs.replace(SITE, title="Other notes"))
    assert outdated(bench) == 1
    refreshed(bench)
    assert (bench.article().revision, outdated(bench), len(bench.partner.got)) == (1, 0, 1)


def test_a_format_that_was_added_fills_itself(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    give(bench, formats={**bench.context.formats, "third": replace(SIGNED, name="third", extension="third")})
    refreshed(bench)
    with bench.ledger.read() as transaction:
        stored = renditions.one(transaction, "spasms", 1, "third")
    assert stored is not None
    assert bench.store.get(stored.digest) == b"Rest.|Ask your doctor."
    assert bench.article().revision == 1


def test_evidence_that_nobody_sees_does_not_make_a_refreshed_article_look_updated(bench: Bench) -> None:
    give(bench, formats={"signed": SIGNED})
    bench.pubmed.papers["1"] = paper("1", "A trial")
    bench.publish(article(pmids=["1"]))
    bench.work()
    bench.pubmed.papers["1"] = paper("1", "A trial of rest")
    give(bench, site=NEW)
    bench.work_for(2 * 86_400, step=3_600)
    assert bench.article().rendered == 2
    assert revision_of(bench, 2).updated == revision_of(bench, 1).updated
    assert bench.partner.got[-1].cause == "refreshed"


def test_the_oldest_articles_come_first_and_no_more_than_the_rate_allows(ledger: Ledger) -> None:
    bench = signed(Bench(ledger, policy=Policy(refresh_rate=2)))
    for name in "abcde":
        bench.publish(article(name))
        bench.work_for(1)
    give(bench, site=NEW)
    refreshed(bench, 1)
    assert [one.article_id for one in bench.partner.got if one.cause] == ["a", "b"]
    drain(bench.context, refresh)
    assert outdated(bench) == 1
    refreshed(bench, 2)
    assert outdated(bench) == 0


def test_the_rate_is_kept_although_a_sweep_comes_late(ledger: Ledger) -> None:
    bench = signed(Bench(ledger, policy=Policy(refresh_rate=2)))
    for number in range(15):
        bench.publish(article(f"old-{number}"))
    bench.work()
    give(bench, site=NEW)
    left = [outdated(bench)]
    for seconds in (1.5, 1.5, 1.5, 86_400.0, 1.0):
        drain(bench.context, refresh)
        left.append(outdated(bench))
        bench.clock.pass_(seconds)
    assert left == [15, 13, 10, 7, 4, 0], "two a second, and after a day no more than in two seconds"


@ON_SQLITE
def test_a_rate_of_zero_switches_it_off(ledger: Ledger) -> None:
    bench = signed(Bench(ledger, policy=Policy(refresh_rate=0)))
    bench.publish(article())
    bench.work()
    give(bench, site=NEW)
    assert "refresh" not in bench.due()
    refreshed(bench)
    assert outdated(bench) == 1


def test_an_article_that_is_published_is_rendered_before_the_old_ones(bench: Bench) -> None:
    for name in "abc":
        bench.publish(article(name))
    bench.work()
    give(bench, site=NEW)
    claims = refresh.claim(bench.context)
    bench.publish(article("new"))
    assert not refresh.do(bench.context, claims[0])
    assert refresh.claim(bench.context) == []
    drain(bench.context, render)
    assert bench.article("new").rendered == 1
    assert bench.article("a").rendered == 1


def test_what_was_refreshed_gives_way_to_news_at_its_channel(bench: Bench) -> None:
    for number in range(8):
        bench.publish(article(f"old-{number}"))
    bench.work()
    bench.partner.got.clear()
    give(bench, site=NEW)
    for _ in range(4):
        drain(bench.context, refresh)
        bench.clock.pass_(1)
    bench.publish(article("new"))
    drain(bench.context, render)
    drain(bench.context, deliver, "partner")
    assert bench.partner.got[0].article_id == "new"
    assert len(bench.partner.got) == 9


def test_an_edit_that_is_still_to_be_sent_does_not_wait_because_the_article_was_refreshed(bench: Bench) -> None:
    bench.publish(article(text="Rest!"))
    bench.work()
    bench.publish(article("other"))
    bench.publish(article(text="Move!"))
    drain(bench.context, render)
    give(bench, site=NEW)
    drain(bench.context, refresh)
    drain(bench.context, deliver, "partner")
    last = bench.partner.last("spasms")
    assert (last.rendition.body, last.cause) == (b"Move!|Ask a pharmacist.", None)


def test_a_refresh_whose_worker_was_killed_is_done_again(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    give(bench, site=NEW)
    bench.die(refresh)
    for _ in range(30):
        refreshed(bench, 1)
        bench.clock.pass_(3)
    assert outdated(bench) == 0
    assert len(bench.partner.got) == 2


def test_a_withdrawn_article_is_left_alone(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    bench.withdraw()
    bench.work()
    give(bench, site=NEW)
    assert "refresh" not in bench.due()


@ON_SQLITE
def test_a_channel_of_mails_gets_no_second_mail_for_a_new_disclaimer(ledger: Ledger) -> None:
    bench = signed(Bench(ledger))
    give(bench, channels={"partner": replace(bench.context.channels["partner"], replaces=False)})
    bench.publish(article())
    bench.work()
    give(bench, site=NEW)
    refreshed(bench)
    assert (bench.article().revision, len(bench.partner.got)) == (2, 1)


def test_the_fingerprint_covers_every_package_that_renditions_are_made_with() -> None:
    covered, elsewhere = set(_OURS), {"errors", "ledger", "plugins"}  # which write no byte of a rendition
    root = Path(str(pipeline.__file__)).parent
    files = [file for name in _OURS for file in (root / name).rglob("*.py")]
    used = {found for file in files for found in re.findall(r"^from pipeline\.(\w+)", file.read_text(), re.MULTILINE)}
    assert used - elsewhere <= covered
