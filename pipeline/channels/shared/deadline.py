"""The time that one delivery may take, shared by all its requests."""

from __future__ import annotations

import datetime as dt
import time

from pipeline.errors import TransientError
from pipeline.http import Http, Limits

ANSWER_BYTES = 16_384  # of an answer that counts by its status alone
_CONNECT, _READ = 5.0, 10.0  # seconds


class Deadline:
    """`seconds` from now on. A delivery is leased for 45, so no channel's whole may be longer than 40."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds. Raises TransientError (`timeout`) where there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TransientError("the time for one delivery is used up", code="timeout")
        return left

    def limits(self, *, max_bytes: int = ANSWER_BYTES) -> Limits:
        """For the next request: at most what is left. Longer answers are cut."""
        left = self.left
        return Limits(
            connect=min(_CONNECT, left), read=min(_READ, left), total=left, max_bytes=max_bytes, truncate=True
        )


def probe(http: Http, url: str, seconds: float) -> str:
    """Whether anybody is there: OPTIONS changes nothing at the other end (RFC 9110, section 9.2.1).

    Many endpoints take nothing but their own method, so 4xx and 501 say no more than that they can be reached.
    """
    response = http.request("OPTIONS", url, limits=Deadline(seconds).limits())
    if response.status == 410 or (response.status >= 500 and response.status != 501):
        response.raise_for_delivery(dt.datetime.now(dt.UTC))
    return f"{response.line} to OPTIONS"
