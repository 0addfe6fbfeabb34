"""Errors as problem details (RFC 9457), each with the stable `code` of its error."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field, TypeAdapter
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from pipeline.errors import CitewireError, InvalidEvent, TransientError

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One of several mistakes in a body."""

    detail: str
    code: str
    line: Annotated[int | None, Field(ge=1)] = None
    field: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemDetails:
    """An error. Members that do not apply are left out."""

    type: Literal["about:blank"]
    title: Annotated[str, Field(description="The status in words.")]
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    code: Annotated[str, Field(description="What went wrong; stable.", pattern="^[a-z0-9]+(-[a-z0-9]+)*$")]
    file: str | None = None
    line: Annotated[int | None, Field(ge=1)] = None
    field: Annotated[str | None, Field(description="The field, attribute or parameter at fault.")] = None
    hint: Annotated[str | None, Field(description="What to do about it.")] = None
    mend: Annotated[str | None, Field(description="The former name of `hint`.", deprecated=True)] = None
    errors: Annotated[
        tuple[Mistake, ...] | None,
        Field(description="Every mistake, if there are several."),
    ] = None


class Problem(Exception):
    """A refusal that is about the request, not about an article."""

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, headers


@cache
def problem_schemas() -> dict[str, Any]:
    """Return the JSON schemas of problem details and what they hold, by their names."""
    schema = TypeAdapter(ProblemDetails).json_schema(ref_template="#/components/schemas/{model}")
    definitions: dict[str, Any] = schema.pop("$defs")
    return definitions | {"ProblemDetails": schema}


def answer(status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    title = HTTPStatus(status).phrase
    details = ProblemDetails(type="about:blank", title=title, status=status, detail=detail, code=code, **more)
    body = dataclasses.asdict(details, dict_factory=_given)
    return JSONResponse(body, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def _given(members: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in members if value is not None}


def status_of(error: InvalidEvent) -> int:
    return _STATUS.get(error.code, 422)


def of_event(error: InvalidEvent) -> JSONResponse:
    return answer(
        status_of(error),
        error.code,
        error.message,
        file=error.file,
        line=error.line,
        field=error.field,
        hint=error.hint,
        mend=error.hint,  # the former name of `hint`, for one release
        errors=tuple(map(_mistake, (error, *error.further))) if error.further else None,
    )


def _mistake(error: InvalidEvent) -> Mistake:
    return Mistake(detail=error.message, code=error.code, line=error.line, field=error.field, hint=error.hint)


def register(app: FastAPI) -> None:
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)


# Every other InvalidEvent is 422: understood, but not acceptable.
_STATUS = {
    "unknown-article": 404,
    "unknown-failure": 404,
    "unknown-operation": 404,
    "unknown-reference": 404,
    "event-id-reused": 409,
    "id-taken": 409,
    "nothing-to-release": 409,
    "not-live": 409,
    "not-scheduled": 409,
    "nothing-matches": 409,
    "not-prepared": 409,
    "upload-over": 409,
    "not-as-shown": 409,
    "cannot-be-undone": 409,
    "rotation-off": 409,
    "nothing-signed": 409,
    "too-many-secrets": 409,
    "article-too-large": 413,
    "event-too-large": 413,
    "unknown-source-format": 415,
}


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidEvent)
    return of_event(error)


async def _transient(_: Request, error: Exception) -> Response:
    assert isinstance(error, TransientError)
    wait = math.ceil(error.retry_after or 5)
    return answer(503, error.code, error.message, headers={"Retry-After": str(wait)})


async def _citewire(_: Request, error: Exception) -> Response:
    assert isinstance(error, CitewireError)
    return answer(500, error.code, error.message)


async def of_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answer(error.status, error.code, error.detail, headers=error.headers)


async def _parameters(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = ".".join(map(str, first["loc"][1:]))
    return answer(422, "invalid-parameter", str(first["msg"]), field=field)


def too_large(path: str) -> JSONResponse:
    code = "form-too-large" if path.startswith("/hub") else "event-too-large"
    return answer(413, code, "the body is larger than this address takes", headers={"Connection": "close"})


async def of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 413:  # the limit of the route (Starlette's RequestBodyLimitMiddleware)
        return too_large(request.url.path)
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    return answer(error.status_code, code, str(error.detail), headers=dict(error.headers or {}))


async def _gone(_: Request, error: Exception) -> Response:
    """Answer a client that has hung up. It is not sent, but without it the server would log a traceback."""
    assert isinstance(error, ClientDisconnect)
    return answer(400, "client-gone", "the connection was closed before the whole body had arrived")


async def _fault(_: Request, error: Exception) -> Response:
    """Answer for a fault of ours. The server raises the error again, so that it is logged."""
    return answer(500, "internal-error", "a fault in Citewire, which its log tells of")


_HANDLERS: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    InvalidEvent: _invalid,
    TransientError: _transient,
    CitewireError: _citewire,
    Problem: of_problem,
    RequestValidationError: _parameters,
    HTTPException: of_http,
    ClientDisconnect: _gone,
    Exception: _fault,
}
