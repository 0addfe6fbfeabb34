"""Pages of a feed: which entries each one has, and which files a change rewrites."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from bench import article, topic
from every_stage import feeds, render
from feed_bench import FeedBench, numbered
from msgspec import structs

from benchmarks.statements import counted
from pipeline.ledger import Ledger, tables
from pipeline.ledger import feeds as ledger_feeds
from pipeline.ledger.feeds import pages as feed_pages
from pipeline.model.site import Feed
from pipeline.stages import feeds as feeds_stage
from pipeline.stages.stage import drain

FEED = Feed(id="latest", title="Latest", size=5)


@pytest.fixture
def bench(quick: Ledger) -> FeedBench:
    return FeedBench(quick, FEED)


@pytest.fixture
def everywhere(ledger: Ledger) -> FeedBench:
    """On both databases, for what their locks and statements have a part in."""
    return FeedBench(ledger, FEED)


def _pages(bench: FeedBench, extension: str = "atom") -> list[str]:
    names = [f"feeds/latest/archive/{number}.{extension}" for number in range(1, 100)]
    return [name for name in names if f"public/{name}" in bench.store.files]


@pytest.mark.parametrize("extension", ["rss", "atom", "json"])
def test_the_newest_stand_in_the_subscription_document_and_all_in_the_pages(bench: FeedBench, extension: str) -> None:
    bench.publish_many(*range(13))
    bench.build()
    assert bench.ids(f"feeds/latest.{extension}") == [f"article-{number:03}" for number in (12, 11, 10, 9, 8)]
    pages = _pages(bench, extension)
    assert [sorted(bench.ids(page)) for page in pages] == [
        [f"article-{number:03}" for number in range(start, start + 5)] for start in (0, 5)
    ]


def test_pages_are_linked_as_rfc_5005_has_it(bench: FeedBench) -> None:
    bench.publish_many(*range(13))
    bench.build()
    base = "https://notes.example.org/feeds/latest"
    assert bench.links("feeds/latest.atom")["prev-archive"] == f"{base}/archive/2.atom"
    second, first = bench.links("feeds/latest/archive/2.atom"), bench.links("feeds/latest/archive/1.atom")
    assert second["prev-archive"] == f"{base}/archive/1.atom"
    assert second["current"] == first["current"] == f"{base}.atom"
    assert first["next-archive"] == f"{base}/archive/2.atom"
    assert "prev-archive" not in first
    assert b"<fh:archive/>" in bench.file("feeds/latest/archive/1.atom")
    assert b"<fh:archive/>" in bench.file("feeds/latest/archive/1.rss")
    assert b"fh:archive" not in bench.file("feeds/latest.atom")
    assert json.loads(bench.file("feeds/latest.json"))["next_url"] == f"{base}/archive/2.json"
    assert "next_url" not in json.loads(bench.file("feeds/latest/archive/1.json"))


def test_a_full_page_keeps_its_bytes_whatever_is_published_after(bench: FeedBench) -> None:
    bench.publish_many(*range(6))
    bench.build()
    before = {path: body for path, body in bench.snapshot().items() if "/archive/1." in path}
    bench.store.written.clear()
    for start in range(6, 30, 4):
        bench.publish_many(*range(start, start + 4))
        bench.build()
    assert len(before) == 9
    assert {path: body for path, body in bench.snapshot().items() if "/archive/1." in path} == before
    assert not [path for path in bench.store.written if "/archive/1." in path]


def test_one_publish_writes_the_subscription_document_and_no_page(bench: FeedBench) -> None:
    bench.publish_many(*range(11))
    bench.build()
    bench.store.written.clear()
    bench.publish_many(11)
    bench.build()
    written = {path for path in bench.store.written if "/feeds/" in path and path.endswith(".atom")}
    assert written == {"public/feeds/latest.atom"}


def test_a_correction_of_an_archived_entry_is_told_anew_and_its_old_text_stands_nowhere(bench: FeedBench) -> None:
    bench.publish_many(*range(16))
    bench.build()
    bench.store.written.clear()
    bench.publish_many(2, text="Corrected.")
    bench.build()
    assert bench.ids("feeds/latest.atom")[0] == "article-002"
    assert "article-002" not in bench.ids("feeds/latest/archive/1.atom")
    assert b"Corrected." in bench.file("feeds/latest.atom")
    written = sorted(path for path in bench.store.written if "/feeds/" in path and path.endswith(".atom"))
    assert written == ["public/feeds/latest.atom", "public/feeds/latest/archive/1.atom"]


def test_a_withdrawn_entry_leaves_every_page_for_its_tombstone(bench: FeedBench) -> None:
    bench.publish_many(*range(12))
    bench.build()
    bench.withdraw("article-003", reason="It was wrong.")
    bench.build()
    for path in ("feeds/latest.atom", "feeds/latest/archive/1.atom"):
        assert bench.gone(path) == ["article-003"]
    for path in bench.snapshot():
        if path.endswith((".atom", ".rss", ".json")) and "/feeds/" in path:
            withdrawn_there = bench.shown_withdrawn(path.removeprefix("public/"))
            assert withdrawn_there == ([] if "archive" in path else ["article-003"])
            assert "article-003" not in bench.live(path.removeprefix("public/"))
    bench.publish_many(*range(20, 40))
    bench.build()
    assert "article-003" in bench.gone("feeds/latest.atom")  # listed until `size` newer entries follow
    assert bench.shown_withdrawn("feeds/latest.rss") == ["article-003"]
    bench.clock.pass_(40 * 24 * 3600)
    bench.publish_many(41)
    bench.build()
    assert bench.shown_withdrawn("feeds/latest.rss") == []
    assert sum("article-003" in bench.gone(page) for page in _pages(bench)) == 2


def test_every_withdrawal_of_the_last_days_is_shown_however_many_there_are(bench: FeedBench) -> None:
    bench.publish_many(*range(17))
    bench.build()
    for number in range(14):
        bench.withdraw(f"article-{number:03}")
    bench.build()
    for extension in ("rss", "atom", "json"):
        assert len(bench.shown_withdrawn(f"feeds/latest.{extension}")) == 14
    assert bench.live("feeds/latest.rss") == ["article-016", "article-015", "article-014"]


def test_an_old_article_s_withdrawal_is_shown_in_a_feed_by_publication(bench: FeedBench) -> None:
    bench.configure(structs.replace(FEED, order="published"))
    bench.publish_many(*range(17))
    bench.build()
    bench.withdraw("article-000")
    bench.build()
    assert bench.shown_withdrawn("feeds/latest.rss") == ["article-000"]


def test_an_article_that_never_was_out_leaves_no_entry(bench: FeedBench) -> None:
    bench.publish(structs.replace(numbered(1), embargo=bench.clock.now + dt.timedelta(days=9)))
    bench.withdraw("article-001")
    bench.publish_many(2)
    bench.build()
    assert bench.ids("feeds/latest.rss") == ["article-002"]
    assert bench.gone("feeds/latest.atom") == []


def test_an_article_that_comes_back_has_no_tombstone_any_more(bench: FeedBench) -> None:
    bench.publish_many(*range(7))
    bench.build()
    bench.withdraw("article-001")
    bench.build()
    bench.publish_many(*range(10, 16))
    bench.build()
    bench.publish_many(1, text="Mended.")
    bench.build()
    assert bench.ids("feeds/latest.atom")[0] == "article-001"
    for path in ("feeds/latest.atom", *_pages(bench)):
        assert "article-001" not in bench.gone(path)


def test_what_was_withdrawn_is_gone_though_it_was_published_again_and_is_not_shown_yet(everywhere: FeedBench) -> None:
    bench = everywhere
    bench.publish_many(*range(7))
    bench.build()
    bench.withdraw("article-001")
    bench.publish(structs.replace(numbered(1, text="Later."), embargo=bench.clock.now + dt.timedelta(days=9)))
    bench.withdraw("article-002")
    bench.publish(numbered(2, text="Mended."))
    bench.withdraw("article-002")
    bench.build()
    for path in ("feeds/latest.atom", "feeds/latest/archive/1.atom"):
        assert sorted(bench.gone(path)) == ["article-001", "article-002"]
        assert not {"article-001", "article-002"} & set(bench.live(path))
    assert b"article-001<" not in bench.file("sitemaps/1.xml")
    assert b"article-002<" not in bench.file("sitemaps/1.xml")
    bench.clock.pass_(10 * 24 * 3600)
    bench.build()
    assert bench.ids("feeds/latest.atom")[0] == "article-001"
    assert bench.gone("feeds/latest.atom") == ["article-002"]


def test_who_reads_all_pages_has_every_article_once_and_as_it_is_now(everywhere: FeedBench) -> None:
    """A long history of publishing, correcting and withdrawing, looked at after every step."""
    bench = everywhere
    alive: dict[str, str] = {}
    for step in range(45):
        number = (step * 7) % 23
        name, text = f"article-{number:03}", f"Text {step}."
        if step % 5 == 4 and name in alive:
            bench.withdraw(name)
            del alive[name]
        else:
            bench.publish_many(number, text=text)
            alive[name] = text
        if step % 3 == 0:
            bench.build()
    bench.build()
    held: dict[str, set[str]] = {}
    archived: list[str] = []
    for path in ("feeds/latest.json", *_pages(bench, "json")):
        for item in json.loads(bench.file(path))["items"]:
            if "withdrawn" in item["_citewire"]:
                assert item["id"].rpartition("/")[2] not in alive
                continue
            held.setdefault(item["id"].rpartition("/")[2], set()).add(item["summary"])
        archived += bench.ids(path) if "archive" in path else []
    assert held == {name: {text} for name, text in alive.items()}
    assert len(set(archived)) == len(archived)


def test_ten_edits_of_a_new_article_take_one_place(bench: FeedBench) -> None:
    bench.publish_many(0)
    for edit in range(10):
        bench.publish_many(1, text=f"Edit {edit}.")
        bench.build()
    assert not _pages(bench)
    assert sorted(bench.ids("feeds/latest.atom")) == ["article-000", "article-001"]


def test_a_rebuild_without_a_change_writes_nothing(everywhere: FeedBench) -> None:
    bench = everywhere
    bench.publish_many(*range(7))
    bench.build()
    before = dict(bench.store.files)
    for _ in range(3):
        with bench.ledger.write() as transaction:
            ledger_feeds.make_due(transaction, ["latest"], now=bench.clock.now)
        bench.build()
    assert bench.store.files == before  # bytes, and the times of the files, of which tags are made


def test_a_burst_is_built_a_handful_of_times_and_its_last_state_always(
    bench: FeedBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file takes 50 milliseconds. Without a rest in proportion to that, the feed would be built all the time."""
    put = bench.store.put_file

    def slowly(path: str, body: bytes, modified: dt.datetime, **more: Any) -> None:
        bench.clock.pass_(0.05)
        put(path, body, modified, **more)

    monkeypatch.setattr(bench.store, "put_file", slowly)
    for number in range(50):  # five seconds of publishing
        bench.publish(numbered(number))
        drain(bench.context, render)
        drain(bench.context, feeds)
        bench.clock.pass_(0.1)
    bench.clock.pass_(8)
    drain(bench.context, feeds)
    assert bench.store.written.count("public/feeds/latest.atom") <= 8
    assert bench.ids("feeds/latest.atom")[0] == "article-049"
    assert "feeds" not in bench.due()


