"""A client of the Apple News API (developer.apple.com/documentation/applenewsapi): signed requests and answers."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from pipeline.channels.shared.deadline import Deadline
from pipeline.errors import ConfigError, TransientError
from pipeline.http import Http, Response
from pipeline.model.moment import rfc3339

_LARGEST = 8_000_000  # bytes: an answer includes the article
_EXCERPT = 300  # characters of Apple's text in a message


@dataclass(frozen=True)
class Part:
    """One part of a multipart request. Metadata have no file name."""

    name: str
    body: bytes
    filename: str | None = None


@dataclass(frozen=True)
class Answer:
    response: Response
    content: Mapping[str, Any]  # empty if the body is not a JSON object

    @property
    def ok(self) -> bool:
        return 200 <= self.response.status < 300

    @property
    def data(self) -> Mapping[str, Any]:
        return _mapping(self.content.get("data"))

    @property
    def ids(self) -> list[str]:
        """Return the ids of a page of articles."""
        return [id for one in _mappings(self.content.get("data")) if isinstance(id := one.get("id"), str)]

    @property
    def next_page(self) -> str | None:
        """Return what leads to the page after this one, or None if it is the last."""
        token = _mapping(self.content.get("meta")).get("nextPageToken")
        return token if isinstance(token, str) and token else None

    def text(self, name: str) -> str | None:
        """Return a string of `data`, or None if it is missing, empty or not a string."""
        value = self.data.get(name)
        return value if isinstance(value, str) and value else None

    def error(self, code: str) -> Mapping[str, Any] | None:
        """Return the error with this code, if the answer contains one."""
        return next((one for one in _mappings(self.content.get("errors")) if one.get("code") == code), None)

    @property
    def warnings(self) -> list[str]:
        return [_described(one) for one in _mappings(self.data.get("warnings"))]

    def refuse(self, now: dt.datetime) -> None:
        """Raise as `Response.raise_for_delivery` does, with Apple's error messages; return for 2xx."""
        errors = "; ".join(_described(one) for one in _mappings(self.content.get("errors")))
        body = errors[:_EXCERPT].encode() or self.response.body
        dataclasses.replace(self.response, body=body).raise_for_delivery(now)

    def required(self, name: str) -> str:
        """Return a string of `data`. Raises TransientError (`bad-response`) if it is missing."""
        value = self.text(name)
        if value is None:
            raise TransientError(
                f"Apple News answered {self.response.line} without {name!r}",
                status=self.response.status,
                code="bad-response",
            )
        return value


class AppleNewsApi:
    """The API. `base`: its address without a trailing slash; `secret`: the decoded secret of the key."""

    def __init__(self, http: Http, base: str, key_id: str, secret: bytes) -> None:
        self._http = http
        self._base = base
        self._key_id = key_id
        self._secret = secret

    def call(
        self, method: str, path: str, parts: Sequence[Part] = (), *, at: dt.datetime, deadline: Deadline
    ) -> Answer:
        """Send a request, and return the answer whatever its status. Raises as `Http.request`."""
        url = self._base + path
        content_type, body = multipart(parts) if parts else ("", b"")
        headers = {"accept": "application/json"} | ({"content-type": content_type} if body else {})
        headers["authorization"] = authorization(method, url, at, content_type, body, self._key_id, self._secret)
        limits = deadline.limits(max_bytes=_LARGEST)
        response = self._http.request(method, url, headers=headers, body=body or None, limits=limits)
        return Answer(response, _json_object(response.body))


def authorization(
    method: str, url: str, at: dt.datetime, content_type: str, body: bytes, key_id: str, secret: bytes
) -> str:
    """Return the header (Apple, "About the News Security Model"): an HMAC over method, address, date, type and body."""
    date = rfc3339(at)
    canonical = f"{method}{url}{date}{content_type}".encode() + body
    signature = base64.b64encode(hmac.digest(secret, canonical, "sha256")).decode()
    return f'HHMAC; key="{key_id}"; signature="{signature}"; date="{date}"'


def signing_secret(text: str) -> bytes:
    """Decode a secret as provided by Apple. Raises ConfigError."""
    try:
        secret = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not secret:
        raise ConfigError("the secret is not base64: copy it from News Publisher unchanged", key="secret")
    return secret


def multipart(parts: Sequence[Part]) -> tuple[str, bytes]:
    """Return media type and body (RFC 7578). The boundary is derived from the parts, so the bytes are deterministic."""
    boundary = "citewire-" + hashlib.sha256(b"\0".join(part.body for part in parts)).hexdigest()[:40]
    lines: list[bytes] = []
    for part in parts:
        filename = f"; filename={part.filename}" if part.filename else ""
        lines += [
            f"--{boundary}".encode(),
            b"Content-Type: application/json",
            f"Content-Disposition: form-data; name={part.name}{filename}".encode(),
            b"",
            part.body,
        ]
    return f"multipart/form-data; boundary={boundary}", b"\r\n".join([*lines, f"--{boundary}--".encode(), b""])


def _described(error: Mapping[str, Any]) -> str:
    """Return an error or warning as text, such as "INVALID_DOCUMENT at components.1.layout: …"."""
    path = error.get("keyPath")
    place = f" at {'.'.join(map(str, path))}" if isinstance(path, list) and path else ""
    more = error.get("message") or error.get("value")
    text_of_error = f"{error.get('code', '')}{place}{f': {more}' if more else ''}"
    return " ".join(text_of_error.split())


def _json_object(body: bytes) -> Mapping[str, Any]:
    try:
        return _mapping(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
