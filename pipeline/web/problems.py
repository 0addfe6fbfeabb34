"""Errors as problem details (RFC 9457), each with the stable `code` of the error that it tells of."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from pipeline.errors import CitewireError, InvalidEvent, TransientError

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """A refusal that is about the request, not about an article."""

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, headers


def answer(status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
    extra = {name: value for name, value in more.items() if value is not None}
    return JSONResponse(body | extra, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def of_event(error: InvalidEvent) -> JSONResponse:
    place: dict[str, Any] = {"file": error.file, "line": error.line, "field": error.field, "hint": error.hint}
    place["mend"] = error.hint  # the key's former name, for one release
    if error.further:
        place["errors"] = [_mistake(one) for one in (error, *error.further)]
    return answer(_STATUS.get(error.code, 422), error.code, error.message, headers=None, **place)


def _mistake(error: InvalidEvent) -> dict[str, Any]:
    place = {"detail": error.message, "code": error.code, "line": error.line, "field": error.field, "hint": error.hint}
    return {name: value for name, value in place.items() if value is not None}


def register(app: FastAPI) -> None:
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)


# Everything else that InvalidEvent says is 422: understood, and not acceptable.
_STATUS = {
    "unknown-article": 404,
    "nothing-to-release": 409,
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


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answer(error.status, error.code, error.detail, headers=error.headers)


async def _parameters(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = ".".join(map(str, first["loc"][1:]))
    return answer(422, "invalid-parameter", str(first["msg"]), field=field)


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    return answer(error.status_code, code, str(error.detail), headers=dict(error.headers or {}))


_HANDLERS: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    InvalidEvent: _invalid,
    TransientError: _transient,
    CitewireError: _citewire,
    Problem: _problem,
    RequestValidationError: _parameters,
    HTTPException: _http,
}
