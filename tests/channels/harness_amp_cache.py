"""The other end of an `amp-cache` channel: a cache that checks signatures and keeps what it has until it is flushed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from channel_harness import Received, Trouble
from endpoint_troubles import endpoint_troubles, local_http
from made_keys import pem_of, rsa_key
from shown_on_site import publish, seen

from pipeline.channels.amp_cache import CHANNEL, PUBLIC_KEY
from pipeline.channels.shared.settings import read_settings
from pipeline.errors import PermanentError, TransientError
from pipeline.model.delivery import Parcel
from pipeline.model.rendition import Rendition
from standins.amp_cache import AmpCache
from standins.endpoint import Endpoint, Reply
from standins.publisher import HOST, Publisher, fetch

SUBDOMAIN = "notes-example-org"


class AmpCacheHarness:
    def __init__(self, site: Publisher, cache: AmpCache, endpoint: Endpoint) -> None:
        self.http = local_http()
        self.cache = cache
        self.site = site
        self._endpoint = endpoint

    @property
    def settings(self) -> Mapping[str, object]:
        caches = [{"id": "stand-in", "address": f"{self._endpoint.url}/{{subdomain}}"}]
        return {"key": "env:AMP_KEY", "caches": caches, "total_timeout": 30}

    @property
    def bad_settings(self) -> Sequence[tuple[Mapping[str, object], str]]:
        good = {"key": "env:AMP_KEY"}
        return [
            ({}, "key"),
            ({"key": "-----BEGIN PRIVATE KEY-----hush"}, "key"),
            ({"key": "env:NOT_SET"}, "key"),
            ({"key": "env:NOT_PEM"}, "key"),
            ({"key": "env:SMALL_KEY"}, "key"),
            ({**good, "caches": []}, "caches"),
            ({**good, "caches": [{"id": "x", "address": "hush"}]}, "caches.x.address"),
            ({**good, "caches": [{"id": "x", "address": "https://{hush}.example.org"}]}, "caches.x.address"),
            ({**good, "caches_url": "hush"}, "caches_url"),
            ({**good, "total_timeout": 41}, "total_timeout"),
        ]

    @property
    def troubles(self) -> Sequence[Trouble]:
        def stale() -> None:
            self.cache.stubborn = 1
            self.cache.copies[f"{HOST}/articles/in-trouble.amp"] = Reply(200, b"<p>What it said before.", "text/html")

        def renew() -> None:
            self.cache.stubborn = 0

        forbidden = Reply(403, b"the signature does not fit", "text/plain")
        private = {**self.settings, "caches": [{"id": "x", "address": "http://10.0.0.1/{subdomain}"}]}
        return [
            Trouble("stale after all", TransientError, "cache-stale", begin=stale, end=renew),
            *endpoint_troubles(self._endpoint, self.settings, refused=forbidden),
            Trouble("in a private network", PermanentError, "egress-refused", settings=private),
        ]

    def shaped(self, one: Parcel) -> Parcel:
        """An AMP page that the site shows before the cache is notified; the withdrawn one answers 410."""
        moment = f"2026-01-01T00:00:{one.revision:02}Z"
        head = f'<meta property="article:modified_time" content="{moment}">' if one.event != "withdrawn" else ""
        page = f"<!doctype html><html amp><head>{head}</head><body>{one.rendition.body.decode()}</body></html>".encode()
        publish(self.site, one, page)
        item = {"date_modified": moment}
        if one.event == "withdrawn":
            item["content_text"] = re.sub(r"<[^<>]*>", " ", one.rendition.body.decode())
        also = Rendition("json-feed", "application/feed+json", json.dumps({"items": [item]}).encode())
        return replace(one, rendition=Rendition("amp", "text/html", page), also={"json-feed": also})

    def expected(self, one: Parcel) -> Received | None:
        """A cache holds nothing of what answers 410."""
        return None if one.event == "withdrawn" else Received(one.revision, one.event, one.rendition.body)

    def received(self, article_id: str) -> Received | None:
        """As a reader finds it there, which also makes the cache fetch it: from then on it may be stale."""
        path = f"{HOST}/articles/{article_id}.amp"
        self.http.request("GET", f"{self._endpoint.url}/{SUBDOMAIN}/c/s/{path}")
        return seen(self.cache.copies.get(path))

    def touched(self) -> int:
        return self.cache.flushes


@contextmanager
def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AmpCacheHarness]:
    monkeypatch.setenv("AMP_KEY", pem_of(rsa_key()))
    monkeypatch.setenv("SMALL_KEY", pem_of(rsa_key(1024)))
    monkeypatch.setenv("NOT_PEM", "hush")
    assert CHANNEL.well_known is not None
    served = CHANNEL.well_known(read_settings(CHANNEL, {"key": "env:AMP_KEY"}, prefix="channels.x"))[PUBLIC_KEY]()
    site = Publisher({PUBLIC_KEY: Reply(200, served.body, served.media_type)})
    with site.serve() as public:
        cache = AmpCache(lambda address: fetch(public, address), {HOST: SUBDOMAIN})
        with cache.serve() as endpoint:
            harness = AmpCacheHarness(site, cache, endpoint)
            yield harness
            harness.http.close()
