"""Rules that were once written in several places and did not agree: each has one place now."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from pipeline.feeds.listing import Listed, address
from pipeline.feeds.site_pages import front_page, subscribe_page, unknown_page
from pipeline.model.moment import rfc3339
from pipeline.model.rendition import content_type
from pipeline.model.site import Feed, Site
from pipeline.renditions import formats

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("pattern", "home"),
    [
        (r"media_type\}; charset", "pipeline/model/rendition.py"),
        (r'"\+00:00", "Z"', "pipeline/model/moment.py"),
        (r"%Y-%m-%dT", "pipeline/model/moment.py"),
        (r"= Environment\(|return Environment\(", "pipeline/renditions/parts/templates.py"),
    ],
)
def test_a_rule_is_written_in_one_place(pattern: str, home: str) -> None:
    sources = (path for room in ("pipeline", "workers", "config") for path in (ROOT / room).rglob("*.py"))
    found = {str(path.relative_to(ROOT)) for path in sources if re.search(pattern, path.read_text(encoding="utf-8"))}
    assert found <= {home}


@pytest.mark.parametrize(
    ("media_type", "header"),
    [
        ("text/html", "text/html; charset=utf-8"),
        ("application/rss+xml", "application/rss+xml; charset=utf-8"),
        ("application/xml", "application/xml; charset=utf-8"),
        ("application/feed+json", "application/feed+json"),
        ("application/json", "application/json"),
        ("image/png", "image/png"),
    ],
)
def test_text_names_its_encoding_and_nothing_else_does(media_type: str, header: str) -> None:
    assert content_type(media_type) == header


def test_every_format_is_json_or_names_its_encoding() -> None:
    for format in formats().values():
        assert format.media_type.endswith("json") or content_type(format.media_type).endswith("; charset=utf-8")


def test_a_moment_is_written_in_utc_and_whole_seconds() -> None:
    moment = dt.datetime(2026, 3, 1, 13, 0, 0, 999_999, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    assert rfc3339(moment) == "2026-03-01T12:00:00Z"


def test_no_page_of_the_site_holds_a_character_that_a_page_may_not() -> None:
    site = Site(title="No\x08tes \ud800& <b>", url="https://x.org", publisher="P", disclaimer="D")
    feed = Feed(id="latest", title="Latest\x00")
    listed = Listed(feed, (address(site, feed, format="rss", media_type="application/rss+xml", extension="rss"),))
    for made in (subscribe_page(site, [listed]), front_page(site, [], [listed]), unknown_page(site)):
        page = made.decode()
        assert "Notes &amp; &lt;b&gt;" in page
        assert not re.search(r"[\x00-\x08\ud800-\udfff]", page)
