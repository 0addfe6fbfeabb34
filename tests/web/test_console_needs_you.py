"""The console's first page: what needs a person, and the button that does something about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from console_person import Person
from console_site import HOSTILE, retract
from served import SITE, Served, served

from pipeline.ledger import deliveries, operations
from pipeline.ledger.deliveries import channels
from pipeline.web.app import create_app

MARKDOWN = """---
id: {id}
title: "{title}"
references: ["1"]
---
Yes.
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, SITE + 'evidence = "hold"\n', formats=("html", "json-ld", "ninjs")) as site:
        policy = replace(site.context.policy, refused_retries=())
        site.context = replace(site.context, policy=policy)
        site.app = create_app(site.context, alive=list)
        yield site


def publish(site: Served, *names: str, title: str = "Is it safe?") -> None:
    for name in names:
        site.publish(MARKDOWN.format(id=name, title=title.replace('"', "'")), name=name)
    site.work()


def abandoned(site: Served) -> set[str]:
    with site.context.ledger.read() as transaction:
        return {one.article for one in deliveries.search(transaction, state="abandoned", channel=None, limit=100)}


def test_a_site_that_is_well_says_so(site: Served, person: Person) -> None:
    publish(site, "safe")
    person.get("/console")
    assert person.heading == "Nothing needs you"
    assert person.buttons == ["Sign out"]


def test_a_channel_that_refuses_leads_to_what_fails(site: Served, person: Person) -> None:
    site.receiver.mood = "refuses"
    publish(site, "a", "b")
    person.get("/console")
    assert person.heading == "Needs you 1"
    assert "partner: 2 deliveries given up" in person.words
    assert "/console/failures?channel=partner" in person.links()


def test_all_that_failed_of_a_cause_is_replayed_with_one_button(site: Served, person: Person) -> None:
    site.receiver.mood = "refuses"
    publish(site, "a", "b")
    person.get("/console/failures")
    assert person.heading == "Failures 1"
    assert "refused" in person.words and "2 deliveries given up" in person.words
    site.receiver.mood = "well"
    site.clock.pass_(1)
    person.submit("Replay 2 deliveries")
    assert person.heading.startswith("Replay op_")
    assert "Done2 of 2 Still to arrive2 State" in person.words
    site.work()
    assert abandoned(site) == set()
    person.get(person.at)
    assert "Still to arrivenothing State" in person.words
    with site.context.ledger.read() as transaction:
        (newest, *_) = operations.newest(transaction, limit=1)
    assert (newest.kind, newest.by) == ("replay", "of root")
    person.get("/console/failures")
    assert "Nothing fails." in person.words


def test_a_replay_says_what_was_given_up_again_and_leads_there(site: Served, person: Person) -> None:
    site.receiver.mood = "refuses"
    publish(site, "a", "b")
    person.get("/console/failures")
    person.submit("Replay 2 deliveries")
    site.work()
    person.get(person.at)
    assert "Still to arrivenothing Given up again2 State" in person.words
    assert "/console/failures" in [one.get("href") for one in person.page.iterfind(".//dl//a")]


def test_the_failures_of_one_channel_say_how_many_others_have(site: Served, person: Person) -> None:
    site.receiver.mood = "refuses"
    publish(site, "a")
    person.get("/console/failures?channel=reader")
    assert "1 more cause" in person.words
    assert person.buttons == ["Sign out"]


def test_a_replay_sends_what_its_page_showed_and_nothing_that_failed_later(site: Served, person: Person) -> None:
    site.receiver.mood = "refuses"
    publish(site, "a")
    person.get("/console/failures")
    address, fields = person.form_of("Replay 1 delivery")
    site.clock.pass_(1)
    publish(site, "b")
    person.post(address, fields)
    assert "Done1 of 1" in person.words
    assert abandoned(site) == {"b"}


def test_a_button_that_was_pressed_already_says_so(site: Served, person: Person) -> None:
    site.receiver.mood = "refuses"
    publish(site, "a")
    person.get("/console/failures")
    address, fields = person.form_of("Replay 1 delivery")
    assert person.post(address, fields).status == 200
    site.clock.pass_(1)
    site.work()
    assert abandoned(site) == {"a"}
    assert person.post(address, fields).status == 409
    assert "nothing-to-replay" in person.words


@pytest.mark.parametrize("seen", ["", "yesterday", "2026-03-01T12:00:00", "2026-03-01"])
def test_a_replay_needs_the_time_as_of_which_it_was_shown(site: Served, person: Person, seen: str) -> None:
    site.receiver.mood = "refuses"
    publish(site, "a")
    person.get("/console/failures")
    address, fields = person.form_of("Replay 1 delivery")
    assert person.post(address, fields | {"seen": seen}).status == 400
    assert abandoned(site) == {"a"}


