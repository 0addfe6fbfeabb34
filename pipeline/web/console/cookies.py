"""The console's cookies, which no script can read, and which over TLS no other host can set."""

from __future__ import annotations

from typing import Literal, TypedDict

from fastapi import Request, Response


class _Attributes(TypedDict):
    path: str
    secure: bool
    httponly: bool
    samesite: Literal["lax"]


class Cookie:
    """With the prefix `__Host-`, browsers take a cookie over TLS only, and from this host only."""

    def __init__(self, over_tls: str, plain: str) -> None:
        self._over_tls, self._plain = over_tls, plain

    def value(self, request: Request) -> str | None:
        return request.cookies.get(self._name(request))

    def put(self, request: Request, response: Response, value: str, *, seconds: int) -> None:
        name = self._name(request)
        response.set_cookie(name, value, max_age=seconds, **self._attributes(name))

    def drop(self, request: Request, response: Response) -> None:
        name = self._name(request)
        response.delete_cookie(name, **self._attributes(name))

    def _name(self, request: Request) -> str:
        return self._over_tls if request.url.scheme == "https" else self._plain

    def _attributes(self, name: str) -> _Attributes:
        return {"path": "/", "secure": name == self._over_tls, "httponly": True, "samesite": "lax"}


SESSION = Cookie("__Host-citewire", "citewire-console")
ATTEMPT = Cookie("__Host-citewire-sign-in", "citewire-sign-in")
CHALLENGE = Cookie("__Host-citewire-passkey", "citewire-passkey")
