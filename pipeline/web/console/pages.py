"""The console's pages: templates, the headers that keep them to themselves, and errors as pages."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from markupsafe import Markup
from starlette.exceptions import HTTPException

from pipeline.errors import InvalidEvent, TransientError
from pipeline.model.words import count, later, relative, span
from pipeline.renditions.parts.templates import templates
from pipeline.stages.context import Context
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.console import words
from pipeline.web.console.forms import FIELD
from pipeline.web.console.live import Watched
from pipeline.web.console.sessions import NotSignedIn, SignedIn, is_script
from pipeline.web.headers import POLICY
from pipeline.web.problems import Problem, status_of
from pipeline.web.refusals import Refused, refusals
from pipeline.web.rooms import Room
from pipeline.web.v1.events import MAX_BODY as MAX_UPLOAD

_FOLDER = Path(__file__).parent
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_SCRIPT_POLICY = f"{_POLICY}; script-src 'self'"
_LIVE_POLICY = f"{_SCRIPT_POLICY}; connect-src 'self'"
HEADERS = {
    "Cache-Control": "no-store",
    POLICY: _POLICY,
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
HOME = "/console"
SIGN_IN = "/console/sign-in"

_FILES = {file.name: file.read_bytes() for file in sorted((_FOLDER / "static").iterdir())}
_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".js": "text/javascript; charset=utf-8"}
# Published as htmx.org 4.0.1 on npm; see NOTICE. Browsers run these bytes and no others.
SCRIPTS = {
    "htmx-4.0.1.min.js": "sha384-Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn",
    "hx-sse-4.0.1.min.js": "sha384-v8HvucQ+ohQhMg0arboXc5049yNR46QKMjphs7YDch+Wm7zpfK5XVS01f26mQDJV",
}
_DIGEST = hashlib.sha256(b"".join(_FILES.values())).hexdigest()[:12]

_ENVIRONMENT = templates(_FOLDER / "templates")
_ENVIRONMENT.filters.update(utc=words.utc, hour=words.hour, sentence=words.sentence, iso=words.iso)
_ENVIRONMENT.globals.update(ago=relative, span=span, later=later, count=count, scripts=SCRIPTS)
_ENVIRONMENT.globals.update(static=f"/console/static/{_DIGEST}")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Pages:
    """Renders the console's pages."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def page(
        self,
        name: str,
        who: SignedIn | None,
        *,
        status: int = 200,
        now: dt.datetime | None = None,
        frames: bool = False,
        live: Watched | None = None,
        script: bool = False,
        **values: Any,
    ) -> Response:
        """Return the page that this template makes.

        `now`: the time as of which it is true, if its reader took one. `frames`: it frames other pages of the console.
        `live`: what it shows, as of which version; a script then keeps it up to date. `script`: it has one of its own.
        """
        proof = (
            Markup("")
            if who is None
            else Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, who.field())
        )
        known = {"site": self.context.site, "who": who, "proof": proof, "now": now or self.context.clock()}
        html = _ENVIRONMENT.get_template(f"{name}.html.j2").render(known | {"live": live} | values)
        policy = _LIVE_POLICY if live is not None else _SCRIPT_POLICY if script else _POLICY
        headers = HEADERS | {POLICY: f"{policy}; frame-src 'self'" if frames else policy}
        return HTMLResponse(html, status_code=status, headers=headers)

    def error(self, status: int, code: str, detail: str, *, hint: str | None = None) -> Response:
        title = HTTPStatus(status).phrase
        return self.page("error", None, status=status, title=title, code=code, detail=detail, hint=hint)

    def too_large(self) -> Response:
        hint = f"send less at a time: all files of an upload together may have {MAX_UPLOAD:,} bytes"
        return self.error(413, "form-too-large", "the form is larger than this address takes", hint=hint)

    def router(self) -> Room:
        """Return a router for pages, whose errors are pages too."""
        return Room(HOME, dependencies=[UNLESS_OUTDATED], described=False, route_class=self._route_class())

    def _route_class(self) -> type[APIRoute]:
        """Return a class of routes whose errors are pages, and that send whoever is not signed in to sign in."""
        error_page = self.answer_error

        class Route(APIRoute):
            def get_route_handler(self) -> Handler:
                handle = super().get_route_handler()

                async def handled(request: Request) -> Response:
                    try:
                        return await handle(request)
                    except NotSignedIn:
                        return to_sign_in(request)
                    except (Problem, InvalidEvent, TransientError, RequestValidationError, HTTPException) as error:
                        if isinstance(error, Refused):
                            refusals(request).count(request, error.code, error.token)
                        return error_page(error)

                return handled

        return Route

    def answer_error(self, error: Exception) -> Response:
        match error:
            case Problem():
                page = self.error(error.status, error.code, error.detail)
                page.headers.update(error.headers or {})
            case InvalidEvent():
                page = self.error(status_of(error), error.code, error.message, hint=error.hint)
            case TransientError():
                page = self.error(503, error.code, error.message)
                page.headers["Retry-After"] = str(math.ceil(error.retry_after or 5))
            case HTTPException(status_code=413):
                page = self.too_large()
            case HTTPException():
                code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
                page = self.error(error.status_code, code, str(error.detail))
            case _:
                page = self.error(422, "invalid-parameter", "the address or the form has a value that cannot be")
        return page


def to_sign_in(request: Request) -> Response:
    """Lead to the page for signing in, and from there back to the page that was asked for.

    A script that fetches a part of the page has the browser load it again instead.
    """
    if is_script(request):
        return Response(status_code=200, headers=HEADERS | {"HX-Refresh": "true"})
    wanted = HOME
    if request.method == "GET":
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    address = SIGN_IN if wanted == HOME else f"{SIGN_IN}?next={quote(wanted, safe='')}"
    return see(address)


def own_address(address: str) -> str:
    """Return the address if it is one of the console's, else that of its first page."""
    inside = address == HOME or address.startswith((f"{HOME}/", f"{HOME}?"))
    safe = address.isascii() and address.isprintable() and "\\" not in address and "//" not in address.partition("?")[0]
    return address if inside and safe else HOME


def see(address: str) -> Response:
    """Return a redirect after a form, which the browser follows with GET."""
    return RedirectResponse(address, status_code=303, headers=HEADERS)


def static_file(digest: str, name: str) -> Response:
    """Return a style sheet or a picture. Its address changes with its bytes, so that it may be kept."""
    if digest != _DIGEST or name not in _FILES:
        raise Problem(404, "unknown-page", "there is no such file")
    kept = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(_FILES[name], media_type=_TYPES[Path(name).suffix], headers=kept)
