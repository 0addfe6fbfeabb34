"""People write down what they know of a failure, and dismiss it until it happens again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from console_person import Person
from console_site import HOSTILE, MARKDOWN, Picky, console_site
from served import Served

from pipeline.web.console import failures

CAUSE = "the body is larger"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with console_site(tmp_path) as site:
        assert isinstance(site.receiver, Picky)
        fail(site, "first")
        yield site


def fail(site: Served, name: str, says: str = CAUSE) -> None:
    assert isinstance(site.receiver, Picky)
    site.receiver.says[name] = says
    site.clock.pass_(60)
    site.publish(MARKDOWN.format(id=name, title=f"About {name}", topic="pain", pmid="2"), name=name)
    site.work()


def test_a_note_is_shown_with_its_cause_until_it_is_removed(person: Person) -> None:
    person.get("/console/failures")
    person.submit("Save the note", note=f"They know. {HOSTILE}")
    assert "They know." in person.words and "of root" in person.words
    assert "<script>alert(1)</script>" in person.words
    assert list(person.page.iter("script")) == []
    person.submit("Save the note", note=" ")
    assert "They know." not in person.words


def test_a_dismissed_cause_comes_back_when_it_happens_again(site: Served, person: Person) -> None:
    person.get("/console/failures")
    person.submit("Save the note", note="They know.")
    person.submit("Dismiss until it happens again")
    assert "Nothing fails that was not dismissed." in person.words
    assert "1 cause was dismissed until it happens again" in person.words
    fail(site, "second")
    person.get("/console/failures")
    assert person.heading == "Failures 1" and "They know." in person.words
    assert "dismissed until" not in person.words


def test_a_page_lists_so_many_causes_and_counts_the_others(
    site: Served, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(site, "second")
    for name, says in (("third", "no category for 'pain'"), ("fourth", "rather not")):
        fail(site, name, says)
    person.get("/console/failures")
    assert person.heading == "Failures 3" and "not listed here" not in person.words
    monkeypatch.setattr(failures, "_MOST", 1)
    person.get("/console/failures")
    assert person.heading == "Failures 3" and CAUSE in person.words
    assert "2 more causes, of 2 deliveries, are not listed here" in person.words
    assert "rather not" not in person.words
    monkeypatch.setattr(failures, "_MOST", 2)
    person.get("/console/failures")
    assert "1 more cause, of 1 delivery, is not listed here" in person.words


def test_a_dismissal_is_taken_back(person: Person) -> None:
    person.get("/console/failures")
    person.submit("Dismiss until it happens again")
    person.submit("Show it again")
    assert person.heading == "Failures 1"


def test_what_fails_after_the_page_was_made_is_not_dismissed_with_it(site: Served, person: Person) -> None:
    person.get("/console/failures")
    fail(site, "second")
    person.submit("Dismiss until it happens again")
    assert person.heading == "Failures 1"


def test_a_publisher_reads_notes_and_writes_none(site: Served, person: Person) -> None:
    person.get("/console/failures")
    person.submit("Save the note", note="They know.")
    publisher = Person(site.app)
    publisher.sign_in("cms")
    publisher.get("/console/failures")
    assert "They know." in publisher.words and publisher.buttons == ["Sign out"]
    key = site.ask("GET", "/v1/failures").json["failures"][0]["key"]
    assert site.ask("POST", f"/v1/failures/{key}/note?text=x", "cms").status == 403


def test_the_api_has_notes_too_and_says_what_is_wrong_with_them(site: Served) -> None:
    found = site.ask("GET", "/v1/failures").json
    key, seen = found["failures"][0]["key"], found["seen"].replace("+", "%2B")
    assert site.ask("POST", f"/v1/failures/{key}/note?text=Known").json["note"] == "Known"
    assert site.ask("POST", f"/v1/failures/{key}/dismiss?seen={seen}").json["dismissed"] is not None
    listed = site.ask("GET", "/v1/failures").json["failures"][0]
    assert (listed["note"], listed["noted_by"], listed["dismissed"] is None) == ("Known", "of root", False)
    assert site.ask("POST", f"/v1/failures/{key}/reopen").json["dismissed"] is None
    assert site.ask("POST", "/v1/failures/flr_none/note?text=x").code == "unknown-failure"
    assert site.ask("POST", f"/v1/failures/{key}/note?text={'x' * 2001}").status == 422