def test_a_short_rest_is_waited_for_because_nothing_rings_at_its_end(everywhere: FeedBench) -> None:
    bench = everywhere
    bench.publish_many(0)
    feeds.drain(bench.context)
    bench.publish(numbered(1))
    drain(bench.context, render)
    before = bench.clock.now
    assert "feeds" not in bench.due()
    feeds.drain(bench.context)
    assert bench.ids("feeds/latest.atom") == ["article-001", "article-000"]
    assert (bench.clock.now - before).total_seconds() <= bench.context.policy.feed_interval


def test_one_thread_waits_for_a_rest_and_the_others_do_not(bench: FeedBench) -> None:
    bench.publish_many(0)
    feeds.drain(bench.context)
    bench.publish(numbered(1))
    drain(bench.context, render)
    with feeds_stage._waiting:
        assert feeds.drain(bench.context) == 0
    assert bench.ids("feeds/latest.atom") == ["article-000"]
    assert feeds.drain(bench.context) > 0


def test_what_is_due_later_than_the_next_sweep_is_left_to_it(bench: FeedBench, monkeypatch: pytest.MonkeyPatch) -> None:
    object.__setattr__(bench.context, "policy", replace(bench.context.policy, feed_interval=1.5))
    bench.publish_many(0)
    feeds.drain(bench.context)
    bench.publish(numbered(1))
    drain(bench.context, render)
    before = bench.clock.now
    assert feeds.drain(bench.context) == 0
    assert bench.clock.now == before


