"""The console's channels: states that cannot be misread, pausing and resuming, and what was given up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bench import START
from console_person import Person
from console_site import HOSTILE, Picky, console_site, fill
from served import Served

from pipeline.ledger import deliveries
from pipeline.ledger.deliveries import channels
from pipeline.views.channel_state import state_of
from pipeline.views.system import ChannelHealth, Pulled
from pipeline.web.console.words import clock

HOUR = dt.timedelta(hours=1)
HEALTHY: dict[str, Any] = {
    "channel": "partner", "circuit": "closed", "opened": None, "failures": 0, "paused_until": None, "failing": None,
    "disabled": None, "reason": None, "paused": None, "pause_reason": None, "pulled": None, "abandoned": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "healthy"),
        ({"abandoned": 1}, "answers, but 1 delivery was given up"),
        ({"abandoned": 3}, "answers, but 3 deliveries were given up"),
        ({"failing": START - HOUR}, "failing since 11:00 UTC, next try now"),
        ({"failing": START - 24 * HOUR, "paused_until": START + dt.timedelta(seconds=40), "abandoned": 3},
         "failing since 2026-02-28 12:00 UTC, next try in 40 s"),
        ({"disabled": START - HOUR, "failing": START},
         "disabled since 11:00 UTC: its partner said that it is gone"),
        ({"paused": START, "disabled": START, "failing": START}, "paused since 12:00 UTC"),
        ({"pulled": Pulled(START - HOUR, "t", 1, 2)}, "healthy: pulled 60 min ago, 2 changes left"),
    ],
)  # fmt: skip
def test_a_state_says_since_when_and_what_comes_next(more: dict[str, Any], words: str) -> None:
    assert state_of(ChannelHealth(**(HEALTHY | more)), START, at=lambda moment: clock(moment, START)).words == words


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with console_site(tmp_path) as site:
        fill(site)
        yield site


def test_every_channel_is_listed_with_its_state(person: Person) -> None:
    person.get("/console/channels")
    rows = {row.findtext(".//th//bdi"): row.text_content() for row in person.page.iterfind(".//tbody/tr")}
    assert set(rows) == {"archive", "partner", "reader"}
    assert "paused since" in rows["archive"] and "its owner moves" in rows["archive"]
    assert "3 deliveries were given up" in rows["partner"]
    assert "healthy" in rows["reader"]


def test_a_channel_is_paused_with_a_reason_and_resumed(site: Served, person: Person) -> None:
    person.get("/console/channels/reader")
    assert person.submit("Pause", reason=" ").status == 422
    person.get("/console/channels/reader")
    person.submit("Pause", reason=HOSTILE)
    assert person.at == "/console/channels/reader"
    assert "paused since" in person.words and "<script>alert(1)</script>" in person.words
    with site.context.ledger.read() as transaction:
        assert (channels.health(transaction, "reader").pause_reason or "").endswith("(of root)")
    person.submit("Resume")
    assert "healthy" in person.words


def test_a_paused_channel_says_what_it_may_still_show(site: Served, person: Person) -> None:
    site.withdraw("sleep-in-old-age")
    site.work()
    person.get("/console/channels/archive")
    assert "may still show 1 withdrawn article" in person.words


def test_a_channel_whose_partner_is_gone_is_enabled_again(site: Served, person: Person) -> None:
    assert isinstance(site.receiver, Picky)
    site.receiver.says, site.receiver.mood = {}, "gone"
    site.publish("---\nid: new\ntitle: New\n---\nYes.\n", name="new")
    site.work()
    person.get("/console/channels/partner")
    assert "disabled since" in person.words
    site.receiver.mood = "well"
    person.submit("Enable, and replay what was given up")
    assert person.heading.startswith("Replay op_")
    site.work()
    person.get("/console/channels/partner")
    assert "Nothing was given up here." in person.words
    assert "healthy" in person.words


def test_what_was_given_up_is_listed_page_after_page(site: Served, person: Person) -> None:
    person.get("/console/channels/partner")
    shown = [one.text_content().strip() for one in person.page.iterfind(".//tbody//th")]
    assert shown == ["arabic", "hostile", "sleep-in-old-age"]
    with site.context.ledger.read() as transaction:
        later = deliveries.abandoned_at(transaction, "partner", after="arabic", limit=1)
    assert [one.article for one in later] == ["hostile"]
    person.get("/console/channels/partner?after=hostile")
    assert [one.text_content().strip() for one in person.page.iterfind(".//tbody//th")] == ["sleep-in-old-age"]


@pytest.mark.parametrize("path", ["", "/pause", "/resume", "/enable"])
def test_a_channel_that_is_not_there_is_a_page(person: Person, path: str) -> None:
    if not path:
        assert person.get("/console/channels/nobody").status == 404
        return
    person.get("/console/channels")
    proof = person.form_of("Sign out")[1]["proof"]
    assert person.post(f"/console/channels/nobody{path}", {"proof": proof, "reason": "Why."}).status == 404


def test_who_may_only_publish_pauses_nothing(site: Served) -> None:
    publisher = Person(site.app)
    publisher.sign_in("cms")
    publisher.get("/console/channels/partner")
    assert publisher.buttons == ["Sign out"]
    proof = publisher.form_of("Sign out")[1]["proof"]
    for path in ("pause", "resume", "enable"):
        answer = publisher.post(f"/console/channels/partner/{path}", {"proof": proof, "reason": "Why."})
        assert answer.status == 403
