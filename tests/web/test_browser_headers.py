"""What a browser may do with a response: nothing, but for a page to show itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asgi import Answer, get
from judges.browser import chromium, profile
from playwright.sync_api import Browser, Route
from served import SITE, Served, served

MARKDOWN = """---
id: {id}
title: Is it safe?
image: https://notes.example.org/a.png
---
Yes.
"""
PAGES = ["/articles/safe", "/articles/safe.amp", "/articles/gone", "/articles/gone.amp", "/feeds", "/", "/articles"]
DOCUMENTS = [
    "/articles/safe.rss", "/articles/safe.json-ld", "/articles/unknown", "/feeds/latest.atom", "/feeds/none.atom",
    "/sitemap.xml", "/v1/articles", "/partners/reader/changes", "/healthz", "/metrics", "/nothing", "/robots.txt",
    "/favicon.svg", "/v1/openapi.json",
]  # fmt: skip
ADDRESS = "https://notes.example.org/articles/under-test"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("site"), SITE) as site:
        for name in ("safe", "gone"):
            site.publish(MARKDOWN.format(id=name), name=name)
        site.work()
        site.withdraw("gone")
        site.work()
        yield site


@pytest.fixture(scope="module")
def answers(site: Served) -> dict[str, Answer]:
    """The pages, fetched before the browser starts: it brings an event loop of its own to this thread."""
    return {path: get(site.app, path) for path in PAGES}


@pytest.fixture(scope="module")
def browser(answers: dict[str, Answer]) -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize("path", [*PAGES, *DOCUMENTS])
def test_every_response_says_what_it_is_and_what_it_may_do(site: Served, path: str) -> None:
    headers = get(site.app, path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("strict-origin", "no-referrer")
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors" in policy or path.endswith(".amp")  # AMP viewers frame their pages
    if path not in PAGES:
        assert policy == "default-src 'none'; frame-ancestors 'none'"


def test_a_page_that_has_not_changed_keeps_the_policy_that_it_was_stored_with(site: Served) -> None:
    tag = get(site.app, "/articles/safe").headers["etag"]
    again = get(site.app, "/articles/safe", if_none_match=tag)
    assert again.status == 304
    assert "content-security-policy" not in again.headers


def shown(browser: Browser, answer: Answer, body: bytes) -> tuple[str, str, list[str], list[str]]:
    """The page's title and font, what it asked the network for, and what the browser refused to do."""
    context = profile(browser)
    page, asked, refused = context.new_page(), [], []
    page.on("console", lambda message: refused.append(message.text))

    def respond(route: Route) -> None:
        if route.request.url == ADDRESS:
            route.fulfill(body=body, headers={**answer.headers, "content-length": str(len(body))})
        else:
            asked.append(route.request.url)
            route.abort()

    page.route("**/*", respond)
    page.goto(ADDRESS)
    font = str(page.evaluate("getComputedStyle(document.body).fontFamily"))
    title = page.title()
    context.close()
    return title, font, asked, [one for one in refused if "Content Security Policy" in one]


@pytest.mark.parametrize("path", ["/articles/safe", "/feeds"])
def test_a_page_shows_itself_whole(answers: dict[str, Answer], browser: Browser, path: str) -> None:
    answer = answers[path]
    _, font, asked, refused = shown(browser, answer, answer.body)
    assert "sans" in font
    assert refused == []
    assert all(one.endswith(("/a.png", "/favicon.ico", "/favicon.svg")) for one in asked)


def test_what_slipped_into_a_page_stays_dead(answers: dict[str, Answer], browser: Browser) -> None:
    answer = answers["/articles/safe"]
    evil = (
        b"<script>document.title = 'owned'</script><script src='https://evil.example/x.js'></script>"
        b"<img src=x onerror=\"document.title='owned'\"><iframe src='https://evil.example/'></iframe>"
        b"<style>body { font-family: cursive !important }</style><base href='https://evil.example/'></body>"
    )
    title, font, asked, refused = shown(browser, answer, answer.body.replace(b"</body>", evil))
    assert title.startswith("Is it safe?")
    assert "sans" in font
    assert not any("evil.example" in one for one in asked)
    assert len(refused) >= 4