def test_a_change_that_comes_while_the_feed_is_built_is_built_after(everywhere: FeedBench) -> None:
    bench = everywhere
    bench.publish_many(0)
    drain(bench.context, render)
    (claimed,) = [one for one in feeds.claim(bench.context, "") if one.keys == ("latest",)]
    bench.publish_many(1)
    drain(bench.context, render)
    feeds.do(bench.context, claimed)
    assert "feeds" not in bench.due()
    bench.clock.pass_(3)
    assert "feeds" in bench.due()
    drain(bench.context, feeds)
    assert bench.ids("feeds/latest.atom") == ["article-001", "article-000"]


def test_who_has_lost_the_lease_writes_nothing(everywhere: FeedBench) -> None:
    bench = everywhere
    bench.publish_many(0)
    drain(bench.context, render)
    slow = next(one for one in feeds.claim(bench.context, "") if one.keys == ("latest",))
    bench.clock.pass_(bench.context.policy.render_lease + 1)
    drain(bench.context, feeds)
    before = dict(bench.store.files)
    bench.publish_many(1)
    drain(bench.context, render)
    with pytest.raises(Exception, match="another worker is building the feed"):
        feeds.do(bench.context, slow)
    assert bench.store.files == before


def test_the_build_date_is_that_of_the_newest_change_held(bench: FeedBench) -> None:
    bench.publish_many(0, 1)
    bench.build()
    before = bench.file("feeds/latest.rss")
    bench.configure(Feed(id="latest", title="Latest", size=5, description="New words"))
    with bench.ledger.write() as transaction:
        ledger_feeds.make_due(transaction, ["latest"], now=bench.clock.now)
    bench.build()
    after = bench.file("feeds/latest.rss")
    assert after != before
    date = before[before.index(b"<lastBuildDate>") : before.index(b"</lastBuildDate>")]
    assert date in after


