"""The HTTP client. It bounds time and size, refuses private addresses, and keeps secrets out of its messages."""

from __future__ import annotations

import functools
import logging
import os
import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import BinaryIO
from urllib.parse import urlsplit

import requests
import urllib3.exceptions as u3
import urllib3.response as u3_response
from urllib3 import Retry, Timeout

from pipeline.errors import CitewireError, PermanentError, TransientError
from pipeline.http.connection import CA_FILE, ClientCertificate, Gate, GuardedPools, tls_context, usual_tls_context
from pipeline.http.egress import EgressGuard
from pipeline.http.response import Response
from pipeline.web_address import web_address

# RFC 9110, sections 5.1 and 5.5, without the obsolete non-ASCII bytes.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"([!-~]([\t -~]*[!-~])?)?")

USER_AGENT = "citewire/0.1"

_CHUNK = 65_536  # bytes that a download holds in memory
_OPENING = 4_096  # bytes of a body that is not the file asked for

_NEVER = Retry(False, redirect=False)  # no silent retries, no redirects

# urllib3 logs paths and query strings at DEBUG, and partners put tokens there.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


@dataclass(frozen=True)
class Limits:
    """Bounds of one request: seconds to connect (DNS and TCP), between two bytes and in total; bytes of decoded body.

    `truncate`: cut a longer body instead of refusing it, for callers that only need the status.
    """

    connect: float = 5.0
    read: float = 10.0
    total: float = 20.0
    max_bytes: int = 10_000_000
    truncate: bool = False


class Http:
    """An HTTP client with keep-alive, safe to share between threads and across a fork.

    It ignores proxies, .netrc and certificates from the environment, and stores no cookies.
    `contact_url`: goes into the User-Agent, so that the other side can see who is calling.
    `ca_file`: the certificate authorities to trust (PEM); Mozilla's, as shipped with requests, if None.
    `client_certificate`: the certificate to present; see `with_client_certificate`.
    """

    def __init__(
        self,
        guard: EgressGuard,
        *,
        contact_url: str | None = None,
        ca_file: str | None = None,
        client_certificate: ClientCertificate | None = None,
    ) -> None:
        self.guard = guard
        self._contact_url, self._ca_file, self._client_certificate = contact_url, ca_file, client_certificate
        agent = f"{USER_AGENT} (+{contact_url})" if contact_url else USER_AGENT
        self._headers = {"user-agent": agent, "accept-encoding": "gzip"}
        self._local = threading.local()
        self._loading = threading.Lock()
        self._loaded: ssl.SSLContext | None = None
        self._others: dict[ClientCertificate, tuple[float, Http]] = {}

    def with_client_certificate(self, client_certificate: ClientCertificate) -> Http:
        """Return a client that presents this certificate; the same object until one of its files changes.

        Raises OSError (which includes ssl.SSLError) or ValueError if the files do not hold a certificate and its key.
        """
        files = (client_certificate.certificate, client_certificate.key, client_certificate.authorities)
        changed = max(file.stat().st_mtime for file in files if file)
        known = self._others.get(client_certificate)
        if known is None or known[0] != changed:
            other = Http(
                self.guard, contact_url=self._contact_url, ca_file=self._ca_file, client_certificate=client_certificate
            )
            _ = other._tls  # load the files now, so that a mistake shows up when the channel is opened
            # Two threads may each create one; the last is kept, and the other lives as long as its channel.
            self._others[client_certificate] = known = (changed, other)
        return known[1]

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limits: Limits = Limits(),
    ) -> Response:
        """Send a request, at most once, and return the response whatever its status. Redirects are not followed.

        Raises TransientError (`connection-failed`, `name-not-resolved`, `tls-failed`, `timeout`, `bad-response`) and
        PermanentError (`egress-refused`, `invalid-url`, `invalid-request`, `response-too-large`). Of the address,
        messages give only the host.
        """
        with self._open(method, url, headers, body, limits) as (answer, origin):
            content = answer.read(limits.max_bytes + 1, decode_content=True)
            if whole := len(content) <= limits.max_bytes:
                answer.release_conn()
            elif not limits.truncate:
                raise _too_large(origin, limits, answer.status)
            return Response(answer.status, answer.headers, content[: limits.max_bytes], truncated=not whole)

    def download(
        self, url: str, file: BinaryIO, *, headers: Mapping[str, str] | None = None, limits: Limits = Limits()
    ) -> Response:
        """Send a GET, and write the body of a 200 to the file as it arrives; return the response without that body.

        Memory stays the same however long the body is. Raises what `request` raises; the file is then incomplete.
        """
        with self._open("GET", url, headers, None, limits) as (answer, origin):
            if answer.status != HTTPStatus.OK:
                return Response(
                    answer.status, answer.headers, answer.read(_OPENING, decode_content=True), truncated=True
                )
            size = 0
            while chunk := answer.read(_CHUNK, decode_content=True):
                size += len(chunk)
                if size > limits.max_bytes:
                    raise _too_large(origin, limits, answer.status)
                file.write(chunk)
            answer.release_conn()
            return Response(answer.status, answer.headers)

    @contextmanager
    def _open(
        self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None, limits: Limits
    ) -> Iterator[tuple[u3_response.BaseHTTPResponse, str]]:
        """Send a request, and yield the response before its body is read, with the origin for messages."""
        address = _address(url)
        sent = _checked({**self._headers, **{name.lower(): value for name, value in (headers or {}).items()}}, address)
        pools, gate = self._connections()
        gate.connect, gate.read, gate.deadline = limits.connect, limits.read, time.monotonic() + limits.total
        try:
            pool = pools.connection_from_host(address.host, address.port, address.scheme)
            answer = pool.urlopen(
                method,
                address.target,
                body=body,
                headers=sent,
                retries=_NEVER,
                redirect=False,
                assert_same_host=False,
                timeout=Timeout(connect=limits.connect, read=limits.read),
                preload_content=False,
                decode_content=False,
            )
            with closing(answer):
                yield answer, address.origin
        except (u3.HTTPError, HTTPException, OSError) as error:
            raise _failure(error, address.origin, limits) from error

    def close(self) -> None:
        """Close this thread's connections. Those of other threads are closed when the threads end."""
        if self._local.__dict__.get("pid") == os.getpid():
            self._local.pools.clear()
        self._local.__dict__.clear()

    @property
    def _tls(self) -> ssl.SSLContext:
        """Return the TLS context of all threads: the usual one, unless the client has files of its own."""
        if self._ca_file is None and self._client_certificate is None:
            return usual_tls_context()
        with self._loading:
            if self._loaded is None:
                self._loaded = tls_context(self._ca_file or CA_FILE, self._client_certificate)
            return self._loaded

    def _connections(self) -> tuple[GuardedPools, Gate]:
        """Return this thread's connection pools and their gate.

        urllib3 is used directly, without requests' Session, which reads the environment (proxies, .netrc), stores
        cookies, reads the body of a redirect without a limit, and takes twice the time for a request.
        """
        local = self._local
        if getattr(local, "pid", None) != os.getpid():  # a new thread or a forked process: connections are never shared
            gate = Gate(self.guard)
            local.pid, local.pools, local.gate = os.getpid(), GuardedPools(gate, self._tls), gate
        return local.pools, local.gate


