"""The console's articles: found, looked at, previewed, withdrawn, released and sent again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asgi import get
from console_person import Person
from console_site import HOSTILE, Picky, console_site, fill
from served import Served

from pipeline.ledger import articles, operations


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with console_site(tmp_path_factory.mktemp("site")) as site:
        fill(site)
        yield site


def listed(person: Person, query: str = "") -> set[str]:
    person.get(f"/console/articles{query}")
    links = (one.get("href").rpartition("/")[2] for one in person.page.iterfind(".//tbody//th/a"))
    return set(links)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=statins", {"statins-and-muscle-pain"}),
        ("?q=pmid:1", {"baclofen-for-spasticity"}),
        ("?state=withdrawn", {"statins-and-muscle-pain"}),
        ("?evidence=retracted", {"baclofen-for-spasticity"}),
        ("?trouble=1", {"hostile", "arabic", "sleep-in-old-age"}),
        ("?trouble=1&q=sleep&channel=partner&state=live", {"sleep-in-old-age"}),
        ("?q=nothing-of-the-kind", set()),
        ("?q=%3Cscript%3E", {"hostile"}),
        ("?state=%27%20OR%201%3D1", set()),
    ],
)
def test_articles_are_found_and_filtered(looking: Person, query: str, found: set[str]) -> None:
    assert listed(looking, query) == found


def test_all_articles_are_listed_when_nothing_is_asked_for(looking: Person) -> None:
    assert len(listed(looking)) == 6


@pytest.mark.parametrize("after", ["x", "2026-03-01", "2026-03-01T12:00:00~a", "2026-03-01T12:00:00+00:00~", "~a"])
def test_a_cursor_that_is_none_is_refused(looking: Person, after: str) -> None:
    assert looking.get(f"/console/articles?after={after.replace('+', '%2B')}").status == 400


def test_an_article_says_who_has_it_and_what_it_cites(looking: Person) -> None:
    looking.get("/console/articles/baclofen-for-spasticity")
    assert looking.heading.startswith("Baclofen for spasticity")
    assert "Held back from partner" in looking.words
    assert "A trial of something" in looking.words
    assert "NLM: retracted" in looking.words
    rows = {row.findtext(".//th//bdi"): row.text_content() for row in looking.page.iterfind(".//tbody/tr")}
    assert "revision 2" in rows["archive"] and "delivered 200" in rows["archive"]
    assert "nothing" in rows["partner"]


def test_a_withdrawn_article_says_why(looking: Person) -> None:
    looking.get("/console/articles/statins-and-muscle-pain")
    assert "A dose was wrong." in looking.words
    assert "Withdraw…" not in looking.words
    assert looking.page.find(".//iframe") is None
    looking.get("/console/articles/statins-and-muscle-pain/withdraw")
    assert looking.buttons == ["Sign out"]


@pytest.mark.parametrize("path", ["", "/withdraw", "?format=amp", "?format=nothing"])
def test_a_hostile_title_is_text_on_every_page(looking: Person, path: str) -> None:
    assert looking.get(f"/console/articles/hostile{path}").status == 200
    assert "<script>alert(1)</script>" in looking.words
    assert [one.text for one in looking.page.iter("script") if one.text or "alert" in one.get("src", "")] == []


@pytest.mark.parametrize(
    ("format", "kind"),
    [("html", "text/html"), ("amp", "text/html"), ("json-ld", "text/plain"), ("ninjs", "text/plain")],
)
def test_a_preview_may_do_nothing(looking: Person, format: str, kind: str) -> None:
    answer = looking.get(f"/console/articles/hostile/preview/{format}")
    assert answer.status == 200
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    policy = [one.strip() for one in answer.headers["content-security-policy"].split(";")]
    assert "sandbox" in policy and "default-src 'none'" in policy and "frame-ancestors 'self'" in policy
    assert not any(one.startswith("script-src") for one in policy)


@pytest.mark.parametrize("path", ["hostile/preview/none", "statins-and-muscle-pain/preview/html", "none/preview/html"])
def test_what_was_not_rendered_has_no_preview(looking: Person, path: str) -> None:
    assert looking.get(f"/console/articles/{path}").status == 404


@pytest.mark.parametrize(
    "path", ["", "/articles", "/articles/hostile", "/articles/hostile/withdraw", "/articles/hostile/preview/html"]
)
def test_nothing_is_shown_to_whoever_is_not_signed_in(filled: Served, path: str) -> None:
    answer = get(filled.app, f"/console{path}")
    assert (answer.status, answer.body) == (303, b"")


def test_a_withdrawal_says_first_who_has_the_article_and_takes_a_reason(site: Served, person: Person) -> None:
    person.get("/console/articles/sleep-in-old-age/withdraw")
    assert "this site" in person.words and "archive" in person.words
    assert person.submit("Withdraw everywhere", reason="  ").status == 422
    person.get("/console/articles/sleep-in-old-age/withdraw")
    site.clock.pass_(1)
    person.submit("Withdraw everywhere", reason=f"It was wrong. {HOSTILE}")
    assert person.heading.startswith("Withdraw op_")
    assert "It was wrong." in person.words
    with site.context.ledger.read() as transaction:
        (newest,) = operations.newest(transaction, limit=1)
        current = articles.get(transaction, "sleep-in-old-age")
    assert (newest.kind, newest.by) == ("withdraw", "of root")
    assert current is not None and current.state == "withdrawn"
    person.submit("Undo this operation")
    with site.context.ledger.read() as transaction:
        current = articles.get(transaction, "sleep-in-old-age")
    assert current is not None and current.state == "live"


def test_a_publisher_may_withdraw_and_neither_release_nor_replay(site: Served, person: Person) -> None:
    publisher = Person(site.app)
    publisher.sign_in("cms")
    publisher.get("/console/articles/baclofen-for-spasticity")
    assert publisher.buttons == ["Sign out", "Look"]
    proof = publisher.form_of("Sign out")[1]["proof"]
    for path in ("baclofen-for-spasticity/release", "hostile/replay"):
        assert publisher.post(f"/console/articles/{path}", {"proof": proof}).status == 403
    publisher.get("/console/articles/hostile/withdraw")
    publisher.submit("Withdraw everywhere", reason="Wrong.")
    assert publisher.heading.startswith("Withdraw op_")


def test_a_held_article_is_released_on_its_page(site: Served, person: Person) -> None:
    person.get("/console/articles/baclofen-for-spasticity")
    person.submit("Release")
    site.work()
    person.get("/console/articles/baclofen-for-spasticity")
    assert "Held back" not in person.words


def test_what_a_channel_did_not_take_is_sent_again_from_the_articles_page(site: Served, person: Person) -> None:
    person.get("/console/articles/hostile")
    assert isinstance(site.receiver, Picky)
    site.receiver.says = {}
    person.submit("Replay 1 delivery given up")
    site.work()
    person.get("/console/articles/hostile")
    assert "abandoned" not in person.words
    proof = person.form_of("Sign out")[1]["proof"]
    assert person.post("/console/articles/hostile/replay", {"proof": proof}).status == 409


@pytest.mark.parametrize("name", ["none", "%2e%2e", "a%00b", "a" * 200])
def test_an_article_that_is_not_there_is_a_page(looking: Person, name: str) -> None:
    assert looking.get(f"/console/articles/{name}").status in (400, 404)
