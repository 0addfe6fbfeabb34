"""A connection that ends when its client takes more than its limits allow.

    waiting    for the first byte of a request: for `head_seconds` on a new connection, then for uvicorn's keep-alive
    head       a request line and header fields: 431 or 400 if they are too many, 408 if they take too long
    body       408 if it arrives too slowly; one that is larger than a route takes is refused by the route itself
    answering  for as long as the application takes; a client that does not take the answer is cut off

The parser (httptools) keeps header fields for as long as they come, and uvicorn sets no time for them.
"""

from __future__ import annotations

import logging
from ipaddress import IPv6Address
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from pipeline.web.problems import answer
from workers.serving.limits import Shared, now


class _Refused(Exception):
    """Raised in the parser's callbacks, to end its work."""


class Connection(HttpToolsProtocol):
    server_state: Shared

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # uvicorn's warnings about invalid requests are of no use to an operator; our own errors are still logged.
        self.logger = logging.getLogger("uvicorn.protocol")
        self.limits = self.server_state.limits
        self.counted: str | None = None  # the client for which this connection is counted; "": none, as of a proxy
        self.deadline: float | None = None
        self.write_deadline: float | None = None
        self.in_head = True
        self.read_bytes = 0  # since the parser last had a whole head, some of a body, or a whole request
        self.field_bytes, self.body_bytes, self.body_began = 0, 0, 0.0

    # The connection

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.client = unmapped(self.client)
        self.deadline = now() + self.limits.head_seconds
        self.counted = self.server_state.admit(self.client)
        if self.counted is None:
            self._refuse(429, code="too-many-connections", detail="too many connections from this address")
        elif len(self.connections) > self.limits.connections:
            self._refuse(503, code="too-busy", detail="too many connections")

    def connection_lost(self, exc: Exception | None) -> None:
        self.server_state.leave(self.counted)
        self.counted = self.deadline = self.write_deadline = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self.in_head and self.deadline is None:
            self.deadline = now() + self.limits.head_seconds
        self.read_bytes += len(data)
        super().data_received(data)
        if self.read_bytes > self.limits.head_bytes:  # one field may be without end
            self._refuse_head()

    # The parser's callbacks

    def on_message_begin(self) -> None:
        self.in_head, self.field_bytes, self.body_bytes = True, 0, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)
        if not self.in_head:
            return  # a trailer, which no route reads, must not join the fields that were checked
        super().on_header(name, value)
        if len(self.headers) > self.limits.head_fields:
            self._refuse_head()
            raise _Refused

    def on_headers_complete(self) -> None:
        self.in_head, self.read_bytes, self.body_began = False, 0, now()
        self.deadline = self.body_began + self.limits.body_seconds
        if self.counted:
            self.server_state.notice(self.client, self.headers)
        super().on_headers_complete()
        if len(self.pipeline) > self.limits.queued:
            self._refuse(429, code="too-many-requests", detail="wait for an answer before the next request")
            raise _Refused

    def on_body(self, body: bytes) -> None:
        self.read_bytes = 0
        self.body_bytes += len(body)
        if self.body_bytes > self.limits.body_bytes:
            self._refuse(413, code="body-too-large", detail="the body is larger than any that is taken here")
            raise _Refused
        allowed = self.limits.body_seconds + self.body_bytes / self.limits.body_rate
        self.deadline = self.body_began + allowed
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.in_head, self.read_bytes, self.deadline = True, 0, None
        super().on_message_complete()

    # Time

    def pause_writing(self) -> None:
        self.write_deadline = now() + self.limits.write_seconds
        super().pause_writing()

    def resume_writing(self) -> None:
        self.write_deadline = None
        super().resume_writing()

    def look(self, time: float) -> None:
        """Run each second: end the connection if its time is up."""
        if self.transport.is_closing():
            if self.write_deadline is None:
                self.write_deadline = time + self.limits.write_seconds  # for what is still to be written
        elif self.flow.read_paused and self.deadline is not None:
            self.deadline += 1.0  # we do not read at the moment: that is no fault of the client
        if self.write_deadline is not None and time > self.write_deadline:
            self.transport.abort()
        elif self.deadline is not None and time > self.deadline and not self.transport.is_closing():
            self._time_is_up()

    def _time_is_up(self) -> None:
        if self.in_head and not self.read_bytes:
            self.transport.close()
        else:
            self._refuse(408, code="request-too-slow", detail="the request did not arrive in time")

    def shutdown(self) -> None:
        """Answer a request whose body has not arrived: its sender repeats it. Others are answered as usual."""
        if not self.in_head and not self.transport.is_closing():
            self._refuse(503, code="stopping", detail="the server is being stopped: send it again")
        else:
            super().shutdown()

    # Refusals

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn for whatever the parser refuses."""
        self._refuse(400, code="invalid-request", detail="this is no HTTP request that can be read")

    def _count(self, size: int) -> None:
        self.field_bytes += size
        if self.field_bytes > self.limits.head_bytes:
            self._refuse_head()
            raise _Refused

    def _refuse_head(self) -> None:
        self._refuse(431, code="headers-too-large", detail="the request has too many header fields, or too large ones")

    def _refuse(self, status: int, *, code: str, detail: str) -> None:
        """Answer with a problem, unless an answer has begun, and close the connection."""
        if self.transport.is_closing():
            return
        if self._can_answer():
            self.transport.write(problem(status, code, detail))
        if self.cycle is not None:
            self.cycle.disconnected = True  # the application's own answer would come after it
            self.cycle.message_event.set()
        self.pipeline.clear()
        self.deadline = None
        self.transport.close()

    def _can_answer(self) -> bool:
        """Return whether the next bytes that the client reads are the answer to the request that it is sending."""
        if self.cycle is None:
            return True
        return self.cycle.response_complete if self.in_head else not (self.cycle.response_started or self.pipeline)


def unmapped(peer: tuple[str, int] | None) -> tuple[str, int] | None:
    """Return a peer with its IPv4 address, if a socket of IPv6 shows it as `::ffff:192.0.2.1`.

    Without this, no network of `trusted_proxies` would contain it, neither for us nor for uvicorn.
    """
    if peer is None or ":" not in peer[0]:
        return peer
    mapped = IPv6Address(peer[0].partition("%")[0]).ipv4_mapped
    return peer if mapped is None else (str(mapped), peer[1])


def problem(status: int, code: str, detail: str) -> bytes:
    """Return a whole response, for connections that no application has seen."""
    headers = {"Retry-After": "5"} if status in (429, 503) else {}
    response = answer(status, code, detail, headers=headers | {"Connection": "close"})
    fields = b"".join(b"%s: %s\r\n" % field for field in response.raw_headers)
    return STATUS_LINE[status] + fields + b"\r\n" + response.body
