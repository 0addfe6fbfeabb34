"""The console and the API show one revision: its way as a line of time, and what differs from the one before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from console_person import Person, text
from console_site import HOSTILE, MARKDOWN, console_site, retract
from served import Served

SLEEP = MARKDOWN.format(id="first", title="Sleep", topic="pain", pmid="1")


@pytest.fixture
def site(tmp_path: Path, database: str | None) -> Iterator[Served]:
    with console_site(tmp_path, database=database) as site:
        site.publish(SLEEP, name="first")
        site.work()
        yield site


def steps(person: Person) -> list[str]:
    """The steps that are no place's, each with its state and words."""
    return [f"{one.get('class')}: {text(one)}" for one in person.page.findall(".//ol[@class='line card']/li")]


def places(person: Person) -> dict[str, list[str]]:
    return {
        text(one.find(".//h3//bdi")): [text(step) for step in one.iterfind("ol/li")]
        for one in person.page.iterfind(".//details[@class='ways']/ul/li")
    }


def test_an_article_shows_the_way_of_its_newest_revision(site: Served, person: Person) -> None:
    person.get("/console/articles/first")
    accepted, looked_up, rendered, listed = steps(person)
    assert accepted.startswith("done: Accepted 2026-03-01 12:00:00 UTC") and "an event of urn:test" in accepted
    assert looked_up.startswith("done: References looked up") and "1 reference, all answered" in looked_up
    assert rendered.startswith("done: Rendered") and "at once" in rendered
    assert listed.startswith("done: In the feeds 2026-03-01 12:00:") and "latest" in listed
    since = {text(row[0]): text(row[1]) for row in person.page.iterfind(".//details[@class='ways']/table/tbody/tr")}
    assert {"the sitemap", "latest"} <= since.keys()
    assert all(one.startswith("2026-03-01 12:00:") for one in since.values())
    assert set(places(person)) >= {"partner", "archive"}
    assert places(person)["partner"][0].startswith("Delivered at the first attempt")


def test_what_is_to_come_is_said(site: Served, person: Person) -> None:
    site.publish(SLEEP.replace("topics:", "embargo: 2026-03-05T13:00:00Z\ntopics:"), name="first")
    person.get("/console/articles/first")
    *_, rendered, listed, sent = steps(person)
    assert rendered == "waiting: Rendered not yet: waits for its time: in 4 d"
    assert listed.startswith("waiting: In the feeds not yet") and sent.startswith("waiting: Sent not yet")
    assert places(person) == {}


def test_a_revision_shows_its_words_as_they_were_and_are(site: Served, person: Person) -> None:
    site.publish(SLEEP.replace("Warmth", HOSTILE.replace("\u202e", "")), name="first")
    site.work()
    person.get("/console/articles/first")
    person.get(next(one for one in person.links() if one.endswith("/revisions/2")))
    assert person.heading == "Revision 2"
    assert "Its text differs from revision 1." in person.words
    assert [text(one) for one in person.page.iter("del")] == ["Warmth,"]
    (added,) = person.page.iter("ins")
    assert "evil" in text(added)
    assert [one.text for one in person.page.iter("script") if one.text or "alert" in one.get("src", "")] == []
    person.get(next(one for one in person.links() if one.endswith("/revisions/1")))
    assert "It is the first." in person.words


def test_what_differs_by_evidence_alone_is_said_as_such(site: Served, person: Person) -> None:
    retract(site, "1")
    person.get("/console/articles/first/revisions/2")
    assert "Only what is known of its references differs from revision 1" in person.words
    row = next(person.page.iterfind(".//table/tbody/tr"))
    cells = [text(one) for one in row]
    assert "A trial of something" in cells[0] and cells[1:] == ["unmarked", "retracted"]
    assert "kept back" in " ".join(places(person)["partner"]).lower()


def test_the_api_says_the_same(site: Served) -> None:
    site.publish(SLEEP.replace("Warmth", "Cold"), name="first")
    site.work()
    found = site.ask("GET", "/v1/articles/first/revisions/2").json
    assert (found["number"], found["before"], found["differs"]) == (2, 1, ["text"])
    assert ("Warmth,", "Cold,") in {(one["removed"], one["added"]) for one in found["changes"]}
    assert [one["what"] for one in found["line"]["steps"]] == [
        "accepted",
        "references looked up",
        "rendered",
        "in the feeds",
    ]
    assert {one["channel"] for one in found["line"]["places"]} >= {"partner", "archive"}


@pytest.mark.parametrize(
    ("path", "status"),
    [("first/revisions/9", 404), ("none/revisions/1", 404), ("first/revisions/0", 422)]
    + [(f"first/revisions/{one}", 422) for one in ("x", "2147483648", "-1")],
)
def test_a_revision_that_is_none_is_said_on_every_way(site: Served, person: Person, path: str, status: int) -> None:
    assert person.get(f"/console/articles/{path}").status == status
    assert site.ask("GET", f"/v1/articles/{path}").status == status


def test_nobody_else_sees_a_revision(filled: Served) -> None:
    assert filled.ask("GET", "/v1/articles/hostile/revisions/1", who="partner").status == 403
    assert filled.ask("GET", "/v1/articles/hostile/revisions/1", who="none").status == 401


def test_what_was_given_up_and_what_is_held_up_is_said_on_the_articles_page(looking: Person) -> None:
    looking.get("/console/articles/hostile")
    first, *_, end = places(looking)["partner"]
    assert first.startswith("First attempt") and "failed" in first
    assert end.startswith("Given up failed") and "no category for 'hostile'" in end
    looking.get("/console/articles/statins-and-muscle-pain")
    assert any("A dose was wrong." in one for one in steps(looking))
