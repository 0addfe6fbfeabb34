"""Feeds over HTTP: conditions, ranges, compressed forms, and what belongs into the headers."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
import json
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import pytest
from asgi import Answer, get, send
from bench import article
from fastapi import FastAPI
from feed_bench import FeedBench
from lxml import etree

from pipeline.ledger import Ledger
from pipeline.model.site import Feed
from pipeline.renditions import formats
from pipeline.web.app import create_app
from pipeline.web.public.files import codings

Stored = tuple[FeedBench, Path]


@pytest.fixture(scope="session")
def app(stored: Stored) -> FastAPI:
    return create_app(stored[0].context, alive=list)


def _head(app: FastAPI, path: str, **headers: str) -> Answer:
    return asyncio.run(send(app, "HEAD", path, headers=headers))


def test_a_feed_says_all_that_a_reader_or_a_cache_must_know(app: FastAPI, stored: Stored) -> None:
    answer = get(app, "/feeds/latest.atom")
    on_disk = (stored[1] / "public/feeds/latest.atom").read_bytes()
    assert (answer.status, answer.body) == (200, on_disk)
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert answer.headers["link"] == (
        '<https://notes.example.org/feeds/latest.atom>; rel="self", <https://notes.example.org/hub>; rel="hub"'
    )
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-length"] == str(len(on_disk))


def test_who_has_it_is_sent_nothing(app: FastAPI) -> None:
    files = ("/feeds/latest.rss", "/feeds/latest/archive/1.json", "/sitemap.xml")
    for path in (*files, "/feeds.opml", "/sitemap-news.xml"):
        first = get(app, path)
        assert first.status == 200, path
        tagged = get(app, path, if_none_match=first.headers["etag"])
        assert (tagged.status, tagged.body) == (304, b""), path
        assert tagged.headers["etag"] == first.headers["etag"]
        assert get(app, path, if_none_match='"another"').status == 200
    dated = get(app, "/feeds/latest.rss", if_modified_since=get(app, "/feeds/latest.rss").headers["last-modified"])
    assert (dated.status, dated.body) == (304, b"")
    assert get(app, "/feeds/latest.rss", if_modified_since="Sat, 28 Feb 2026 12:00:00 GMT").status == 200


def test_compressed_forms_are_the_same_document_under_tags_of_their_own(app: FastAPI) -> None:
    plain = get(app, "/feeds/latest.json")
    zipped = get(app, "/feeds/latest.json", accept_encoding="gzip")
    smaller = get(app, "/feeds/latest.json", accept_encoding="gzip, br;q=0.9")
    assert zipped.headers["content-encoding"] == "gzip" and gzip.decompress(zipped.body) == plain.body
    assert smaller.headers["content-encoding"] == "br" and brotli.decompress(smaller.body) == plain.body
    assert len({one.headers["etag"] for one in (plain, zipped, smaller)}) == 3
    assert get(app, "/feeds/latest.json", accept_encoding="gzip", if_none_match=zipped.headers["etag"]).status == 304
    assert not any(one.headers["etag"].startswith("W/") for one in (plain, zipped, smaller))


@pytest.mark.parametrize(
    ("accepted", "used"),
    [
        ("gzip, deflate, br", ["br", "gzip"]),
        ("", []),
        ("identity", []),
        ("*", ["br", "gzip"]),
        ("gzip;q=0, br;q=0", []),
        ("*;q=0, gzip", ["gzip"]),
        ("GZIP ; q=0.5", ["gzip"]),
        ("gzip;q=nonsense", []),
    ],
)
def test_what_may_be_sent_is_what_was_asked_for(accepted: str, used: list[str]) -> None:
    assert codings(accepted) == used


def test_a_client_that_refuses_gzip_by_weight_is_sent_the_plain_form(app: FastAPI) -> None:
    answer = get(app, "/feeds/latest.rss", accept_encoding="gzip;q=0")
    assert "content-encoding" not in answer.headers
    assert answer.body.startswith(b"<?xml")


@pytest.mark.parametrize(
    ("asked", "start", "end"), [("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-7", -7, None)]
)
def test_a_part_is_sent_where_one_is_asked_for(app: FastAPI, asked: str, start: int, end: int | None) -> None:
    whole = get(app, "/feeds/latest.atom")
    part = get(app, "/feeds/latest.atom", range=asked, if_range=whole.headers["etag"])
    assert (part.status, part.body) == (206, whole.body[start:end])
    assert part.headers["content-range"].endswith(f"/{len(whole.body)}")
    assert part.headers["content-length"] == str(len(part.body))


def test_a_part_of_what_has_changed_is_the_whole(app: FastAPI) -> None:
    assert get(app, "/feeds/latest.atom", range="bytes=0-9", if_range='"older"').status == 200
    assert get(app, "/feeds/latest.atom", range="bytes=0-9,20-29").status == 200
    assert get(app, "/feeds/latest.atom", range="lines=0-9").status == 200
    assert get(app, "/feeds/latest.atom", range="bytes=9-0").status == 200


def test_a_part_beyond_the_end_is_refused_with_the_size(app: FastAPI) -> None:
    size = len(get(app, "/feeds/latest.atom").body)
    answer = get(app, "/feeds/latest.atom", range=f"bytes={size}-")
    assert (answer.status, answer.headers["content-range"]) == (416, f"bytes */{size}")


def test_head_is_get_without_a_body(app: FastAPI) -> None:
    for path in ("/feeds/latest.rss", "/feeds/latest/archive/2.atom", "/sitemap.xml"):
        got, head = get(app, path), _head(app, path)
        assert (head.status, head.body) == (200, b"")
        assert head.headers == got.headers


def test_pages_of_other_sites_may_ask_with_conditions(app: FastAPI) -> None:
    answer = asyncio.run(send(app, "OPTIONS", "/feeds/latest.json", headers={"origin": "https://reader.example"}))
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "If-None-Match" in answer.headers["access-control-allow-headers"]


def test_the_page_after_the_newest_leads_to_the_subscription_document(app: FastAPI) -> None:
    after = get(app, "/feeds/latest/archive/3.atom")
    assert (after.status, after.headers["location"]) == (307, "https://notes.example.org/feeds/latest.atom")
    assert get(app, "/feeds/latest/archive/4.atom").code == "unknown-page"


@pytest.mark.parametrize(
    "path",
    [
        "/feeds/none.rss", "/feeds/latest.exe", "/feeds/latest", "/feeds/..%2flatest.rss", "/feeds/none/archive/1.rss",
        "/feeds/latest/archive/0.rss", "/feeds/latest/archive/01.rss", "/feeds/latest/archive/-1.rss",
        "/feeds/latest/archive/9999999999999999999.rss", "/feeds/latest/archive/..%2f..%2flatest.rss",
        "/feeds/latest/archive/²..rss", "/sitemaps/2.xml", "/sitemaps/x.xml", "/feeds/:sitemap.rss",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found(app: FastAPI, path: str) -> None:
    answer = get(app, path)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_document_that_the_store_has_lost_is_built_again(quick: Ledger) -> None:
    bench = FeedBench(quick, Feed(id="latest", title="Latest", size=2))
    bench.publish_many(0, 1, 2)
    bench.build()
    app = create_app(bench.context, alive=list)
    before = bench.snapshot()
    bench.store.files.clear()
    for path in ("/feeds/latest.rss", "/feeds/latest/archive/1.rss", "/sitemap.xml"):
        answer = get(app, path)
        assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    bench.build()
    for path in ("/feeds/latest.rss", "/feeds/latest/archive/1.rss", "/sitemap.xml"):
        assert get(app, path).body == before[f"public{path}"]


def test_what_was_withdrawn_is_gone_with_its_tombstone(quick: Ledger) -> None:
    bench = FeedBench(quick, Feed(id="latest", title="Latest"))
    bench.publish(article("wrong"))
    bench.build()
    bench.withdraw("wrong", reason="The dose was wrong.")
    answer = get(create_app(bench.context, alive=list), "/articles/wrong.atom")
    assert answer.status == 410
    assert b"deleted-entry" in answer.body and b"The dose was wrong." in answer.body


def test_a_format_that_is_newer_than_an_article_is_made_when_it_is_first_asked_for(quick: Ledger) -> None:
    bench = FeedBench(quick, Feed(id="latest", title="Latest"))
    bench.publish(article("older", text="Stretch each day."))
    bench.build()
    newer = formats()["markdown"]
    assert newer.name not in bench.context.formats, "it was rendered without it"
    assert get(create_app(bench.context, alive=list), "/articles/older.md").status == 404
    context = dataclasses.replace(bench.context, formats={**bench.context.formats, newer.name: newer})
    app = create_app(context, alive=list)
    answer = get(app, "/articles/older.md")
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, "text/markdown")
    assert b"Stretch each day." in answer.body
    assert get(app, "/articles/older.md", **{"if-none-match": answer.headers["etag"]}).status == 304
    bench.withdraw("older", reason="It was wrong.")
    assert get(app, "/articles/older.md").status == 410
    assert get(app, "/articles/never.md").status == 404


# --- the lists ----------------------------------------------------------------------------------------------------


def test_every_feed_is_in_the_opml_and_on_the_page(app: FastAPI) -> None:
    outlines = etree.fromstring(get(app, "/feeds.opml").body).findall("body/outline")
    assert [(one.get("text"), one.get("xmlUrl")) for one in outlines] == [
        ("Latest", "https://notes.example.org/feeds/latest.atom"),
        ("Notes & more", "https://notes.example.org/feeds/notes.atom"),
    ]
    page = get(app, "/feeds")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    links = etree.fromstring(page.body, etree.HTMLParser()).xpath("//dd/a/@href")
    assert len(links) == len(set(links)) == 8
    assert json.dumps("https://notes.example.org/feeds/notes.json")[1:-1] in links
