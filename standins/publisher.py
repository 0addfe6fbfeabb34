"""The publisher's site as seen by services that are notified of changes: pages, feeds and keys, over real HTTP."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from standins.endpoint import Call, Endpoint, Reply

HOST = "notes.example.org"


@dataclass
class Publisher:
    """The site, with `documents` by path. Requests to `HOST` are routed to `endpoint`."""

    documents: dict[str, Reply] = field(default_factory=dict)

    def serve(self) -> Endpoint:
        return Endpoint(self._respond)

    def _respond(self, call: Call) -> Reply:
        return self.documents.get(call.path, Reply(404))


def fetch(endpoint: Endpoint, address: str) -> Reply:
    """Return what a crawler gets for an address of `HOST`, the only host that can be reached."""
    parts = urlsplit(address)
    assert parts.hostname == HOST, address
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(endpoint.url).port, timeout=5)
    try:
        connection.request("GET", parts.path, headers={"Host": HOST})
        answer = connection.getresponse()
        headers: Mapping[str, str] = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, answer.read(), headers.get("content-type", ""), headers)
    finally:
        connection.close()
