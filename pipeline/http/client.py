"""The one way out over HTTP: limited in time and size, guarded, and silent about secrets."""

from __future__ import annotations

import functools
import logging
import os
import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from urllib.parse import SplitResult, urlsplit

import requests
import urllib3.exceptions as u3
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from pipeline.errors import CitewireError, PermanentError, TransientError
from pipeline.http.connection import Gate, GuardedAdapter, tls_context
from pipeline.http.egress import EgressGuard
from pipeline.http.response import Response

# RFC 9110, sections 5.1 and 5.5, without the obsolete bytes beyond ASCII.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"([!-~]([\t -~]*[!-~])?)?")

USER_AGENT = "citewire/0.1"

# urllib3 writes paths and query strings at DEBUG, and partners put tokens there.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


@dataclass(frozen=True)
class Limits:
    """Seconds to connect (name and TCP), to wait for the next byte, and for the whole; bytes of the decoded body.

    `truncate`: a longer body is cut there instead of refused, for callers that want the status.
    """

    connect: float = 5.0
    read: float = 10.0
    total: float = 20.0
    max_bytes: int = 10_000_000
    truncate: bool = False


class Http:
    """Kept-alive connections for each thread of each process; safe to share between threads and across a fork.

    The environment's proxies, .netrc and certificates are not looked at. No cookies are kept.
    `about`: an address that tells the other side who calls, for the User-Agent.
    `ca_file`: the certificate authorities to trust (PEM); None for Mozilla's, as requests ships them.
    """

    def __init__(self, guard: EgressGuard, *, about: str | None = None, ca_file: str | None = None) -> None:
        self.guard = guard
        agent = f"{USER_AGENT} (+{about})" if about else USER_AGENT
        self._headers = {"User-Agent": agent, "Accept-Encoding": "gzip"}
        self._ca_file = ca_file
        self._local = threading.local()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limits: Limits = Limits(),
    ) -> Response:
        """One request, sent once at most, and its answer of whatever status; a redirect is an answer too.

        Raises TransientError (`connection-failed`, `name-not-resolved`, `tls-failed`, `timeout`, `bad-response`) and
        PermanentError (`egress-refused`, `invalid-url`, `invalid-request`, `response-too-large`). Messages name the
        host and nothing else of the address.
        """
        origin = _origin(url)
        adapter, gate = self._connections()
        gate.connect, gate.read, gate.deadline = limits.connect, limits.read, time.monotonic() + limits.total
        request = _prepared(method, url, {**self._headers, **(headers or {})}, body, origin)
        try:
            with adapter.send(request, stream=True, timeout=(limits.connect, limits.read)) as answer:
                content = answer.raw.read(limits.max_bytes + 1, decode_content=True)
                if whole := len(content) <= limits.max_bytes:
                    answer.raw.release_conn()
                elif not limits.truncate:
                    raise PermanentError(
                        f"{origin} answered with more than {limits.max_bytes} bytes",
                        status=answer.status_code,
                        code="response-too-large",
                    )
                return Response(answer.status_code, answer.headers, content[: limits.max_bytes], truncated=not whole)
        except (requests.RequestException, u3.HTTPError, HTTPException, OSError) as error:
            raise _failure(error, origin, limits) from error

    def close(self) -> None:
        """Closes this thread's connections; those of other threads close with their threads."""
        if self._local.__dict__.get("pid") == os.getpid():
            self._local.adapter.close()
        self._local.__dict__.clear()

    @functools.cached_property
    def _tls(self) -> ssl.SSLContext:
        return tls_context(self._ca_file or DEFAULT_CA_BUNDLE_PATH)

    def _connections(self) -> tuple[GuardedAdapter, Gate]:
        """requests' adapter without its Session, which would look into the environment (proxies, .netrc), keep
        cookies, and read the body of a redirect without a limit.
        """
        local = self._local
        if getattr(local, "pid", None) != os.getpid():  # new thread, or forked: a connection has one owner
            gate = Gate(self.guard)
            local.pid, local.adapter, local.gate = os.getpid(), GuardedAdapter(gate, self._tls), gate
        return local.adapter, local.gate


def _origin(url: str) -> str:
    """`https://host:port`, all of an address that may stand in a message. Raises PermanentError (`invalid-url`)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise PermanentError("the address cannot be understood", code="invalid-url") from error
    if problem := _problem(url, parts):
        raise PermanentError(f"the address {problem}", code="invalid-url")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}"


def _problem(url: str, parts: SplitResult) -> str | None:
    if parts.scheme not in ("http", "https"):
        return "must start with https:// or http://"
    if parts.username is not None or parts.password is not None:
        return "must hold no user name or password (the channel's own settings take them)"
    if not parts.hostname:
        return "names no host"
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in url):
        return "holds white space, a control character or a backslash"
    return None


def _prepared(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    origin: str,
) -> requests.PreparedRequest:
    request = requests.PreparedRequest()
    for name, value in headers.items():
        if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
            raise PermanentError(f"{origin}: the header {name!r} cannot be sent", code="invalid-request")
    try:
        request.prepare_method(method)
        request.prepare_url(url, None)
        request.prepare_headers(headers)
        request.prepare_body(body, None)
    except (requests.RequestException, UnicodeError) as error:
        raise PermanentError(f"{origin}: the address cannot be understood", code="invalid-url") from error
    return request


def _failure(error: Exception, origin: str, limits: Limits) -> CitewireError:
    causes = list(_causes(error))
    if any(isinstance(cause, requests.Timeout | u3.TimeoutError | TimeoutError) for cause in causes):
        return TransientError(f"{origin} did not answer in time (at most {limits.total:g} s)", code="timeout")
    if any(isinstance(cause, requests.exceptions.SSLError | u3.SSLError) for cause in causes):
        return TransientError(f"{origin}: no secure connection: {_detail(causes)}", code="tls-failed")
    if any(isinstance(cause, u3.DecodeError | HTTPException) and not _cut(cause) for cause in causes):
        return TransientError(f"{origin} answered with what is not HTTP", code="bad-response")
    return TransientError(f"{origin}: the connection failed: {_detail(causes)}", code="connection-failed")


def _cut(cause: BaseException) -> bool:
    return isinstance(cause, RemoteDisconnected | IncompleteRead)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it wraps (urllib3 and requests put causes in `args` as well), and what they come from."""
    while error is not None:
        yield error
        yield from (argument for argument in error.args if isinstance(argument, BaseException))
        error = error.__cause__ or error.__context__


def _detail(causes: list[BaseException]) -> str:
    """The system's own words, which name no address."""
    words = (getattr(cause, "verify_message", None) or getattr(cause, "strerror", None) for cause in causes)
    return next((word for word in words if isinstance(word, str)), "it was closed")
