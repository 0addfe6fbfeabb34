"""The other end of an `indexnow` channel: an engine that checks the key's file and fetches the submitted pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from channel_harness import Received, Trouble
from endpoint_troubles import endpoint_troubles, local_http
from shown_on_site import publish, seen

from pipeline.errors import PermanentError
from pipeline.model.delivery import Parcel
from standins.announced import IndexNowEngine
from standins.endpoint import Endpoint, Reply
from standins.publisher import HOST, Publisher, fetch

KEY = "0123456789abcdef"


class IndexNowHarness:
    def __init__(self, site: Publisher, engine: IndexNowEngine, endpoint: Endpoint) -> None:
        self.http = local_http()
        self._site = site
        self._engine = engine
        self._endpoint = endpoint

    @property
    def settings(self) -> Mapping[str, object]:
        return {"key": KEY, "url": f"{self._endpoint.url}/indexnow", "total_timeout": 30}

    @property
    def bad_settings(self) -> Sequence[tuple[Mapping[str, object], str]]:
        return [
            ({}, "key"),
            ({"key": "hush"}, "key"),
            ({"key": "../../../etc/hush"}, "key"),
            ({"key": KEY, "url": "ftp://hush.example.org/"}, "url"),
            ({"key": KEY, "url": "https://me:hush@example.org/"}, "url"),
            ({"key": KEY, "key_location": "/hush.txt"}, "key_location"),
            ({"key": KEY, "total_timeout": 0}, "total_timeout"),
        ]

    @property
    def troubles(self) -> Sequence[Trouble]:
        private = {**self.settings, "url": "http://10.0.0.1/"}
        return [
            *endpoint_troubles(self._endpoint, self.settings, refused=Reply(422)),
            Trouble("in a private network", PermanentError, "egress-refused", settings=private),
        ]

    def shaped(self, one: Parcel) -> Parcel:
        """The site shows a revision before its channels are notified."""
        publish(self._site, one, one.rendition.body)
        return one

    def received(self, article_id: str) -> Received | None:
        return seen(self._engine.fetched.get(f"https://{HOST}/articles/{article_id}"))

    def touched(self) -> int:
        return len(self._engine.announced)


@contextmanager
def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[IndexNowHarness]:
    site = Publisher({f"/{KEY}.txt": Reply(200, KEY.encode(), "text/plain")})
    with site.serve() as public:
        engine = IndexNowEngine(lambda address: fetch(public, address))
        with engine.serve() as endpoint:
            harness = IndexNowHarness(site, engine, endpoint)
            yield harness
            harness.http.close()
