"""Archive pages, summaries and partners' feeds before the judges of their formats."""

from __future__ import annotations

import json

import pytest
from articles import FEED, SAMPLE, SITE, WITHDRAWAL, revision_of
from judges.of_formats import findings
from msgspec import structs

from pipeline.model.article import Article
from pipeline.model.rendition import SUBSCRIPTION, Format, Page
from pipeline.model.site import Feed
from pipeline.renditions import formats

OTHER = revision_of(Article(id="other", title="Another one", answer="Yes."))
PAGED = [format for format in formats().values() if format.page is not None]
FEEDS = [
    FEED,
    structs.replace(FEED, content="summary"),
    *(structs.replace(FEED, profile=profile) for profile in ("msn", "smartnews", "flipboard")),
]


@pytest.mark.parametrize("format", PAGED, ids=lambda one: one.name)
@pytest.mark.parametrize("page", [SUBSCRIPTION, Page(None, 3), Page(1), Page(3, 2)], ids=str)
def test_no_judge_objects_to_a_page(format: Format, page: Page) -> None:
    assert format.page is not None
    for feed in FEEDS:
        for entries in ([SAMPLE, OTHER], [WITHDRAWAL, OTHER], [WITHDRAWAL], []):
            assert findings(format.name, format.page(feed, entries, SITE, page)) == []


def test_a_summary_holds_the_answer_and_nothing_else_of_the_text() -> None:
    short: Feed = structs.replace(FEED, content="summary")
    for format in PAGED:
        assert format.page is not None
        body = format.page(short, [SAMPLE], SITE, SUBSCRIPTION)
        assert b"Daily stretching" in body and b"What it is" not in body
    page = formats()["json-feed"].page
    assert page is not None
    (item,) = json.loads(page(short, [SAMPLE], SITE, SUBSCRIPTION))["items"]
    assert item["content_text"] == SAMPLE.article.answer


def test_a_site_without_hubs_announces_its_own_in_what_can_be_subscribed_to() -> None:
    site = structs.replace(SITE, hubs=(), public_url="https://feeds.example.org")
    for format in PAGED:
        assert format.page is not None
        assert b"https://feeds.example.org/hub" in format.page(FEED, [SAMPLE], site, SUBSCRIPTION)
        assert b"/hub" not in format.page(FEED, [SAMPLE], site, Page(1))
