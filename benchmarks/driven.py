"""A clock that is driven, and an HTTP client that notes when each request was made by it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import msgspec

from pipeline.http import EgressGuard, Http, Response


class DrivenClock:
    """A clock that moves when it is told to, so that a pause takes no time."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


class Noted(msgspec.Struct, frozen=True):
    at: dt.datetime
    status: int
    size: int  # bytes of the body


class NotingHttp(Http):
    """Makes real requests, and notes each by its host and port."""

    def __init__(self, guard: EgressGuard, clock: DrivenClock) -> None:
        super().__init__(guard)
        self._clock = clock
        self.noted: defaultdict[str, list[Noted]] = defaultdict(list)

    def request(self, method: str, url: str, **given: Any) -> Response:
        response = super().request(method, url, **given)
        self._note(url, response, len(response.body))
        return response

    def download(self, url: str, file: BinaryIO, **given: Any) -> Response:
        response = super().download(url, file, **given)
        self._note(url, response, file.tell())
        return response

    def _note(self, url: str, response: Response, size: int) -> None:
        self.noted[urlsplit(url).netloc].append(Noted(self._clock.now, response.status, size))
