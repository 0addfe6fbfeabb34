"""Signing in at a provider of identities: the way there, the way back, and signing out there too."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import Query, Request, Response

from pipeline.errors import CitewireError, PermanentError, TransientError
from pipeline.identity import Attempt, NotIdentified, Provider
from pipeline.model.identity import Identity
from pipeline.stages.context import Context
from pipeline.web.changing import check_not_outdated
from pipeline.web.clients import client
from pipeline.web.console import sessions
from pipeline.web.console.cookies import ATTEMPT, SESSION
from pipeline.web.console.pages import SIGN_IN, Pages, own_address, see
from pipeline.web.console.sessions import SignedIn
from pipeline.web.console.ways_in import sign_in_page
from pipeline.web.limits import Limiter, Rate, allow
from pipeline.web.problems import Problem
from pipeline.web.refusals import refusals
from pipeline.web.rooms import Room

_log = structlog.get_logger()
_STEPS = Rate(per_second=1 / 3, burst=20)  # of one client; a sign-in has two
_LASTS = 600  # seconds that somebody may take at the provider


def router(context: Context, pages: Pages, limiter: Limiter) -> Room:
    routes = pages.router()

    def provider() -> Provider:
        if context.provider is None:
            raise Problem(404, "unknown-page", "no provider of identities is configured here")
        return context.provider

    @routes.get("/sign-in/provider")
    def leave(request: Request, next: str = "") -> Response:
        """Send somebody to the provider. A link and no form: browsers let no form of ours lead to another site."""
        found = provider()
        allow(limiter, f"provider:{client(request)}", _STEPS)
        attempt = Attempt.new(own_address(next))
        try:
            response = see(found.address_for(attempt, context.clock()))
        except (TransientError, PermanentError) as error:
            return _refused(pages, request, error, attempt.next)
        ATTEMPT.put(request, response, attempt.cookie, seconds=_LASTS)
        return response

    @routes.get("/sign-in/callback")
    def come_back(
        request: Request,
        state: Annotated[str, Query(max_length=200)] = "",
        code: Annotated[str, Query(max_length=4_000)] = "",
        iss: Annotated[str | None, Query(max_length=2_000)] = None,
        error: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        found = provider()
        check_not_outdated(context.hold)
        allow(limiter, f"provider:{client(request)}", _STEPS)
        attempt = Attempt.of_cookie(ATTEMPT.value(request) or "")
        next = own_address(attempt.next if attempt else "")
        try:
            identity = _identity(found, attempt, state=state, code=code, iss=iss, error=error)
        except (TransientError, PermanentError) as refused:
            response = _refused(pages, request, refused, next)
        else:
            response = see(next)
            sessions.begin(context, request, response, identity, by=identity.by)
        ATTEMPT.drop(request, response)
        return response

    def _identity(
        found: Provider, attempt: Attempt | None, *, state: str, code: str, iss: str | None, error: str | None
    ) -> Identity:
        if attempt is None or not attempt.is_own_state(state):
            raise NotIdentified(_NOT_BEGUN, code="sign-in-not-begun")
        now = context.clock()
        found.check_answer(iss, error, now)
        return found.identify(attempt, code, now)

    return routes


def signed_out(pages: Pages, request: Request, who: SignedIn) -> Response:
    """Return the answer for somebody whose session has ended, which deletes the cookie.

    It leads to the page for signing in, or to the provider's for signing out: by a page, because browsers let no form
    of ours do so. The provider may take its time to answer, so the session must have ended before.
    """
    provider = pages.context.provider
    known = who.session.who
    if provider is not None and isinstance(known, Identity) and known.issuer == provider.plan.issuer:
        response = _signed_out_at(pages, provider)
    else:
        response = see(SIGN_IN)
    SESSION.drop(request, response)
    return response


def _signed_out_at(pages: Pages, provider: Provider) -> Response:
    try:
        address = provider.sign_out_address(pages.context.clock())
    except (TransientError, PermanentError) as error:
        _log.warning("sign-out at the provider not possible", code=error.code, detail=str(error))
        address = None
    return pages.page("signed_out", None, address=address, provider=provider.plan.host)


def _refused(pages: Pages, request: Request, error: CitewireError, next: str) -> Response:
    """Return the page for signing in with the reason, of which a stranger is told no address of ours."""
    _log.warning("sign-in refused", code=error.code, detail=str(error))
    if isinstance(error, NotIdentified):
        refusals(request).count(request, error.code)
        return sign_in_page(pages, status=403, next=next, refused=f"{error.message} ({error.code})")
    words = f"The sign-in service cannot be used now ({error.code}). Try again, or sign in with a token."
    status = 503 if isinstance(error, TransientError) else 502
    return sign_in_page(pages, status=status, next=next, refused=words)


_NOT_BEGUN = "This sign-in was not begun in this browser, or took longer than ten minutes. Sign in once more."
