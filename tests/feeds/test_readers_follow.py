"""Real readers follow a feed over HTTP through publish, update, withdrawal and paging: none twice, none missing."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import uvicorn
from empty_ledger import empty_ledger
from feed_bench import FeedBench, numbered
from following import Feedparser, Feedsmith, Follower, Newsboat, Reader, Sfeed, conditional_poll
from msgspec import structs
from waiting import PATIENCE

from pipeline.ledger import feeds
from pipeline.model.event import Origin, Publish
from pipeline.model.site import Feed
from pipeline.stages.accept import accept
from pipeline.stages.refresh import Refresh
from pipeline.stages.stage import drain
from pipeline.web.app import create_app

FEED = Feed(id="latest", title="Latest", size=5)


@contextlib.contextmanager
def _serving(bench: FeedBench) -> Iterator[str]:
    """The bench's web app behind a real server; its feeds name the server's address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        bench.configure(FEED, public_url=address)
        app = create_app(bench.context, alive=list)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[FeedBench]:
    ledger = empty_ledger(tmp_path)
    yield FeedBench(ledger, FEED)
    ledger.close()


def _names(follower: Follower) -> list[str]:
    return sorted(one.id.rpartition("/")[2] for one in follower.known())


def _text(follower: Follower, name: str) -> str:
    (text,) = [one.text for one in follower.known() if one.id.endswith(f"/{name}")]
    return text


def _withdrawn_titles(follower: Follower) -> list[str]:
    """The titles of the entries whose text gives the reason of the withdrawal."""
    return [one.title for one in follower.known() if "The dose was wrong." in one.text]


def _expected(count: int) -> list[str]:
    return [f"article-{number:03}" for number in range(count)]


def test_readers_follow_a_feed_through_its_life(bench: FeedBench, tmp_path: Path) -> None:
    """Each poll comes before more than a document's worth is new; what was published before the first, by paging."""
    (tmp_path / "newsboat").mkdir()
    (tmp_path / "sfeed").mkdir()
    with _serving(bench) as address:
        bench.publish_many(*range(4))
        bench.build()
        base = f"{address}/feeds/latest"
        followers: list[Follower] = [
            Feedparser(f"{base}.atom"),
            Feedparser(f"{base}.rss"),
            Reader(f"{base}.rss"),
            Reader(f"{base}.atom"),
            Reader(f"{base}.json"),
            Newsboat(f"{base}.rss", tmp_path / "newsboat"),
            Sfeed(f"{base}.atom", tmp_path / "sfeed"),
            Feedsmith(f"{base}.atom"),
        ]
        _poll(followers)
        assert [_names(one) for one in followers] == [_expected(4)] * len(followers)

        bench.publish_many(*range(4, 8))  # the first page is full
        bench.build()
        bench.publish_many(0, text="Corrected.")  # in an archive page by now
        bench.build()
        _poll(followers)
        assert [_names(one) for one in followers] == [_expected(8)] * len(followers)
        corrected_in = {type(one).__name__: "Corrected." in _text(one, "article-000") for one in followers}
        assert [name for name, corrected in corrected_in.items() if not corrected] == ["Sfeed"]  # it keeps what it has

        bench.withdraw("article-001", reason="The dose was wrong.")
        bench.publish_many(8)
        bench.build()
        _poll(followers)
        replacing = [one for one in followers if not isinstance(one, Sfeed)]
        for one in replacing:
            assert _names(one) == _expected(9)
            assert "The dose was wrong." in _text(one, "article-001") and "Rest." not in _text(one, "article-001")
            assert [each.title for each in one.known() if each.title.startswith("Withdrawn: ")] == _withdrawn_titles(
                one
            )
        (sfeed,) = [one for one in followers if isinstance(one, Sfeed)]  # it deletes nothing that it has
        assert sorted(set(_names(sfeed))) == _expected(9)
        assert len([one for one in sfeed.known() if one.id.endswith("/article-001")]) == 2
        assert len(_withdrawn_titles(sfeed)) == 1 and "Withdrawn: " in _withdrawn_titles(sfeed)[0]

        _poll(followers[:5])
        assert [one.statuses[-1] for one in followers[:2] if isinstance(one, Feedparser)] == [304, 304]


