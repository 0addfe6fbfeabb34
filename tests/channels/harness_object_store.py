"""The other end of an `object-store` channel: moto's S3 server, which honours If-Match and If-None-Match."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, cast

import object_stores
import pytest
from channel_harness import Received, Trouble, Way

from pipeline.errors import PermanentError, TransientError
from pipeline.http import EgressGuard, Http
from standins.receiver import Conduct, Receiver


class ObjectStoreHarness:
    steps: ClassVar = {"get", "put", "head", "delete"}  # obstore's
    unforkable = True  # obstore's threads do not survive a fork

    def __init__(self, bucket: object_stores.Bucket, broken: Receiver) -> None:
        self.http = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
        self._bucket, self._broken = bucket, broken

    @property
    def settings(self) -> Mapping[str, object]:
        return self._bucket.settings

    @property
    def bad_settings(self) -> Sequence[tuple[Mapping[str, object], str]]:
        good = self.settings
        return [
            ({}, "url"),
            ({**good, "url": "ftp://bucket"}, "url"),
            ({**good, "url": "s3:///path"}, "url"),
            ({**good, "url": "s3://me:hush@bucket/"}, "url"),
            ({**good, "url": "file://host/path"}, "url"),
            ({**good, "access_key_id": "hush"}, "access_key_id"),
            ({**good, "secret_access_key": "hush"}, "secret_access_key"),
            ({**good, "secret_access_key": "env:NOT_SET"}, "secret_access_key"),
            ({**good, "endpoint": "https://me:hush@store.example.org"}, "endpoint"),
            ({**good, "endpoint": "store.example.org"}, "endpoint"),
            ({**good, "region": "hush hush"}, "region"),
            ({**good, "on_withdrawal": "forget"}, "on_withdrawal"),
            ({**good, "cache_control": "a\r\nb: c"}, "cache_control"),
            ({**good, "content_type": "html"}, "content_type"),
            ({**good, "index": 5000}, "index"),
            ({**good, "total_timeout": 60}, "total_timeout"),
        ]

    @property
    def troubles(self) -> Sequence[Trouble]:
        private = {**self.settings, "endpoint": "http://10.0.0.1"}
        elsewhere = {**self.settings, "url": "s3://no-such-bucket/"}
        return [
            Trouble("in a private network", PermanentError, "egress-refused", settings=private),
            Trouble("no such bucket", PermanentError, "store-refused", settings=elsewhere),
            self._broken_by("refused", PermanentError, "store-refused", "refusal", status=403),
            self._broken_by("unknown key", PermanentError, "store-refused", "refusal", status=401),
            self._broken_by("bad request", PermanentError, "store-refused", "refusal", status=400),
            self._broken_by("unavailable", TransientError, "try-later", "other", status=503),
            self._broken_by("too much", TransientError, "try-later", "other", status=429),
            self._broken_by("hanging", TransientError, "timeout", "hang", mode="hang"),
            self._broken_by("dripping a head", TransientError, "timeout", "drip", mode="drip-head", seconds=0.02),
            self._broken_by("cut", TransientError, "connection-failed", "cut", mode="cut"),
            self._broken_by("garbage", TransientError, "bad-response", "garbage", mode="garbage"),
            self._broken_by("no store", TransientError, "bad-response", "garbage", status=200, body="hello"),
        ]

    def _broken_by(self, name: str, raises: type[Any], code: str, way: str, **conduct: Any) -> Trouble:
        def begin() -> None:
            self._broken.conduct(Conduct(**conduct))

        settings = {**self.settings, "endpoint": self._broken.url, "request_timeout": 0.4}
        return Trouble(name, raises, code, begin=begin, settings=settings, way=cast("Way", way))

    def received(self, article_id: str) -> Received | None:
        body = self._bucket.get(f"{article_id}.amp")
        if body is None:
            return None
        manifest = json.loads(self._bucket.get(f"manifest/{article_id}.amp.json") or b"")
        return Received(manifest["revision"], manifest["event"], body)

    def touched(self) -> int:
        return len(self._bucket.names())


@contextmanager
def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStoreHarness]:
    with Receiver() as broken:
        yield ObjectStoreHarness(object_stores.s3(folder, monkeypatch), broken)