def test_a_replay_of_a_cause_that_is_unknown_is_refused(person: Person) -> None:
    proof = person.form_of("Sign out")[1]["proof"]
    fields = {"proof": proof, "seen": "2026-03-01T12:00:00Z"}
    assert person.post("/console/failures/flr_0/replay", fields).status == 404


def hold(site: Served) -> None:
    """Have the paper that the article cites retracted, and noticed."""
    publish(site, "safe")
    retract(site, "1")


def test_a_held_article_is_released_with_one_button(site: Served, person: Person) -> None:
    hold(site)
    person.get("/console")
    assert "1 article kept from partner" in person.words
    person.submit("Release safe")
    assert person.heading.startswith("Release op_")
    assert "was held" in person.words
    assert "Undo this operation" not in person.buttons
    site.work()
    person.get("/console")
    assert person.heading == "Nothing needs you"


def test_a_channel_that_was_paused_for_long_is_resumed_with_one_button(site: Served, person: Person) -> None:
    with site.context.ledger.write() as transaction:
        channels.pause(transaction, "partner", reason="maintenance <b>", now=site.clock())
    site.clock.pass_(86_400)
    person.sign_in()
    assert "maintenance <b>" in person.words
    person.submit("Resume")
    assert person.at == "/console/channels/partner"
    person.get("/console")
    assert person.heading == "Nothing needs you"
    with site.context.ledger.read() as transaction:
        assert channels.health(transaction, "partner").paused is None


def test_who_may_only_publish_sees_the_command_in_place_of_the_button(site: Served, person: Person) -> None:
    site.receiver.mood = "refuses"
    publish(site, "a")
    publisher = Person(site.app)
    publisher.sign_in("cms")
    publisher.get("/console/failures")
    assert publisher.buttons == ["Sign out"]
    assert "citewire replay --failure flr_" in publisher.words
    person.get("/console/failures")
    address, fields = person.form_of("Replay 1 delivery")
    proof = publisher.form_of("Sign out")[1]["proof"]
    assert publisher.post(address, fields | {"proof": proof}).status == 403
    assert "scope-insufficient" in publisher.words
    assert abandoned(site) == {"a"}


def test_a_publish_is_undone_with_one_button_and_the_undo_says_what_it_did(site: Served, person: Person) -> None:
    site.publish(MARKDOWN.format(id="safe", title="Is it safe?"), name="safe")
    undoable = operations.Operation("op_publish", "publish", "somebody", site.clock())
    part = operations.Part("safe", None, 1, "published", file=HOSTILE)
    with site.context.ledger.write() as transaction:
        operations.record(transaction, undoable, [part])
    person.get("/console/operations")
    assert "op_publish" in person.words
    person.get("/console/operations/op_publish")
    person.submit("Undo this operation")
    assert person.heading.startswith("Undo op_")
    assert "withdrawn" in person.words
    assert person.get("/console/operations/op_publish").status == 200


def test_an_operation_that_changed_nothing_is_not_undone(site: Served, person: Person) -> None:
    nothing = operations.Operation("op_nothing", "publish", "somebody", site.clock())
    with site.context.ledger.write() as transaction:
        operations.record(transaction, nothing, [operations.Part("safe", 1, 1, "unchanged")])
    person.get("/console/operations/op_nothing")
    assert "Undo this operation" not in person.buttons
    proof = person.form_of("Sign out")[1]["proof"]
    assert person.post("/console/operations/op_nothing/undo", {"proof": proof}).status == 409


def test_no_word_of_a_partner_or_an_operator_becomes_markup(site: Served, person: Person) -> None:
    hostile = operations.Operation("op_hostile", "publish", HOSTILE, site.clock())
    part = operations.Part(None, None, None, "refused", file=HOSTILE, channel=HOSTILE, reason=HOSTILE)
    with site.context.ledger.write() as transaction:
        operations.record(transaction, hostile, [part])
        channels.pause(transaction, "partner", reason=HOSTILE, now=site.clock())
    site.clock.pass_(86_400)
    person.sign_in()
    for address in ("/console", "/console/operations", "/console/operations/op_hostile"):
        assert person.get(address).status == 200
        assert HOSTILE in person.words
        assert [one.text for one in person.page.iter("script", "b") if one.text or one.tag == "b"] == []
        assert all(one.getparent().tag == "bdi" or one.tag == "bdi" for one in holding(person, HOSTILE))


def holding(person: Person, words: str) -> list[object]:
    return [one for one in person.page.iter() if isinstance(one.tag, str) and words in (one.text or "")]
