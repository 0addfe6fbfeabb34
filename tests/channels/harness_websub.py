"""The other end of a `websub` channel: a public hub that fetches the announced feeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from channel_harness import Received, Trouble
from endpoint_troubles import endpoint_troubles, local_http
from shown_on_site import publish, seen_in_feed

from pipeline.errors import PermanentError
from pipeline.model.delivery import Parcel
from standins.announced import PublicHub
from standins.endpoint import Endpoint, Reply
from standins.publisher import HOST, Publisher, fetch


class WebSubHarness:
    def __init__(self, site: Publisher, hub: PublicHub, endpoint: Endpoint) -> None:
        self.http = local_http()
        self._site = site
        self._hub = hub
        self._endpoint = endpoint

    @property
    def settings(self) -> Mapping[str, object]:
        return {"hub": f"{self._endpoint.url}/hub", "total_timeout": 30}

    @property
    def bad_settings(self) -> Sequence[tuple[Mapping[str, object], str]]:
        return [
            ({}, "hub"),
            ({"hub": []}, "hub"),
            ({"hub": "hush"}, "hub.0"),
            ({"hub": ["https://hub.example.org/", "https://me:hush@example.org/"]}, "hub.1"),
            ({"hub": 5}, "hub"),
            ({"hub": "https://hub.example.org/", "total_timeout": 41}, "total_timeout"),
        ]

    @property
    def troubles(self) -> Sequence[Trouble]:
        return [
            *endpoint_troubles(self._endpoint, self.settings, refused=Reply(400, b"no such feed", "text/plain")),
            Trouble("in a private network", PermanentError, "egress-refused", settings={"hub": "http://10.0.0.1/"}),
        ]

    def shaped(self, one: Parcel) -> Parcel:
        """The feeds contain a revision before their channels are notified."""
        publish(self._site, one, one.rendition.body)
        return one

    def received(self, article_id: str) -> Received | None:
        return seen_in_feed(self._hub.fetched.get(f"https://{HOST}/feeds/latest.rss"), article_id)

    def touched(self) -> int:
        return len(self._hub.announced)


@contextmanager
def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebSubHarness]:
    site = Publisher()
    with site.serve() as public:
        hub = PublicHub(lambda address: fetch(public, address))
        with hub.serve() as endpoint:
            harness = WebSubHarness(site, hub, endpoint)
            yield harness
            harness.http.close()
