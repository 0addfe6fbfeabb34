"""Requests to an ASGI app, in this process and without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from fastapi import FastAPI

HOST = "testserver"
CLIENT = "192.0.2.1"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of a problem."""
        assert self.headers["content-type"] == "application/problem+json"
        return str(self.json["code"])


async def send(
    app: FastAPI,
    method: str,
    address: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    client: str = CLIENT,
    scheme: str = "http",
    left: asyncio.Event | None = None,
) -> Answer:
    """Send a request and return the whole answer. The client hangs up once `left` is set, and gets none then."""
    parts = urlsplit(address)
    named = {"Host": HOST} | dict(headers or {})
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in named.items()],
        "client": (client, 50_000),
        "server": ("testserver", 80),
    }
    sent: list[dict[str, Any]] = []
    asked = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if asked:
            return asked.pop()
        await (left or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def take(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, take)  # type: ignore[arg-type] # plain dicts are what it takes
    start = sent[0]
    content = b"".join(message.get("body", b"") for message in sent[1:])
    answered: dict[str, str] = {}
    for name, value in ((name.decode(), value.decode()) for name, value in start["headers"]):
        # Each cookie has a header of its own (RFC 6265, section 3): one a line here.
        answered[name] = f"{answered[name]}\n{value}" if name == "set-cookie" and name in answered else value
    return Answer(start["status"], answered, content)


def get(app: FastAPI, address: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return asyncio.run(send(app, "GET", address, headers=named))


def post_form(
    app: FastAPI, address: str, fields: Mapping[str, str] | list[tuple[str, str]], *, client: str = CLIENT
) -> Answer:
    form = {"content-type": "application/x-www-form-urlencoded"}
    return asyncio.run(send(app, "POST", address, body=urlencode(fields).encode(), headers=form, client=client))
