"""Signing in with a token or a recovery code, and out."""

from typing import Annotated

from fastapi import Depends, Request, Response

from pipeline.identity import NotIdentified
from pipeline.identity.recovery import code_in
from pipeline.ledger import passkeys, tokens
from pipeline.ledger.tokens import Token
from pipeline.stages.context import Context
from pipeline.web.auth import record_use
from pipeline.web.clients import client
from pipeline.web.console import sessions
from pipeline.web.console.forms import MAX_BODY, Acting, Form, acting, own_form
from pipeline.web.console.pages import Pages, own_address, see
from pipeline.web.console.provider import signed_out
from pipeline.web.console.sessions import opens_console, signed_in
from pipeline.web.console.ways_in import sign_in_page
from pipeline.web.limits import Limiter, Rate
from pipeline.web.refusals import refusals
from pipeline.web.rooms import Room

GUESSES = Rate(per_second=1 / 6, burst=10)  # of one client


def router(context: Context, pages: Pages, limiter: Limiter) -> Room:
    routes = pages.router()

    @routes.get("/sign-in")
    def sign_in_form(next: str = "") -> Response:
        return sign_in_page(pages, next=own_address(next))

    @routes.post("/sign-in", max_body_size=MAX_BODY)
    def sign_in(request: Request, form: Annotated[Form, Depends(own_form)]) -> Response:
        next = own_address(form["next"])
        wait = limiter.take(f"console:{client(request)}", GUESSES)
        if wait > 0:
            return sign_in_page(pages, status=429, next=next, refused=_TOO_OFTEN)
        token = form["token"].strip()
        code = code_in(token) if context.passkeys is not None else None
        if code is not None:
            return _recovered(request, code, next)
        found = _find(token)
        if found is None or not opens_console(found.scope):
            refusals(request).count(request, "token-invalid" if found is None else "scope-insufficient", found)
            refused = _UNKNOWN if found is None else f"A token of the scope {found.scope} opens no console."
            return sign_in_page(pages, status=403, next=next, refused=refused)
        response = see(next)
        sessions.begin(context, request, response, token, by=found.name)
        record_use(context, found, context.clock())
        return response

    def _recovered(request: Request, code: str, next: str) -> Response:
        with context.ledger.write() as transaction:
            found = passkeys.use_code(transaction, code, now=context.clock())
            if found is not None:
                person, left = found
                reason = f"by a recovery code: {left} left"
                secret = sessions.begin_in(transaction, context, request, person, by=person.by, reason=reason)
        if found is None:
            refused = NotIdentified(_USED, code="recovery-code-invalid")
            refusals(request).count(request, refused.code)
            return sign_in_page(pages, status=403, next=next, refused=f"{refused.message} ({refused.code})")
        response = see(next)
        sessions.keep(context, request, response, secret)
        return response

    def _find(token: str) -> Token | None:
        with context.ledger.read() as transaction:
            return tokens.find(transaction, token, now=context.clock())

    @routes.post("/sign-out", max_body_size=MAX_BODY)
    def sign_out(request: Request, act: Annotated[Acting, Depends(acting(signed_in(context)))]) -> Response:
        sessions.end(context, act.who)
        return signed_out(pages, request, act.who)

    return routes


_TOO_OFTEN = "Too many attempts from your address. Wait a minute, then try again."
_USED = "This recovery code is unknown, or was used: each opens the console once."
_UNKNOWN = "This token is unknown, has expired or was revoked."
