"""After a restore the site shows nothing: what was withdrawn since the backup must not come back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from asgi import get
from fastapi import FastAPI
from served import SITE, Served, served

from pipeline.errors import ConfigError
from pipeline.web.app import create_app

SHOWN = [
    "/articles/safe", "/articles/safe.evidence.json", "/articles/manifest.json", "/feeds/latest.rss",
    "/feeds/latest/archive/1.rss", "/feeds", "/feeds.opml", "/sitemap.xml", "/sitemaps/1.xml", "/sitemap-news.xml",
    "/", "/articles", "/robots.txt", "/evidence/changes.atom", "/references/1", "/partners/reader/changes",
]  # fmt: skip
HELD = ConfigError("the ledger was restored", code="ledger-restored")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("site"), SITE) as site:
        site.publish("---\nid: safe\ntitle: Is it safe?\n---\nYes.\n", name="safe")
        site.work()
        yield site


@pytest.fixture
def held(site: Served) -> FastAPI:
    return create_app(replace(site.context, hold=lambda: HELD), alive=list)


@pytest.mark.parametrize("path", SHOWN)
def test_nothing_is_shown_until_an_operator_says_so(held: FastAPI, path: str) -> None:
    answer = get(held, path)
    assert (answer.status, answer.code) == (503, "ledger-restored")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_what_operators_read_is_answered(held: FastAPI, path: str) -> None:
    assert get(held, path).status == 200
