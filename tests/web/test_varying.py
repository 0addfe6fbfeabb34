"""Every response that may be compressed for another client has one `Vary` for caches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asgi import get
from served import SITE, Served, served

LONG = "---\nid: {id}\ntitle: Is it safe?\n---\n" + "Yes, it is. " * 200
PATHS = [
    "/articles/safe", "/articles/safe.md", "/articles/gone", "/articles/manifest.json", "/feeds", "/", "/articles",
    "/robots.txt", "/favicon.svg",
    "/feeds/latest.rss", "/sitemap-news.xml", "/v1/openapi.json",
]  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("site"), SITE) as site:
        for name in ("safe", "gone"):
            site.publish(LONG.format(id=name), name=name)
        site.work()
        site.withdraw("gone")
        site.work()
        yield site


@pytest.mark.parametrize("coding", ["gzip", "identity"])
@pytest.mark.parametrize("path", PATHS)
def test_a_response_says_once_that_it_varies(site: Served, path: str, coding: str) -> None:
    answer = get(site.app, path, accept_encoding=coding)
    assert answer.headers["vary"] == "Accept-Encoding"
    if tag := answer.headers.get("etag"):
        again = get(site.app, path, accept_encoding=coding, if_none_match=tag)
        assert (again.status, again.headers["vary"], again.headers["etag"]) == (304, "Accept-Encoding", tag)


def test_what_is_not_there_also_varies_by_what_the_client_reads(site: Served) -> None:
    for accept in ("text/html", "*/*"):
        assert get(site.app, "/articles/unknown", accept=accept).headers["vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize("path", ["/articles/safe", "/articles/gone"])
def test_the_tag_of_what_is_compressed_per_request_is_weak(site: Served, path: str) -> None:
    plain, zipped = (get(site.app, path, accept_encoding=coding) for coding in ("identity", "gzip"))
    assert plain.body != zipped.body
    assert plain.headers["etag"] == zipped.headers["etag"]
    assert plain.headers["etag"].startswith("W/")
