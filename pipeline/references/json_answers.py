"""Read the JSON of a source over HTTP, or say why what came is not an answer.

As with NCBI, only a complete document of the expected shape is an answer. Error pages, rate limits, a truncated body
and another shape are transient, and say nothing about any paper. Messages never quote a body.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import msgspec

from pipeline.errors import PermanentError, TransientError
from pipeline.http import Http, Limits, Response
from pipeline.references.no_answer import Reason, by_status, no_answer


def get(http: Http, url: str, *, limits: Limits) -> Response:
    """Send a GET. Raises TransientError, also for an address that may not be reached: the works stay unanswered."""
    try:
        return http.request("GET", url, headers={"Accept": "application/json"}, limits=limits)
    except PermanentError as error:
        raise TransientError(error.message, code=error.code, status=error.status) from error


def read_object(response: Response, source: str, now: dt.datetime) -> Mapping[str, Any]:
    """Return the JSON object of an answer with status 200, or raise `failure_of`."""
    if response.status == 200 and (answer := decoded(response.body)) is not None:
        return answer
    raise failure_of(response, source, now)


def decoded(body: bytes) -> Mapping[str, Any] | None:
    """Return a JSON object, or None for anything else."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def failure_of(response: Response, source: str, now: dt.datetime) -> TransientError:
    """Explain why a response is not an answer, by its status and the kind of its body."""
    return no_answer(response, source, by_status(response.status) or _by_body(response), now)


def _by_body(response: Response) -> Reason:
    if b"<html" in response.body[:4096].lower():
        return "html-page", "a web page came instead of data"
    if response.status == 200:
        return "not-data", "what came is not the expected data"
    return "refused-by-source", "it refused the request"


def text(value: object) -> str | None:
    """Return a non-empty text with white space collapsed; None for anything else. Numbers become text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return " ".join(value.split()) or None if isinstance(value, str) else None


def items(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list; an empty list for anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def table(value: object) -> Mapping[str, Any]:
    """Return an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}