# --- settings -----------------------------------------------------------------------------------------------------


def _rebuild(bench: FeedBench, *configured: Feed) -> None:
    bench.configure(*configured)
    with bench.ledger.write() as transaction:
        ledger_feeds.make_due(transaction, [feed.id for feed in configured], now=bench.clock.now)
    bench.build()


def test_topics_and_languages_in_and_out(quick: Ledger) -> None:
    bench = FeedBench(
        quick,
        Feed(id="stroke", title="Stroke", topics=("stroke",)),
        Feed(id="rest", title="Rest", without_topics=("stroke", "news")),
        Feed(id="german", title="Deutsch", language="de"),
    )
    bench.publish(article("a", topics=(topic("stroke"),)))
    bench.publish(article("b", topics=(topic("stroke"), topic("news"))))
    bench.publish(article("c", topics=(topic("sleep"),), language="de-CH"))
    bench.publish(article("d"))
    bench.build()
    held = {feed: sorted(bench.ids(f"feeds/{feed}.rss")) for feed in ("stroke", "rest", "german")}
    assert held == {"stroke": ["a", "b"], "rest": ["c", "d"], "german": ["c"]}


def test_an_article_that_leaves_its_topic_leaves_the_feed(quick: Ledger) -> None:
    bench = FeedBench(quick, Feed(id="stroke", title="Stroke", topics=("stroke",), size=1))
    bench.publish(article("a", topics=(topic("stroke"),)))
    bench.build()
    bench.publish(article("a", topics=(topic("sleep"),), text="Moved."))
    bench.build()
    assert bench.ids("feeds/stroke.rss") == bench.ids("feeds/stroke/archive/1.rss") == []


def test_a_new_feed_takes_in_what_there_is_by_its_date(bench: FeedBench) -> None:
    bench.publish_many(*range(13))
    bench.build()
    _rebuild(bench, FEED, Feed(id="other", title="Other", size=4))
    assert bench.ids("feeds/other.rss") == [f"article-{number:03}" for number in (12, 11, 10, 9)]
    assert sorted(bench.ids("feeds/other/archive/1.rss")) == [f"article-{number:03}" for number in range(4)]


def test_other_settings_rebuild_every_page(everywhere: FeedBench) -> None:
    bench = everywhere
    bench.publish_many(*range(12))
    bench.build()
    _rebuild(bench, Feed(id="latest", title="Renamed", size=5, content="summary"))
    for path in ("feeds/latest.rss", "feeds/latest/archive/1.rss", "feeds/latest/archive/2.rss"):
        assert b"<title>Renamed</title>" in bench.file(path)
        assert b"content:encoded" not in bench.file(path).replace(b"xmlns:content", b"")


