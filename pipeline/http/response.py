"""An HTTP response, and what its status means for a delivery."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPHeaderDict

from pipeline.errors import EndpointGone, PermanentError, TransientError

LONGEST_RETRY_AFTER = 24 * 3600.0  # seconds: longer waits are shortened to a day
_EXCERPT = 200  # characters
_OPENING = 1024  # bytes
_TRANSIENT = frozenset({408, 425, 429})
_MARKUP = re.compile(r"<[^<>]{0,500}>")


@dataclass(frozen=True)
class Response:
    """A response of any status. `body` is decoded (gzip), and complete unless `truncated`."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)  # case-insensitive
    body: bytes = b""
    truncated: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.headers, HTTPHeaderDict):
            object.__setattr__(self, "headers", CaseInsensitiveDict(self.headers))

    @property
    def line(self) -> str:
        """Return the status as text, such as "429 Too Many Requests"."""
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)

    @property
    def excerpt(self) -> str:
        """Return the first line of the body that is not empty, without markup and cut to 200 characters, or ""."""
        text = _MARKUP.sub(" ", self.body[:4096].decode("utf-8", "replace"))
        lines = (" ".join("".join(c if c.isprintable() else " " for c in line).split()) for line in text.splitlines())
        return next((line[:_EXCERPT] for line in lines if line), "")

    @property
    def opening(self) -> str | None:
        """Return the first kilobyte of the body as text without control characters, or None if it is empty."""
        text = self.body[:_OPENING].decode("utf-8", "replace")
        return "".join(c if c.isprintable() or c in "\n\t" else " " for c in text).strip() or None

    def without(self, secrets: Iterable[bytes]) -> Response:
        """Return a copy with each of `secrets` in the body replaced by `[secret]`, so that it can be kept."""
        if not self.body:
            return self
        body = self.body
        for secret in sorted(secrets, key=len, reverse=True):
            body = body.replace(secret, b"[secret]")
        return replace(self, body=body)

    def retry_after(self, now: dt.datetime) -> float | None:
        """Return the Retry-After header in seconds from `now` (aware), limited to a day, or None if there is none.

        RFC 9110, section 10.2.3: a number of seconds, or a date in any of the three forms of section 5.6.7.
        """
        value = self.headers.get("retry-after", "").strip()
        if re.fullmatch(r"[0-9]+", value):
            seconds = float(value[:20])  # avoids parsing an absurdly long number
        elif (moment := _http_date(value)) is not None:
            seconds = (moment - now).total_seconds()
        else:
            return None
        return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)

    def clock_difference(self, now: dt.datetime) -> float | None:
        """Return the seconds by which `now` is ahead of the server's Date header, or None without a valid one."""
        moment = _http_date(self.headers.get("date", "").strip())
        return None if moment is None else (now - moment).total_seconds()

    def raise_for_delivery(self, now: dt.datetime) -> None:
        """Raise TransientError for 408, 425, 429 and 5xx, EndpointGone for 410, PermanentError for any other non-2xx.

        Redirects are permanent errors too: a signed article is not sent to an address that was not configured.
        """
        if 200 <= self.status < 300:
            return
        message = f"{self.line}: {self.excerpt}" if self.excerpt else self.line
        facts: dict[str, Any] = {"status": self.status, "answer": self.opening}
        if self.status in _TRANSIENT or self.status >= 500:
            raise TransientError(message, retry_after=self.retry_after(now), code="try-later", **facts)
        if self.status == HTTPStatus.GONE:
            raise EndpointGone(message, **facts)
        if 300 <= self.status < 400:
            raise PermanentError(f"{message} (redirects are not followed)", code="redirected", **facts)
        raise PermanentError(message, **facts)


def _http_date(value: str) -> dt.datetime | None:
    try:
        moment = parsedate_to_datetime(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    except (ValueError, TypeError, IndexError, OverflowError):  # email.utils raises any of these for malformed dates
        return None
