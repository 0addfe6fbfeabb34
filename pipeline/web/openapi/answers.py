"""The responses that routes declare, for the OpenAPI description."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Responses = dict[int | str, dict[str, Any]]

_PROBLEMS = {
    400: ("The request cannot be understood.", "invalid-cursor"),
    401: ("No token was sent, or it is unknown, expired or revoked.", "token-missing"),
    403: ("The token's scope does not allow this.", "scope-insufficient"),
    404: ("It does not exist.", "unknown-article"),
    409: ("The present state does not allow this.", "nothing-to-release"),
    410: ("What came after the cursor is no longer kept.", "cursor-expired"),
    413: ("The body is too large.", "event-too-large"),
    414: ("The address is too long.", "address-too-long"),
    415: ("The body is in a format that cannot be read.", "unknown-source-format"),
    422: ("A parameter or the body is invalid.", "invalid-parameter"),
    429: ("Too many requests. `Retry-After` says when to ask again.", "too-many-requests"),
    503: ("It cannot be answered now. `Retry-After` says when to ask again.", "ledger-unreachable"),
}
_ANY = (400, 414)  # an address that no route is asked about
_PROBLEM_TYPE = "application/problem+json"
_RETRY = {"Retry-After": {"schema": {"type": "integer", "minimum": 0}, "description": "Seconds."}}
_CONDITIONAL = ("If-None-Match", "If-Modified-Since")


def problems(*statuses: int) -> Responses:
    """Return the error responses with these statuses, and those that any route may answer."""
    return {status: _problem(status) for status in sorted({*statuses, *_ANY, 503})}


def add_problems_of_addresses(responses: dict[str, Any]) -> None:
    """Add what any address may be answered, whatever its route says."""
    for status in _ANY:
        responses.setdefault(str(status), _problem(status))


def document(media_types: Iterable[str], description: str, *, cached: bool = True) -> Responses:
    """Return the response of a route that answers with a document in one of these media types, and its 304."""
    content = {one: {"schema": {"type": "object" if one.endswith("json") else "string"}} for one in sorted(media_types)}
    answers: Responses = {200: {"description": description, "content": content}}
    if cached:
        answers[304] = {"description": "It has not changed since the given tag or time."}
    return answers


def operation(
    name: str, summary: str, *, tag: str, responses: Responses, parameters: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the description of a GET route that Starlette serves without FastAPI. `parameters` are in the path."""
    return {
        "get": {
            "tags": [tag],
            "summary": summary,
            "operationId": name,
            "parameters": [
                {
                    "name": parameter,
                    "in": "path",
                    "required": True,
                    "schema": {"type": "string"},
                    "example": example,
                }
                for parameter, example in (parameters or {}).items()
            ]
            + CONDITIONAL,
            "responses": {str(status): answer for status, answer in responses.items()},
        }
    }


CONDITIONAL = [{"name": name, "in": "header", "required": False, "schema": {"type": "string"}} for name in _CONDITIONAL]
REQUEST_HEADERS: dict[str, Any] = {"parameters": CONDITIONAL}


def _problem(status: int) -> dict[str, Any]:
    description, code = _PROBLEMS[status]
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    answer: dict[str, Any] = {
        "description": description,
        "content": {_PROBLEM_TYPE: {"schema": schema, "example": _example(status, code)}},
    }
    return answer | ({"headers": _RETRY} if status in (429, 503) else {})


def _example(status: int, code: str) -> dict[str, Any]:
    return {"type": "about:blank", "status": status, "code": code, "title": code, "detail": _PROBLEMS[status][0]}