def _too_large(origin: str, limits: Limits, status: int) -> PermanentError:
    message = f"{origin} answered with more than {limits.max_bytes} bytes"
    return PermanentError(message, status=status, code="response-too-large")


@dataclass(frozen=True)
class _Address:
    """The address of a request. `origin` is the only part of it that may appear in a message."""

    scheme: str
    host: str
    port: int | None
    target: str  # path and query
    origin: str


@functools.lru_cache(maxsize=1024)
def _address(url: str) -> _Address:
    """Parse a URL. Raises PermanentError (`invalid-url`)."""
    try:
        parts = web_address(url)
    except ValueError as error:
        raise PermanentError(f"the address {error}", code="invalid-url") from error
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    origin = f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}"
    request = requests.PreparedRequest()
    try:
        request.prepare_url(url, None)  # IDNA and percent-encoding
        made = urlsplit(str(request.url))
        return _Address(made.scheme, str(made.hostname), made.port, request.path_url, origin)
    except (requests.RequestException, ValueError) as error:
        raise PermanentError(f"{origin}: the address is malformed", code="invalid-url") from error


def _checked(headers: dict[str, str], address: _Address) -> dict[str, str]:
    for name, value in headers.items():
        if not (_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
            raise PermanentError(f"{address.origin}: the header {name!r} cannot be sent", code="invalid-request")
    return headers


def _failure(error: Exception, origin: str, limits: Limits) -> CitewireError:
    causes = list(_causes(error))
    if any(isinstance(cause, u3.TimeoutError | TimeoutError) for cause in causes):
        return TransientError(f"{origin} did not answer in time (at most {limits.total:g} s)", code="timeout")
    if any(isinstance(cause, u3.SSLError | ssl.SSLError) for cause in causes):
        return TransientError(f"{origin}: no secure connection: {_detail(causes)}", code="tls-failed")
    if any(isinstance(cause, u3.DecodeError | HTTPException) and not _cut(cause) for cause in causes):
        return TransientError(f"{origin} did not answer with valid HTTP", code="bad-response")
    return TransientError(f"{origin}: the connection failed: {_detail(causes)}", code="connection-failed")


def _cut(cause: BaseException) -> bool:
    return isinstance(cause, RemoteDisconnected | IncompleteRead)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error, the exceptions it wraps (urllib3 also puts causes in `args`), and their causes."""
    while error is not None:
        yield error
        yield from (argument for argument in error.args if isinstance(argument, BaseException))
        error = error.__cause__ or error.__context__


def _detail(causes: list[BaseException]) -> str:
    """Return the operating system's description of the error, which contains no address."""
    words = (getattr(cause, "verify_message", None) or getattr(cause, "strerror", None) for cause in causes)
    return next((word for word in words if isinstance(word, str)), "it was closed")
