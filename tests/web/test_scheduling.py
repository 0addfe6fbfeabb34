"""What waits for its time goes live at another one, by the command's action: over HTTP, on its page, in the ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import START
from console_person import Person
from console_site import MARKDOWN, console_site
from served import Served

from pipeline.errors import InvalidEvent
from pipeline.ledger import articles, operations, tokens
from pipeline.ledger.articles import ArticleState, revisions
from pipeline.stages.accept.schedule import moved, schedule

HOUR = dt.timedelta(hours=1)
TEXT = MARKDOWN.format(id="late", title="Late", topic="pain", pmid="2")


@pytest.fixture
def site(tmp_path: Path, database: str | None) -> Iterator[Served]:
    with console_site(tmp_path, database=database) as site:
        publish(site, embargo=START + 5 * HOUR)
        yield site


def publish(site: Served, text: str = TEXT, **times: dt.datetime) -> None:
    lines = "".join(f"{name}: {at.isoformat()}\n" for name, at in times.items())
    site.publish(text.replace("topics:", f"{lines}topics:"), name="late")
    site.work()


def state(site: Served) -> ArticleState:
    with site.context.ledger.read() as transaction:
        found = articles.get(transaction, "late")
    assert found is not None
    return found


def shown(site: Served) -> int:
    return site.ask("GET", "/articles/late").status


def test_what_waits_goes_live_at_the_new_time(site: Served) -> None:
    answer = site.ask("POST", "/v1/articles/late/schedule?at=2026-03-01T14:00:00%2B01:00")  # in an hour
    assert (answer.status, answer.json["revision"], answer.json["at"]) == (200, 2, "2026-03-01T13:00:00Z")
    site.work()
    assert (state(site).state, shown(site)) == ("scheduled", 404)
    site.clock.pass_(3600)
    site.work()
    assert (state(site).state, shown(site)) == ("live", 200)
    with site.context.ledger.read() as transaction:
        (newest,) = operations.newest(transaction, limit=1)
        (part,) = operations.parts_of(transaction, newest.id)
    assert (newest.kind, newest.by, newest.id) == ("schedule", "of root", answer.json["operation"])
    assert (part.article, part.before, part.revision) == ("late", 1, 2)
    assert site.ask("POST", f"/v1/operations/{newest.id}/undo").json["code"] == "cannot-be-undone"


def test_it_goes_live_now_with_the_same_words(site: Served) -> None:
    assert site.ask("POST", "/v1/articles/late/schedule?at=now").json["at"] is None
    site.work()
    assert (state(site).state, state(site).rendered, shown(site)) == ("live", 2, 200)
    with site.context.ledger.read() as transaction:
        before, after = (revisions.get(transaction, "late", number).article for number in (1, 2))
    assert moved(before, START, START) == after


def test_a_later_time_holds_it_back_longer_and_the_same_time_changes_nothing(site: Served) -> None:
    for revision in (2, 2):
        answer = site.ask("POST", "/v1/articles/late/schedule?at=2026-03-09T12:00:00Z")
        assert answer.json["revision"] == revision
    site.clock.pass_(6 * 3600)
    site.work()
    assert shown(site) == 404


def test_a_date_that_is_to_come_is_moved_too_and_one_that_is_over_stays(site: Served) -> None:
    publish(site, published=START + 3 * HOUR, embargo=START - HOUR)
    assert site.ask("POST", "/v1/articles/late/schedule?at=2026-03-01T13:00:00Z").status == 200
    with site.context.ledger.read() as transaction:
        content = revisions.newest_content(transaction, "late").article
    assert (content.published, content.embargo) == (START + HOUR, START - HOUR)


def test_an_update_of_what_is_live_is_moved_and_what_is_live_stays(site: Served) -> None:
    site.ask("POST", "/v1/articles/late/schedule?at=now")
    site.work()
    publish(site, TEXT.replace("Warmth", "Cold"), embargo=START + 5 * HOUR)
    site.ask("POST", "/v1/articles/late/schedule?at=2026-03-01T13:00:00Z")
    site.work()
    assert b"Warmth" in site.ask("GET", "/articles/late").body
    site.clock.pass_(3600)
    site.work()
    assert b"Cold" in site.ask("GET", "/articles/late").body


@pytest.mark.parametrize("act", ["out", "withdrawn", "none"])
def test_what_does_not_wait_has_no_time_to_change(site: Served, act: str) -> None:
    if act == "out":
        site.clock.pass_(6 * 3600)
        site.work()
    elif act == "withdrawn":
        site.withdraw("late")
    name = "other" if act == "none" else "late"
    answer = site.ask("POST", f"/v1/articles/{name}/schedule?at=2026-04-01T00:00:00Z")
    expected = (404, "unknown-article") if act == "none" else (409, "not-scheduled")
    assert (answer.status, answer.json["code"]) == expected
    with site.context.ledger.read() as transaction:
        assert operations.newest(transaction, limit=1) == []


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("2026-03-01T11:00:00Z", "embargo-over"),
        ("2201-01-01T00:00:00Z", "invalid-time"),
        ("2026-03-01T13:00:00", "invalid-parameter"),
        ("soon", "invalid-parameter"),
        ("9999-12-31T23:59:59-12:00", "invalid-parameter"),
    ],
)
def test_a_time_that_is_none_or_over_is_refused(site: Served, at: str, code: str) -> None:
    answer = site.ask("POST", f"/v1/articles/late/schedule?at={at}")
    assert (answer.status, answer.json["code"]) == (422, code)
    assert state(site).revision == 1


def test_an_edit_that_arrives_first_keeps_its_words(site: Served) -> None:
    """The time is changed of what is there when the transaction begins, whatever the page had shown."""
    publish(site, TEXT.replace("Warmth", "Cold"), embargo=START + 7 * HOUR)
    schedule(site.intake, "late", START + HOUR, by="desk")
    site.clock.pass_(3600)
    site.work()
    assert b"Cold" in site.ask("GET", "/articles/late").body
    with pytest.raises(InvalidEvent, match="nothing of it waits"):
        schedule(site.intake, "late", START + 3 * HOUR, by="desk")


def test_its_page_has_the_form_for_as_long_as_it_waits(site: Served, person: Person) -> None:
    person.get("/console/articles/late")
    _, fields = person.form_of("Change the time")
    assert fields["at"] == "2026-03-01T17:00:00"
    assert person.submit("Change the time", at="2026-03-01T11:00").status == 422
    person.get("/console/articles/late")
    assert person.submit("Change the time", at="whenever").status == 400
    person.get("/console/articles/late")
    person.submit("Change the time", at="2026-03-01T13:00")
    assert person.heading.startswith("Schedule op_")
    assert "Undo this operation" not in person.buttons
    person.get("/console/articles/late")
    assert "2026-03-01 13:00:00 UTC" in person.words
    person.submit("Publish now")
    site.work()
    person.get("/console/articles/late")
    assert not {"Change the time", "Publish now"} & set(person.buttons)


def test_whoever_may_not_publish_does_not_see_the_form(site: Served) -> None:
    with site.context.ledger.write() as transaction:
        tokens.add(transaction, "viewer", name="of viewer", scope="viewer", now=START)
    viewer = Person(site.app)
    viewer.sign_in("viewer")
    viewer.get("/console/articles/late")
    assert not {"Change the time", "Publish now"} & set(viewer.buttons)
    proof = viewer.form_of("Sign out")[1]["proof"]
    assert viewer.post("/console/articles/late/schedule", {"proof": proof, "at": "now"}).status == 403
    assert site.ask("POST", "/v1/articles/late/schedule?at=now", who="partner").status == 403
