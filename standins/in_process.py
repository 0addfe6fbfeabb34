"""Ask stand-ins without sockets: the same answers and faults, handed to a client in the shape of `pipeline.http.Http`.

    InProcess({"crossref": CrossrefStandin()}).request("GET", "http://crossref/works/10.1000%2F1")

A connection that breaks, drips or hangs fails at once, so that a test may do thousands of requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO
from urllib.parse import parse_qsl, urlsplit

from pipeline.errors import TransientError
from pipeline.http import Limits, Response
from standins.misbehaviour import Answer
from standins.serving import Standin


class InProcess:
    """Stand-ins by the host under which they are asked."""

    def __init__(self, standins: Mapping[str, Standin]) -> None:
        self._standins = standins

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limits: Limits | None = None,
    ) -> Response:
        answer = self._asked(method, url, headers or {}, body or b"")
        return Response(answer.status, answer.headers, answer.body)

    def download(
        self, url: str, file: BinaryIO, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None
    ) -> Response:
        answer = self._asked("GET", url, headers or {}, b"")
        if answer.status != 200:
            return Response(answer.status, answer.headers, answer.body)
        file.write(answer.body)
        return Response(answer.status, answer.headers)

    def _asked(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        parts = urlsplit(url)
        params = dict(parse_qsl(parts.query) + parse_qsl(body.decode()))
        answer = self._standins[parts.netloc].answered(method, parts.path, params, body, len(url), headers)
        if answer.transport != "whole":
            raise TransientError(f"{parts.netloc}: the connection broke", code="connection-failed")
        return answer
