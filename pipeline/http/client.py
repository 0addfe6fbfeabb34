"""The HTTP client: limited in time and size, guarded against private addresses, silent about secrets."""

from __future__ import annotations

import functools
import logging
import os
import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from urllib.parse import urlsplit

import requests
import urllib3.exceptions as u3
from urllib3 import Retry, Timeout

from pipeline.errors import CitewireError, PermanentError, TransientError
from pipeline.http.connection import CA_FILE, ClientCertificate, Gate, GuardedPools, tls_context
from pipeline.http.egress import EgressGuard
from pipeline.http.response import Response
from pipeline.http.urls import web_address

# RFC 9110, sections 5.1 and 5.5, without the obsolete bytes beyond ASCII.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"([!-~]([\t -~]*[!-~])?)?")

USER_AGENT = "citewire/0.1"

_NEVER = Retry(False, redirect=False)  # nothing is sent again in secret, and no redirect followed

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
    """Keeps connections alive per thread and process; safe to share between threads and across a fork.

    Ignores the environment's proxies, .netrc and certificates, and keeps no cookies.
    `contact_url`: an address for the User-Agent that tells the other side who is calling.
    `ca_file`: the certificate authorities to trust (PEM); None for Mozilla's, as requests ships them.
    `client_certificate`: the client certificate to show; see `with_client_certificate`.
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
        self._others: dict[ClientCertificate, tuple[float, Http]] = {}

    def with_client_certificate(self, client_certificate: ClientCertificate) -> Http:
        """The same way out, with a client certificate: the same object as long as the files stay the same.

        Raises OSError (ssl.SSLError is one) and ValueError for files that hold no certificate and its key.
        """
        files = (client_certificate.certificate, client_certificate.key, client_certificate.authorities)
        changed = max(file.stat().st_mtime for file in files if file)
        known = self._others.get(client_certificate)
        if known is None or known[0] != changed:
            other = Http(
                self.guard, contact_url=self._contact_url, ca_file=self._ca_file, client_certificate=client_certificate
            )
            _ = other._tls  # read now, so that a mistake is the opening's
            # Two threads at once may both make one; the last stays, and the other serves out its channel.
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
        """Send one request, at most once, and return the answer whatever its status; redirects are not followed.

        Raises TransientError (`connection-failed`, `name-not-resolved`, `tls-failed`, `timeout`, `bad-response`) and
        PermanentError (`egress-refused`, `invalid-url`, `invalid-request`, `response-too-large`). Messages name the
        host and nothing else of the address.
        """
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
                content = answer.read(limits.max_bytes + 1, decode_content=True)
                if whole := len(content) <= limits.max_bytes:
                    answer.release_conn()
                elif not limits.truncate:
                    raise PermanentError(
                        f"{address.origin} answered with more than {limits.max_bytes} bytes",
                        status=answer.status,
                        code="response-too-large",
                    )
                return Response(answer.status, answer.headers, content[: limits.max_bytes], truncated=not whole)
        except (u3.HTTPError, HTTPException, OSError) as error:
            raise _failure(error, address.origin, limits) from error

    def close(self) -> None:
        """Close this thread's connections; those of other threads close when the threads end."""
        if self._local.__dict__.get("pid") == os.getpid():
            self._local.pools.clear()
        self._local.__dict__.clear()

    @functools.cached_property
    def _tls(self) -> ssl.SSLContext:
        return tls_context(self._ca_file or CA_FILE, self._client_certificate)

    def _connections(self) -> tuple[GuardedPools, Gate]:
        """urllib3's pools without requests' Session, which would look into the environment (proxies, .netrc), keep
        cookies, read the body of a redirect without a limit, and take twice the time for a request.
        """
        local = self._local
        if getattr(local, "pid", None) != os.getpid():  # new thread, or forked: a connection has one owner
            gate = Gate(self.guard)
            local.pid, local.pools, local.gate = os.getpid(), GuardedPools(gate, self._tls), gate
        return local.pools, local.gate


@dataclass(frozen=True)
class _Address:
    """An address that a request can go to. `origin` is all of it that may stand in a message."""

    scheme: str
    host: str
    port: int | None
    target: str  # path and query
    origin: str


@functools.lru_cache(maxsize=1024)
def _address(url: str) -> _Address:
    """Raises PermanentError (`invalid-url`)."""
    try:
        parts = web_address(url)
    except ValueError as error:
        raise PermanentError(f"the address {error}", code="invalid-url") from error
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    origin = f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}"
    request = requests.PreparedRequest()
    try:
        request.prepare_url(url, None)  # IDNA, and percent signs where they belong
        made = urlsplit(str(request.url))
        return _Address(made.scheme, str(made.hostname), made.port, request.path_url, origin)
    except (requests.RequestException, ValueError) as error:
        raise PermanentError(f"{origin}: the address cannot be understood", code="invalid-url") from error


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
        return TransientError(f"{origin} answered with what is not HTTP", code="bad-response")
    return TransientError(f"{origin}: the connection failed: {_detail(causes)}", code="connection-failed")


def _cut(cause: BaseException) -> bool:
    return isinstance(cause, RemoteDisconnected | IncompleteRead)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it wraps (urllib3 puts causes in `args` as well), and what they come from."""
    while error is not None:
        yield error
        yield from (argument for argument in error.args if isinstance(argument, BaseException))
        error = error.__cause__ or error.__context__


def _detail(causes: list[BaseException]) -> str:
    """The system's own words, which name no address."""
    words = (getattr(cause, "verify_message", None) or getattr(cause, "strerror", None) for cause in causes)
    return next((word for word in words if isinstance(word, str)), "it was closed")
