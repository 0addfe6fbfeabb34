"""Something is done with all articles that match: in the console, over the API, and shown before it is done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from console_person import Person
from console_site import MARKDOWN, Picky, console_site, fill
from served import Served

from pipeline.ledger import articles
from pipeline.stages.bulk import Bulk
from pipeline.stages.stage import drain

NAMES = [f"article-{number:02}" for number in range(60)]  # more than a page of the list


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with console_site(tmp_path) as site:
        fill(site, many)
        yield site


def many(site: Served) -> None:
    site.publish(MARKDOWN.format(id="other", title="Something else", topic="pain", pmid="2"), name="other")
    for name in NAMES:
        site.publish(MARKDOWN.format(id=name, title=f"About {name}", topic="pain", pmid="2"), name=name)
    site.work()


def state(site: Served, name: str) -> str:
    with site.context.ledger.read() as transaction:
        found = articles.get(transaction, name)
    assert found is not None
    return found.state


def test_all_that_match_are_withdrawn_and_brought_back_from_the_console(site: Served, person: Person) -> None:
    person.get("/console/articles?q=About+article")
    person.submit("Look at what it concerns", action="withdraw")
    assert person.heading == "Withdraw everywhere: 60 articles"
    assert "this site: 60 articles" in person.words
    assert "archive: 60 articles" in person.words
    late = MARKDOWN.format(id="article-late", title="About article late", topic="pain", pmid="2")
    site.publish(late, name="article-late")
    person.submit("Withdraw everywhere: 60 articles", reason="A dose was wrong.")
    assert person.heading.startswith("Withdraw op_")
    assert "0 of 60 have been dealt with" in person.words
    assert "Undo" not in person.words
    drain(site.context, Bulk())
    person.get(person.at)
    assert "Done60 of 60" in person.words and "A dose was wrong." in person.words
    assert {state(site, name) for name in NAMES} == {"withdrawn"}
    assert state(site, "other") == state(site, "article-late") == "live"
    person.submit("Undo this operation")
    assert {state(site, name) for name in NAMES} == {"live"}


def test_a_withdrawal_of_many_needs_a_reason(person: Person) -> None:
    person.get("/console/articles")
    person.submit("Look at what it concerns", action="withdraw")
    assert person.submit("Withdraw everywhere: 61 articles", reason=" ").status == 422


def test_what_was_given_up_is_replayed_and_the_rest_named(site: Served, person: Person) -> None:
    assert isinstance(site.receiver, Picky)
    site.receiver.says = {"article-07": "no category"}
    site.publish(MARKDOWN.format(id="article-07", title="Again", topic="pain", pmid="2"), name="article-07")
    site.work()
    site.receiver.says = {}
    person.get("/console/articles?trouble=1")
    person.submit("Look at what it concerns", action="replay")
    person.submit("Replay what was given up: 1 article")
    drain(site.context, Bulk())
    site.work()
    assert site.receiver.got[-1].article_id == "article-07"
    person.get(f"{person.at}?outcome=replayed")
    assert "article-07" in person.words and "It has no parts" not in person.words
    person.get(person.at.partition("?")[0] + "?outcome=nothing")
    assert "It has no parts of this kind" in person.words


@pytest.mark.parametrize("action", ["replay", "publish-again", "release", "delete", ""])
def test_a_publisher_may_withdraw_many_and_nothing_else(site: Served, action: str) -> None:
    publisher = Person(site.app)
    publisher.sign_in("cms")
    publisher.get("/console/articles?q=article-01")
    _, fields = publisher.form_of("Look at what it concerns")
    assert publisher.post("/console/bulk", fields | {"action": action}).status in (403, 422)
    publisher.get("/console/articles?q=article-01")
    publisher.submit("Look at what it concerns", action="withdraw")
    assert publisher.buttons[1:] == ["Withdraw everywhere: 1 article"]


def test_nobody_starts_what_somebody_else_has_looked_at(site: Served, person: Person) -> None:
    person.get("/console/articles?q=article-01")
    person.submit("Look at what it concerns", action="withdraw")
    address = person.at
    publisher = Person(site.app)
    publisher.sign_in("cms")
    publisher.get(address)
    assert publisher.buttons == ["Sign out"] and "Only of root" in publisher.words
    fields = publisher.form_of("Sign out")[1] | {"reason": "Wrong."}
    assert publisher.post(f"{address}/start", fields).status == 409


@pytest.mark.parametrize("path", ["op_none", "%2e%2e", "op_%00"])
def test_what_was_not_prepared_is_a_page(person: Person, path: str) -> None:
    assert person.get(f"/console/bulk/{path}").status in (400, 404, 409)


def test_the_api_says_what_is_concerned_and_starts_exactly_that(site: Served) -> None:
    shown = site.ask("POST", "/v1/bulk?action=withdraw&query=article-0&state=live", "cms")
    assert (shown.status, shown.json["count"]) == (201, 10)
    assert {"channel": None, "articles": 10} in shown.json["holders"]
    operation = shown.json["operation"]
    assert site.ask("GET", f"/v1/bulk/{operation}").json == shown.json
    assert site.ask("POST", f"/v1/bulk/{operation}/start", "cms").code == "invalid-event"
    started = site.ask("POST", f"/v1/bulk/{operation}/start?reason=Wrong.", "cms")
    assert (started.status, json.loads(started.body)) == (202, {"operation": operation, "count": 10})
    assert site.ask("POST", f"/v1/bulk/{operation}/start?reason=Wrong.", "cms").code == "not-prepared"
    drain(site.context, Bulk())
    done = site.ask("GET", f"/v1/operations/{operation}").json
    assert (done["state"], done["changed"], done["planned"]) == ("done", 10, 10)


def test_the_api_keeps_publishers_from_what_only_admins_may(site: Served) -> None:
    assert site.ask("POST", "/v1/bulk?action=release", "cms").code == "scope-insufficient"
    operation = site.ask("POST", "/v1/bulk?action=release").json["operation"]
    assert site.ask("POST", f"/v1/bulk/{operation}/start", "cms").code == "scope-insufficient"
    assert b'citewire_refused_total{code="scope-insufficient"} 2.0' in site.ask("GET", "/metrics").body
    assert site.ask("POST", "/v1/bulk?action=release&query=none").code == "nothing-matches"
