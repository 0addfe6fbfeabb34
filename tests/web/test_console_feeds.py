"""The console, the API and the command show how the feeds are and who follows them. What is not counted is said."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from console_person import Person, text
from console_site import HOSTILE, MARKDOWN, console_site
from served import Served, served

from pipeline.ledger import tables
from pipeline.ledger.hub import subscriptions

FORMATS = ("atom", "json-feed", "rss")
CALLBACK = "https://reader.example.com/secret-path"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    more = '\n[[feeds]]\nid = "sleep"\ntitle = "Sleep"\ntopics = ["sleep"]\n'
    with console_site(tmp_path, more, also=FORMATS) as site:
        for name in ("first", "second"):
            site.publish(MARKDOWN.format(id=name, title=f"About {name}", topic="pain", pmid="2"), name=name)
        site.work()
        yield site


def subscribe(site: Served, name: str, *, days: float = 1.0, **values: object) -> None:
    now = site.clock()
    of = {"id": name, "feed": "latest", "format": "atom", "host": f"{name}.example.com", "secret": None, "client": None}
    of |= {"topic": "https://notes.example.org/feeds/latest.atom", "callback": CALLBACK}
    with site.context.ledger.write() as transaction:
        subscriptions.keep(transaction, **of, expires=now + dt.timedelta(days=days), now=now)
        if values:
            mine = tables.subscriptions.c.id == name
            transaction.execute(sa.update(tables.subscriptions).where(mine).values(**values))


def rows(person: Person) -> list[list[str]]:
    return [[text(cell) for cell in row] for row in person.page.iterfind(".//tbody/tr")]


def test_the_list_says_when_each_was_built_and_how_much_is_in_it(site: Served, person: Person) -> None:
    site.clock.pass_(60)
    site.withdraw("second")
    site.work()
    site.clock.pass_(60)
    person.get("/console/feeds")
    latest, sleep = rows(person)
    assert latest[1:] == ["60 s ago", "1 and 1 withdrawn", "1", "none", "none seen", "0"]
    assert (sleep[1], sleep[2]) == ("never", "0")
    found = {one["feed"]: one for one in site.ask("GET", "/v1/feeds").json["feeds"]}
    assert (found["latest"]["entries"], found["latest"]["withdrawn"]) == (1, 1)
    assert {one["format"] for one in found["latest"]["documents"]} == set(FORMATS)
    for document in found["latest"]["documents"]:
        body = site.ask("GET", f"/feeds/latest.{document['address'].rpartition('.')[2]}").body
        assert document["bytes"] == len(body) > 0
    assert {one["bytes"] for one in found["sleep"]["documents"]} == {None}


@pytest.mark.parametrize("path", ["/v1/feeds", "/v1/feeds/latest", "/console/feeds", "/console/feeds/latest"])
def test_no_transaction_waits_for_the_store(
    site: Served, person: Person, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be far away, and is asked for one size after the other."""
    opened, asked = set[int](), list[int]()
    size = site.context.store.file_state

    def began(connection: sa.Connection) -> None:
        opened.add(id(connection))

    def ended(connection: sa.Connection) -> None:
        opened.discard(id(connection))

    def file_state(path: str) -> object:
        asked.append(len(opened))
        return size(path)

    monkeypatch.setattr(site.context.store, "file_state", file_state)
    events = {"begin": began, "commit": ended, "rollback": ended}
    for name, note in events.items():
        sa.event.listen(sa.Engine, name, note)
    try:
        answer = person.get(path) if path.startswith("/console") else site.ask("GET", path)
    finally:
        for name, note in events.items():
            sa.event.remove(sa.Engine, name, note)
    assert answer.status == 200
    assert asked and set(asked) == {0}


def test_who_follows_is_shown_by_host_with_the_last_answer(site: Served, person: Person) -> None:
    subscribe(site, "sub_a")
    subscribe(site, "sub_b", error=f"500 {HOSTILE}", attempts=3, due=site.clock(), target_digest="x")
    subscribe(site, "sub_c", due=site.clock(), target_digest="x")
    subscribe(site, "sub_d", days=-1)
    person.get("/console/feeds/latest")
    shown = {row[0].split()[0]: row[4] for row in rows(person) if "example.com" in row[0]}
    failed = f"failed 500 {' '.join(HOSTILE.split())} 3 in a row"
    assert [*shown.values()] == ["has the newest", failed, "is to be sent it"]
    assert "secret-path" not in person.shown.body.decode() and list(person.page.iter("script")) == []
    first = site.ask("GET", "/v1/feeds/latest?limit=2").json
    rest = site.ask("GET", f"/v1/feeds/latest?limit=2&after={first['next']}").json
    assert first["subscriptions"] == 3
    assert [one["id"] for one in (*first["subscribers"], *rest["subscribers"])] == ["sub_a", "sub_b", "sub_c"]
    assert rest["next"] is None


def test_what_is_wrong_with_a_feed_is_shown(site: Served, person: Person) -> None:
    found = [{"rule": "msn-title", "detail": HOSTILE, "article": "first"}, {"rule": "flipboard-items", "detail": "few"}]
    with site.context.ledger.write() as transaction:
        mine = sa.update(tables.feeds).where(tables.feeds.c.id == "latest")
        transaction.execute(mine.values(findings=json.dumps(found), error="store-unreachable"))
    person.get("/console/feeds/latest")
    assert "It could not be built. store-unreachable" in person.words
    assert "first is left out" in person.words and "the feed itself" in person.words
    assert site.ask("GET", "/v1/feeds").json["feeds"][0]["findings"][1] == found[1] | {"article": None}


def test_without_a_hub_of_its_own_subscriptions_are_not_counted(tmp_path: Path) -> None:
    with served(tmp_path, formats=("html", "atom"), changed=lambda context: replace(context, hub=None)) as site:
        assert site.ask("GET", "/v1/feeds").json["feeds"][0]["subscriptions"] is None
        person = Person(site.app)
        person.sign_in()
        person.get("/console/feeds/latest")
        assert "not counted: this site has no hub of its own" in person.words


def test_a_feed_that_is_not_there_is_said_to_be_none(site: Served, person: Person) -> None:
    assert site.ask("GET", "/v1/feeds/other").code == "unknown-feed"
    assert person.get("/console/feeds/other").status == 404