def test_an_article_whose_title_and_then_id_change_in_its_file_is_shown_once(bench: FeedBench, tmp_path: Path) -> None:
    """The article keeps its guid. sfeed tells entries apart by their titles too, unless its `merge` is by id alone."""
    for name in ("newsboat", "sfeed", "sfeed-by-id"):
        (tmp_path / name).mkdir()
    with _serving(bench) as address:
        base = f"{address}/feeds/latest"
        followers: list[Follower] = [
            Feedparser(f"{base}.atom"),
            Reader(f"{base}.rss"),
            Newsboat(f"{base}.rss", tmp_path / "newsboat"),
            Feedsmith(f"{base}.json"),
            Sfeed(f"{base}.atom", tmp_path / "sfeed-by-id", by_id=True),
            Sfeed(f"{base}.atom", tmp_path / "sfeed"),
        ]
        edits = [
            ("cramps", "Calf cramps"),
            ("cramps", "Calf cramps at night"),
            ("night-cramps", "Calf cramps at night"),
        ]
        for number, (id, title) in enumerate(edits):
            origin = Origin(source="test", id=f"edit-{number}")
            edited = structs.replace(numbered(0), id=id, title=title)
            accept(bench._intake(), Publish(origin, edited, place="file:/site/cramps.md"))
            bench.build()
            _poll(followers)
        assert [_names(one) for one in followers[:-1]] == [["cramps"]] * 5
        assert [[entry.title for entry in one.known()] for one in followers[:-1]] == [["Calf cramps at night"]] * 5
        assert set(_names(followers[-1])) == {"cramps"}


def test_no_reader_shows_an_old_article_as_new_after_a_new_disclaimer(bench: FeedBench, tmp_path: Path) -> None:
    for name in ("newsboat", "sfeed"):
        (tmp_path / name).mkdir()
    with _serving(bench) as address:
        bench.publish_many(*range(7))  # one page is full, and in the archive
        bench.build()
        base = f"{address}/feeds/latest"
        newsboat, sfeed = Newsboat(f"{base}.rss", tmp_path / "newsboat"), Sfeed(f"{base}.atom", tmp_path / "sfeed")
        libraries = [Reader(f"{base}.{extension}") for extension in ("rss", "atom", "json")]
        parsers = [Feedparser(f"{base}.{extension}") for extension in ("rss", "atom")]
        feedsmith = Feedsmith(f"{base}.atom")
        followers: list[Follower] = [newsboat, sfeed, *libraries, *parsers, feedsmith]
        _poll(followers)
        newsboat.mark_all_as_read()
        for library in libraries:
            library.mark_all_as_read()
        seen = [parser.dates() for parser in parsers], feedsmith.dates(), len(sfeed.known())
        before = bench.file("feeds/latest.atom")

        bench.configure(FEED, public_url=address, disclaimer="Ask a pharmacist.")
        _refresh(bench)

        after = bench.file("feeds/latest.atom")
        assert b"Ask a pharmacist." in after and b"Ask a pharmacist." not in before
        _poll(followers)
        assert newsboat.unread() == [] and [library.unread() for library in libraries] == [[]] * 3
        assert ([parser.dates() for parser in parsers], feedsmith.dates(), len(sfeed.known())) == seen
        bench.publish_many(7)
        bench.build()
        _poll(followers)
        assert [len(library.unread()) for library in libraries] == [1] * 3 and len(newsboat.unread()) == 1


def _refresh(bench: FeedBench) -> None:
    """Render every article in the way of now, and build the feeds, which a worker looks at when it starts."""
    refresh = Refresh()
    with bench.ledger.write() as transaction:
        feeds.make_due(transaction, bench.context.feeds, now=bench.clock.now)
    for _ in range(5):
        drain(bench.context, refresh)
        bench.build()


def test_who_comes_late_finds_everything_by_paging(bench: FeedBench) -> None:
    with _serving(bench) as address:
        bench.publish_many(*range(23))
        bench.build()
        bench.publish_many(2, text="Corrected.")
        bench.withdraw("article-007")
        bench.build()
        base = f"{address}/feeds/latest"
        late: list[Follower] = [
            Feedparser(f"{base}.atom"), Feedparser(f"{base}.rss"), Feedsmith(f"{base}.rss"), Feedsmith(f"{base}.json")
        ]  # fmt: skip
        _poll(late)
        assert [_names(one) for one in late] == [_expected(23)] * len(late)
        assert all("Rest." not in _text(one, "article-007") for one in late)
        assert all("Corrected." in _text(one, "article-002") for one in late)
        for document in (f"{base}.rss", f"{base}.atom", f"{base}.json", f"{base}/archive/1.atom"):
            for coding in ("identity", "gzip", "br"):
                assert conditional_poll(document, coding) == (304, 0)
        assert requests.get(f"{base}/archive/99.atom", timeout=PATIENCE).status_code == 404


def _poll(followers: list[Follower]) -> None:
    for follower in followers:
        follower.poll()
