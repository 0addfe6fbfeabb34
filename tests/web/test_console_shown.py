"""The console shows what was shown of an article at a time, and sends a channel again what it had since a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from console_person import Person
from console_site import MARKDOWN, Picky, console_site
from served import Served

TEXT = MARKDOWN.replace("Warmth", "Cold")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with console_site(tmp_path) as site:
        publish(site, "first", MARKDOWN)
        site.clock.pass_(3600)
        publish(site, "first", TEXT)
        publish(site, "second", MARKDOWN)
        yield site


def publish(site: Served, name: str, markdown: str) -> None:
    site.publish(markdown.format(id=name, title=f"About {name}", topic="pain", pmid="2"), name=name)
    site.work()


def sent(site: Served) -> list[str]:
    assert isinstance(site.receiver, Picky)
    return [parcel.article_id for parcel in site.receiver.got]


@pytest.mark.parametrize("where", ["", "partner"])
def test_what_was_shown_is_found_by_its_time(site: Served, person: Person, where: str) -> None:
    person.get("/console/articles/first")
    address, _ = person.form_of("Look")
    for at, words in (
        ("2026-03-01T12:30", "Revision 1, since"),
        ("2026-03-01T13:30:00", "Revision 2, since"),
        ("2026-03-01T13:30:00+01:00", "Revision 1, since"),
        ("2026-02-01T00:00", "It had nothing of the article."),
    ):
        person.get(f"{address}?at={at.replace('+', '%2B')}&channel={where}")
        assert words in person.words, at
    site.withdraw("first")
    site.work()
    person.get(f"{address}?at=2026-03-01T14:00&channel={where}")
    assert "was withdrawn there" in person.words


def test_what_cannot_be_looked_for_is_said_with_its_field(person: Person) -> None:
    person.get("/console/articles/first/shown?at=yesterday")
    assert "`at` is not a time: give it as 2026-03-01T12:00, in UTC" in person.words
    assert person.get("/console/articles/first/shown?at=2026-03-01T12:00&channel=nobody").status == 404
    assert person.get("/console/articles/nothing/shown").status == 404
    assert person.get("/console/articles/first/shown?at=0001-01-01T00:00%2B14:00").status == 400


def test_a_channel_is_sent_again_what_the_page_counted(site: Served, person: Person) -> None:
    person.get("/console/channels/partner")
    person.get(next(one for one in person.links() if one.endswith("/replay")))
    assert not any(one.startswith("Send") for one in person.buttons)
    person.get(f"{person.at}?since=2026-03-01T12:30")
    before = len(sent(site))
    site.clock.pass_(60)
    publish(site, "third", MARKDOWN)  # after the page was made
    person.submit("Send 2 deliveries again")
    assert re.match("Replay|replay", person.heading) and "2" in person.words
    site.work()
    assert sorted(sent(site)[before:]) == ["first", "second", "third"]
    assert sorted(sent(site)[before + 1 :]) == ["first", "second"]


def test_what_was_sent_again_in_the_meantime_is_not_sent_twice(site: Served, person: Person) -> None:
    person.get("/console/channels/partner/replay?since=2026-03-01T00:00")
    address, fields = person.form_of("Send 2 deliveries again")
    site.clock.pass_(1)
    assert person.post(address, fields).status == 200
    site.clock.pass_(1)
    site.work()
    assert person.post(address, fields).status == 409
    assert person.post(address, fields | {"number": "many"}).status == 400
    assert person.post(address, fields | {"seen": "2026-13-01"}).status == 400


def test_a_publisher_sees_no_replay_and_may_not_ask_for_one(site: Served) -> None:
    publisher = Person(site.app)
    publisher.sign_in("cms")
    publisher.get("/console/channels/partner")
    assert not any(one.endswith("/replay") for one in publisher.links())
    assert publisher.get("/console/channels/partner/replay").status == 403
