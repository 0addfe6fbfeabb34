"""The site's own pages, for people: the newest articles, the list of all, and what is not there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from asgi import get, send
from lxml import html
from served import SITE, Served, served

from pipeline.feeds import sitemaps
from pipeline.ledger.feeds import newest
from pipeline.stages.render import fingerprint
from pipeline.web.app import create_app
from pipeline.wording.tags import CATALOGUES

PLAIN = SITE.partition("[[channels]]")[0]
HERE = "https://notes.example.org"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
ARTICLE = """---
id: {id}
title: {title}
published: {day}
topics: [{topics}]
references: [1]
---
{text}
"""


def put(site: Served, id: str, *, title: str = "", day: str = "2026-01-01", topics: str = "", more: str = "") -> None:
    text = ARTICLE.format(id=id, title=title or f"About {id}", day=day, topics=topics, text="Yes, it is.")
    site.publish(text.replace("references:", f"{more}\nreferences:" if more else "references:"), name=id)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, PLAIN, formats=("html", "rss", "atom", "json-feed")) as site:
        yield site


def links(body: bytes, inside: str = "//ul[@class='list']/li/a") -> list[str]:
    return [str(link.get("href")) for link in html.fromstring(body).xpath(inside)]


@contextmanager
def statements() -> Iterator[list[str]]:
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: Any) -> None:
        found.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def test_the_newest_articles_are_on_the_front_page_with_topics_and_feeds(site: Served) -> None:
    put(site, "older", day="2026-01-01", topics="Pain")
    put(site, "newer", day="2026-02-01", topics="Sleep, Pain")
    site.work()
    answer = get(site.app, "/")
    assert answer.status == 200
    assert links(answer.body) == [f"{HERE}/articles/newer", f"{HERE}/articles/older"]
    page = html.fromstring(answer.body)
    assert page.xpath("//h1/text()") == ["Notes"]
    assert links(answer.body, "//ul[@class='row']/li/a") == [
        f"{HERE}/articles?topic=sleep", f"{HERE}/articles?topic=pain",
    ]  # fmt: skip
    assert f"{HERE}/feeds/latest.atom" in links(answer.body, "//dd/a")
    assert f"{HERE}/evidence/changes.atom" in links(answer.body, "//dd/a")
    assert "1 February 2026" in page.text_content()


def test_what_is_withdrawn_or_not_out_yet_is_on_no_page(site: Served) -> None:
    put(site, "shown", day="2026-01-01", title="Shown")
    put(site, "gone", day="2026-01-02", title="Gone", topics="Lost")
    put(site, "secret", title="Secret", more="embargo: 2099-01-01T00:00:00Z")
    site.work()
    assert f"{HERE}/articles/gone" in links(get(site.app, "/").body)
    site.withdraw("gone")  # nothing has worked on it yet
    put(site, "shown", day="2026-01-01", title="Future", more="embargo: 2099-01-01T00:00:00Z")
    for _ in range(2):
        for path in ("/", "/articles"):
            body = get(site.app, path).body
            assert links(body) == [f"{HERE}/articles/shown"]
            assert b"Secret" not in body
            assert b"Future" not in body
            assert b"Lost" not in body
        site.work()
    assert get(site.app, "/articles?topic=lost").code == "unknown-page"


def test_every_article_is_on_one_page_of_the_list(site: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.web.public.site_pages._PAGE", 3)
    monkeypatch.setattr(newest, "WINDOW", 4)
    for number in range(10):
        put(site, f"a{number}", day=f"2026-01-0{1 + number // 4}", topics="Odd" if number % 2 else "Even")
    site.work()

    def walked(path: str) -> list[str]:
        found: list[str] = []
        while path:
            body = get(site.app, path).body
            found += [address.rpartition("/")[2] for address in links(body)]
            path = "".join(links(body, "//main//a[@rel='next']")).removeprefix(HERE)
        return found

    assert walked("/articles") == ["a9", "a8", "a7", "a6", "a5", "a4", "a3", "a2", "a1", "a0"]
    assert walked("/articles?topic=odd") == ["a9", "a7", "a5", "a3", "a1"]


def test_who_has_a_page_is_answered_before_an_article_is_read(site: Served) -> None:
    put(site, "one")
    site.work()
    for path in ("/", "/articles", "/articles?after=2027-01-01T00:00:00Z~x"):
        tag = get(site.app, path).headers["etag"]
        with statements() as sent:
            assert get(site.app, path, if_none_match=tag).status == 304
        assert not [one for one in sent if re.search(r"FROM (feed_entries|articles|revisions|contents)", one)]
        assert len([one for one in sent if one.startswith("SELECT")]) <= 2


@pytest.mark.parametrize("path", ["/", "/articles"])
def test_every_change_is_another_page(site: Served, path: str) -> None:
    tags = [get(site.app, path).headers["etag"]]
    put(site, "one")
    for step in ("publish", "change the title", "withdraw"):
        site.clock.pass_(600)  # no feed rests so long between two builds
        site.work()
        tags.append(get(site.app, path, if_none_match=tags[-1]).headers["etag"])
        if step == "publish":
            put(site, "one", title="Another title")
        elif step == "change the title":
            site.withdraw("one")
    assert len(set(tags)) == len(tags) == 4


def test_a_page_that_does_not_show_a_change_yet_is_not_taken_for_the_next_one(site: Served) -> None:
    put(site, "one")
    site.work()
    put(site, "one", title="Another title")
    tag = get(site.app, "/").headers["etag"]
    site.clock.pass_(600)
    site.work()
    answer = get(site.app, "/", if_none_match=tag)
    assert answer.status == 200
    assert b"Another title" in answer.body


def test_another_release_has_other_pages(
    site: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """A page that says the same of other articles in other words is another page, though no article has changed."""
    request.addfinalizer(fingerprint.own_code.cache_clear)
    template = tmp_path / "code" / "parts.html.j2"
    template.parent.mkdir()
    monkeypatch.setattr(fingerprint, "_OURS", (*fingerprint._OURS, str(template.parent)))
    put(site, "one")
    site.work()
    tags = []
    for text in ("<li>", "<li>", "<li class=new>"):
        template.write_text(text, encoding="utf-8")
        fingerprint.own_code.cache_clear()
        app = create_app(site.context, alive=list)
        tags.append([get(app, path).headers["etag"] for path in ("/", "/articles")])
    assert tags[0] == tags[1]
    assert not set(tags[1]) & set(tags[2])


def test_a_page_says_nothing_that_only_its_address_says(site: Served) -> None:
    put(site, "one", topics="Pain")
    site.work()
    asked = "/articles?topic=Call+this+number&after=2020-01-01T00:00:00Z~x"
    answer = get(site.app, asked)
    assert answer.status == 200
    assert b"Call" not in answer.body
    assert links(answer.body, "//p[@class='on']/a") == [f"{HERE}/articles"]
    assert html.fromstring(get(site.app, "/articles?topic=pain").body).xpath("//main/p/bdi/text()") == ["Pain"]


def test_another_sites_article_is_left_to_it_as_in_the_sitemap(site: Served) -> None:
    put(site, "theirs", more="canonical: https://elsewhere.example/theirs")
    put(site, "ours")
    site.work()
    assert links(get(site.app, "/articles").body) == [f"{HERE}/articles/ours"]


@pytest.mark.parametrize(
    "query",
    [
        "after=x", "after=2026-01-01~a", "after=~", "after=2026-01-01T00:00:00Z~", "topic=" + "x" * 129,
        "after=2026-01-01T00:00:00Z~" + "x" * 129, "after=9999-99-99T00:00:00Z~x", "topic=none",
        "after=0001-01-01T00:00:00%2B23:00~x",
    ],
)  # fmt: skip
def test_a_page_that_the_list_does_not_have_is_not_found(site: Served, query: str) -> None:
    assert get(site.app, f"/articles?{query}", accept=BROWSER).status == 404


def test_no_title_is_markup(site: Served) -> None:
    put(site, "x", title='"<script>alert(1)</script> \u202e\U0001f600 & co"', topics='"<b>bold</b>"')
    site.work()
    body = get(site.app, "/").body
    assert b"<script" not in body
    assert b"<b>" not in body
    assert "\U0001f600".encode() in body


@pytest.mark.parametrize(
    "path", ["/articles/none", "/nothing", "/feeds/none.rss", "/articles/none.amp", "/references/9"]
)
def test_what_is_not_there_is_a_page_for_people_and_a_problem_for_programs(site: Served, path: str) -> None:
    person, program = get(site.app, path, accept=BROWSER), get(site.app, path, accept="*/*")
    assert (person.status, program.status) == (404, 404)
    assert person.headers["content-type"] == "text/html; charset=utf-8"
    page = html.fromstring(person.body)
    assert page.xpath("//h1/text()") == ["Page not found"]
    assert links(person.body, "//p[@class='on']/a") == [f"{HERE}/", f"{HERE}/articles"]
    assert "style-src 'sha256-" in person.headers["content-security-policy"]
    assert program.headers["content-type"] == "application/problem+json"
    assert get(site.app, path, accept="text/html;q=0, */*").headers["content-type"] == "application/problem+json"
    assert get(site.app, path).headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/nothing", "/partners/nobody/changes", "/partners/nothing", "/metrics/x"])
def test_addresses_of_programs_always_answer_programs(site: Served, path: str) -> None:
    answer = get(site.app, path, accept=BROWSER)
    assert answer.status in (401, 404)
    assert answer.headers["content-type"] == "application/problem+json"


def test_crawlers_are_led_to_the_sitemap_whatever_host_they_ask(site: Served) -> None:
    answer = asyncio.run(send(site.app, "GET", "/robots.txt", headers={"Host": "evil.example"}))
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.body.decode().splitlines() == [
        "User-agent: *",
        "Disallow:",
        "",
        f"Sitemap: {HERE}/{sitemaps.INDEX[7:]}",
    ]
    assert get(site.app, "/robots.txt", if_none_match=answer.headers["etag"]).status == 304


def test_the_icon_is_the_sites_initial(site: Served) -> None:
    for path in ("/favicon.svg", "/favicon.ico"):
        answer = get(site.app, path)
        assert answer.headers["content-type"].startswith("image/svg+xml")
        assert b">N</text>" in answer.body


@pytest.mark.parametrize("language", sorted({name.replace("_", "-") for name in CATALOGUES.values()} | {"sv"}))
def test_the_pages_are_in_the_sites_language(tmp_path: Path, language: str) -> None:
    with served(tmp_path, PLAIN.replace('title = "Notes"', f'title = "Notes"\nlanguage = "{language}"', 1)) as site:
        put(site, "one", topics="Pain")
        site.work()
        english = {"Newest articles", "All articles", "Topics", "Page not found", "Evidence changes"}
        languages = list[str | None]()  # of what is said in English
        for path in ("/", "/articles", "/feeds", "/articles/none"):
            body = get(site.app, path, accept=BROWSER).body
            page = html.fromstring(body)
            assert page.get("lang") == language
            assert page.get("dir") == ("rtl" if language in ("ar", "he") else "ltr")
            said = {str(text) for text in page.xpath("//h1/text() | //h2/text() | //p[@class='on']/a/text()")} & english
            languages += [one.get("lang") for text in said for one in page.xpath(f"//*[text()='{text}']")]
        assert set(languages) == ({"en"} if language == "sv" else set())  # no catalogue: English, which says so
