"""The other end of an `apple-news` channel: a stand-in that enforces Apple's rules."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from channel_harness import Received, Trouble
from endpoint_troubles import endpoint_troubles, local_http

from pipeline.errors import PermanentError
from pipeline.model.delivery import Parcel
from pipeline.model.rendition import Rendition
from standins.apple_news import AppleNews
from standins.endpoint import Endpoint, json_reply


class AppleNewsHarness:
    def __init__(self, apple: AppleNews, endpoint: Endpoint) -> None:
        self.http = local_http()
        self._apple = apple
        self._endpoint = endpoint

    @property
    def settings(self) -> Mapping[str, object]:
        return {
            "url": self._endpoint.url,
            "channel_id": self._apple.channel_id,
            "key_id": "env:APPLE_KEY",
            "secret": "env:APPLE_SECRET",
            "total_timeout": 30,
        }

    @property
    def bad_settings(self) -> Sequence[tuple[Mapping[str, object], str]]:
        good = {key: value for key, value in self.settings.items() if key != "url"}
        return [
            ({key: value for key, value in good.items() if key != "channel_id"}, "channel_id"),
            ({**good, "channel_id": "hush"}, "channel_id"),
            ({**good, "key_id": "hush"}, "key_id"),
            ({**good, "secret": "aHVzaA=="}, "secret"),
            ({**good, "secret": "env:NOT_SET"}, "secret"),
            ({**good, "secret": "env:NOT_BASE64"}, "secret"),
            ({**good, "url": "https://me:hush@news-api.apple.com"}, "url"),
            ({**good, "sections": ["hush"]}, "sections.0"),
            ({**good, "maturity_rating": "hush"}, "maturity_rating"),
            ({**good, "territories": ["hush"]}, "territories.0"),
            ({**good, "total_timeout": 41}, "total_timeout"),
        ]

    @property
    def troubles(self) -> Sequence[Trouble]:
        error = {"code": "INVALID_DOCUMENT", "keyPath": ["components", 1], "message": "no"}
        private = {**self.settings, "url": "http://10.0.0.1"}
        return [
            *endpoint_troubles(self._endpoint, self.settings, refused=json_reply(400, {"errors": [error]})),
            Trouble("in a private network", PermanentError, "egress-refused", settings=private),
        ]

    def shaped(self, one: Parcel) -> Parcel:
        """An article.json that Apple accepts, with the parcel's words as its only paragraph."""
        document = {
            "version": "1.14",
            "identifier": one.article_id,
            "language": "en",
            "title": f"{one.title} ({one.article_id})",  # Apple takes equal titles for duplicates
            "layout": {"columns": 7, "width": 1024},
            "components": [{"role": "body", "text": one.rendition.body.decode(), "format": "html"}],
            "metadata": {"excerpt": f"{one.revision} {one.event}"},
        }
        rendition = Rendition("apple-news", "application/json", json.dumps(document).encode())
        return replace(one, rendition=rendition, extension="apple-news")

    def expected(self, one: Parcel) -> Received | None:
        """Apple deletes what is withdrawn."""
        return None if one.event == "withdrawn" else Received(one.revision, one.event, one.rendition.body)

    def received(self, article_id: str) -> Received | None:
        article = self._apple.find(article_id)
        if article is None or article.metadata.get("isPreview"):
            return None
        revision, event = article.document["metadata"]["excerpt"].split()
        return Received(int(revision), event, article.body)

    def touched(self) -> int:
        return self._apple.changes


@contextmanager
def opened(folder: Path, monkeypatch: pytest.MonkeyPatch, **apple: Any) -> Iterator[AppleNewsHarness]:
    stand_in = AppleNews(**apple)
    monkeypatch.setenv("APPLE_KEY", stand_in.key_id)
    monkeypatch.setenv("APPLE_SECRET", stand_in.secret)
    monkeypatch.setenv("NOT_BASE64", "hush!")
    with stand_in.serve() as endpoint:
        harness = AppleNewsHarness(stand_in, endpoint)
        yield harness
        harness.http.close()
