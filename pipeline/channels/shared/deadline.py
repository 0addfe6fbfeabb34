"""A time limit shared by all requests of one delivery."""

from __future__ import annotations

import datetime as dt
import time

from pipeline.errors import TransientError
from pipeline.http import Http, Limits

ANSWER_BYTES = 16_384  # bytes read of a response if only the status matters
_CONNECT, _READ = 5.0, 10.0  # seconds


class Deadline:
    """A deadline, `seconds` from now. A delivery is leased for 45 seconds, so channels allow 40 at most."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Return the seconds left. Raises TransientError (`timeout`) if there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TransientError("the delivery took too long", code="timeout")
        return left

    def check(self) -> None:
        """Raise TransientError (`timeout`) if the deadline has passed."""
        _ = self.left

    def limits(self, *, max_bytes: int = ANSWER_BYTES) -> Limits:
        """Return limits for the next request, within the time left. Longer bodies are cut."""
        left = self.left
        return Limits(
            connect=min(_CONNECT, left), read=min(_READ, left), total=left, max_bytes=max_bytes, truncate=True
        )


def probe(http: Http, url: str, limits: Limits) -> str:
    """Send OPTIONS, which changes nothing at the other end (RFC 9110, section 9.2.1), and return the status as text.

    Many endpoints accept only their own method, so 4xx and 501 just mean that the endpoint can be reached.
    """
    response = http.request("OPTIONS", url, limits=limits)
    if response.status == 410 or (response.status >= 500 and response.status != 501):
        response.raise_for_delivery(dt.datetime.now(dt.UTC))
    return f"{response.line} to OPTIONS"
