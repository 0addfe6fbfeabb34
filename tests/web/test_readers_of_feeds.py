"""Who fetches feeds is counted by their User-Agent, at a bounded cost, and shown in the API and the console."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from asgi import Answer, send
from bench import START
from console_person import Person, text
from console_site import MARKDOWN, console_site
from served import Served

from pipeline.errors import TransientError
from pipeline.feeds.user_agents import OTHERS
from pipeline.ledger.feeds.readers import PLACES
from pipeline.stages.prune import prune_others
from workers.counting import counting

FEEDLY = "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 16 subscribers; )"
FEEDBIN = "Feedbin feed-id:1 - 3 subscribers"
DAY = START.date().isoformat()


@pytest.fixture
def site(tmp_path: Path, database: str | None) -> Iterator[Served]:
    more = '\n[[feeds]]\nid = "sleep"\ntitle = "Sleep"\ntopics = ["sleep"]\n'
    with console_site(tmp_path, more, also=("atom", "rss"), database=database) as site:
        site.publish(MARKDOWN.format(id="first", title="About it", topic="pain", pmid="2"), name="first")
        site.work()
        yield site


def fetch(
    site: Served, user_agent: str | None, path: str = "/feeds/latest.rss", method: str = "GET", **more: str
) -> Answer:
    named = {"User-Agent": user_agent} if user_agent is not None else {}
    return asyncio.run(send(site.app, method, path, headers=named | more))


def shown(site: Served, feed: str = "latest") -> dict[tuple[str, str], tuple[int | None, int]]:
    """Return what each reader says and how often it came, as the API shows it once it is written."""
    site.app.state.readers.write()
    found = site.ask("GET", f"/v1/feeds/{feed}").json["fetched_by"]
    return {(one["reader"], one["format"]): (one["said"], one["requests"]) for one in found}


def test_each_request_for_the_newest_entries_is_counted_also_if_nothing_is_sent(site: Served) -> None:
    tag = fetch(site, FEEDLY).headers["etag"]
    assert fetch(site, FEEDLY, **{"If-None-Match": tag}).status == 304
    assert fetch(site, FEEDBIN, "/feeds/latest.atom", Range="bytes=0-9").status == 206
    fetch(site, None)
    assert shown(site) == {("Feedly", "rss"): (16, 2), ("Feedbin", "atom"): (3, 1), ("(unnamed)", "rss"): (None, 1)}
    fetch(site, FEEDLY)
    assert shown(site)["Feedly", "rss"] == (16, 3)


def test_what_is_no_reader_of_a_feed_is_not_counted(site: Served) -> None:
    fetch(site, FEEDLY, method="HEAD")
    for path in ("/feeds/other.rss", "/feeds/latest.exe", "/feeds/sleep.rss", "/feeds", "/articles/first"):
        fetch(site, FEEDLY, path)
    assert (shown(site), shown(site, "sleep")) == ({}, {})


def test_the_api_adds_up_the_last_seven_days_and_has_the_days_one_by_one(site: Served) -> None:
    fetch(site, "Gone/1 (7 subscribers)")
    site.app.state.readers.write()
    site.clock.pass_(7 * 86_400)
    fetch(site, FEEDLY.replace("16", "20"))
    fetch(site, FEEDBIN)
    site.app.state.readers.write()
    site.clock.pass_(86_400)
    fetch(site, FEEDLY)
    site.app.state.readers.write()
    found = site.ask("GET", "/v1/feeds/latest").json
    assert found["readers"] == {"since": "2026-03-03", "requests": 3, "names": 2, "more": 0, "said": 16 + 3}
    assert [one["reader"] for one in found["fetched_by"]] == ["Feedly", "Feedbin"]
    assert [one["last"] for one in found["fetched_by"]] == ["2026-03-09", "2026-03-08"]
    assert found["days"] == [
        {"day": "2026-03-09", "requests": 1, "said": 16},
        {"day": "2026-03-08", "requests": 2, "said": 23},
        {"day": DAY, "requests": 1, "said": 7},
    ]
    (latest, sleep) = site.ask("GET", "/v1/feeds").json["feeds"]
    assert latest["readers"] == found["readers"]
    assert sleep["readers"] == {"since": "2026-03-03", "requests": 0, "names": 0, "more": 0, "said": None}


def test_a_million_names_take_no_memory_and_push_nobody_out(site: Served) -> None:
    fetch(site, FEEDLY)
    site.app.state.readers.write()
    of = site.app.state.readers
    for number in range(20_000):
        of.count("latest", "rss", f"Bot{number}/1.0 (9 subscribers) {'x' * 10_000}")
    assert len(of._counted["latest"]) == PLACES + 1
    fetch(site, FEEDLY)
    found = site.ask("GET", "/v1/feeds/latest").json
    assert len(found["fetched_by"]) == 1, "nothing is written with a request"
    assert shown(site)["Feedly", "rss"] == (16, 2)
    found = site.ask("GET", "/v1/feeds/latest").json
    assert found["readers"]["requests"] == 20_002
    assert found["readers"]["names"] == PLACES
    assert len(found["fetched_by"]) == 100 and found["readers"]["more"] == PLACES + 1 - 100
    assert sum(one["requests"] for one in found["fetched_by"] if one["reader"] == OTHERS) in (0, 20_000 - PLACES + 1)


def test_what_could_not_be_written_is_written_later(site: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def broken() -> Iterator[None]:
        raise TransientError("the ledger does not answer", code="ledger-unreachable")
        yield

    fetch(site, FEEDLY)
    with monkeypatch.context() as patch:
        patch.setattr(site.context.ledger, "write", broken)
        with pytest.raises(TransientError):
            site.app.state.readers.write()
        fetch(site, FEEDLY)
    assert shown(site) == {("Feedly", "rss"): (16, 2)}


def test_what_is_too_old_is_deleted_with_the_rest(site: Served) -> None:
    fetch(site, FEEDLY)
    site.app.state.readers.write()
    site.clock.pass_(site.context.policy.keep_readers * 86_400)
    prune_others(site.context)
    assert site.ask("GET", "/v1/feeds/latest").json["days"] != []
    site.clock.pass_(86_400)
    prune_others(site.context)
    assert site.ask("GET", "/v1/feeds/latest").json["days"] == []


def test_the_console_says_who_reads_a_feed_and_that_it_is_their_own_word(site: Served) -> None:
    person = Person(site.app)
    person.sign_in()
    person.get("/console/feeds/latest")
    assert "Nobody was seen to fetch it." in person.words
    fetch(site, FEEDLY)
    fetch(site, "<b>x</b>")
    shown(site)
    person.get("/console/feeds/latest")
    rows = [[text(cell) for cell in row] for row in person.page.iterfind(".//tbody/tr")]
    assert ["Feedly", "rss", "says 16", "1", DAY] in rows
    assert [OTHERS, "rss", "says none", "1", DAY] in rows
    assert [DAY, "2", "16"] in rows
    assert (
        "which nobody can check" in person.words
        and "a cache before Citewire answers itself is not seen" in person.words
    )
    person.get("/console/feeds")
    assert "16 subscribers by their word, 2 requests" in person.words and "none seen" in person.words


def test_they_are_written_now_and_then_and_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    written, twice = list[str](), threading.Event()

    def write() -> None:
        written.append(threading.current_thread().name)
        if len(written) == 2:
            twice.set()
        if len(written) == 1:
            raise TransientError("the ledger does not answer", code="ledger-unreachable")

    with counting(write, every=0.001):
        assert twice.wait(30)
    assert set(written[:2]) == {"readers"} and written[-1] == threading.current_thread().name


def test_a_short_life_is_written_at_its_end() -> None:
    written = list[str]()
    with counting(lambda: written.append("once")):
        pass
    assert written == ["once"]