def test_a_format_that_is_built_no_more_is_removed(bench: FeedBench) -> None:
    bench.publish_many(*range(7))
    bench.build()
    _rebuild(bench, Feed(id="latest", title="Latest", size=5, formats=("atom",)))
    assert {path.partition("latest")[2] for path in bench.snapshot() if "/feeds/" in path} == {
        ".atom", ".atom.gz", ".atom.br", "/archive/1.atom", "/archive/1.atom.gz", "/archive/1.atom.br"
    }  # fmt: skip


def test_what_was_built_of_a_feed_that_is_configured_no_more_goes_when_it_is_due(everywhere: FeedBench) -> None:
    bench = everywhere
    bench.publish_many(*range(7))
    bench.build()
    bench.configure(Feed(id="other", title="Other"))
    bench.withdraw("article-001")
    bench.build()
    assert not [path for path in bench.snapshot() if "latest" in path]
    with bench.ledger.read() as transaction:
        assert feed_pages.newest_sealed(transaction, "latest") is None


def test_the_order_of_publication_hides_no_correction(bench: FeedBench) -> None:
    _rebuild(bench, Feed(id="latest", title="Latest", size=3, order="published"))
    for number in range(6):
        bench.publish(article(f"article-{number:03}"))
        bench.clock.pass_(60)
    bench.build()
    bench.publish_many(0, text="Corrected.")
    bench.build()
    assert "article-000" in bench.ids("feeds/latest.atom")


def test_a_build_commits_for_its_documents_and_not_for_each_of_their_files(bench: FeedBench) -> None:
    bench.publish_many(1, 2)
    bench.build()
    bench.publish_many(3)
    before = {path: state for path, (_, state) in bench.store.files.items()}
    with counted() as count:
        drain(bench.context, feeds)
    written = [path for path, (_, state) in bench.store.files.items() if state != before.get(path)]
    assert len(written) == 3 * (4 + 2)  # three codings of four documents, of the sitemap and of its index
    assert count.writes == 11


def test_a_build_asks_as_much_for_twenty_entries_as_for_five(bench: FeedBench) -> None:
    _rebuild(bench, Feed(id="latest", title="Latest", size=30))
    costs = []
    for numbers in (range(4), range(4, 19)):
        bench.publish_many(*numbers)
        bench.build()
        bench.publish_many(numbers.stop + 80)
        with counted() as count:
            drain(bench.context, feeds)
        bench.clock.pass_(5)
        costs.append(count.statements)
    assert costs[0] == costs[1]
    assert len(bench.ids("feeds/latest.atom")) == 21


def test_since_when_an_entry_is_shown_counts_from_when_its_page_is_written(everywhere: FeedBench) -> None:
    bench = everywhere
    bench.publish_many(*range(60))
    drain(bench.context, render)

    def build() -> dict[int, set[dt.datetime | None]]:
        """Build once, and return the times by page."""
        bench.clock.pass_(60)
        for claim in feeds.claim(bench.context):
            feeds.do(bench.context, claim)
        found: dict[int, set[dt.datetime | None]] = {}
        columns = (tables.feed_entries.c.page, tables.feed_entries.c.shown_since)
        with bench.ledger.read() as transaction:
            for page, since in transaction.execute(sa.select(*columns).where(tables.feed_entries.c.feed == FEED.id)):
                found.setdefault(page, set()).add(since)
        return found

    first, at = build(), bench.clock()
    assert first == {number: {None if number in (1, 2) else at} for number in range(1, 13)}, "ten pages in one build"
    assert build() == first | {number: {at + dt.timedelta(seconds=60)} for number in (1, 2)}


def test_a_build_that_takes_long_keeps_its_lease(bench: FeedBench) -> None:
    bench.publish_many(1, 2)
    put, others = bench.store.put_file, []

    def slow(path: str, *arguments: object, **more: object) -> None:
        if path.startswith("public/feeds/"):
            bench.clock.pass_(bench.context.policy.render_lease * 0.4)
            others.extend(feeds.claim(bench.context))
        put(path, *arguments, **more)  # type: ignore[arg-type]

    bench.store.put_file = slow  # type: ignore[method-assign]
    bench.build()
    assert not others
    assert bench.ids("feeds/latest.rss") == ["article-002", "article-001"]
