"""What a browser is asked to have an authenticator sign: kept in the ledger, and answered once by the same browser.

The page that asks has a script, which gives the options to the browser and sends the answer as a form.
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import Request, Response

from pipeline.errors import TransientError
from pipeline.identity import NotIdentified
from pipeline.ledger import passkeys
from pipeline.ledger.passkeys import Open
from pipeline.model.identity import CHALLENGE_LASTS
from pipeline.stages.context import Context
from pipeline.web.clients import client
from pipeline.web.console.cookies import CHALLENGE
from pipeline.web.console.pages import Pages
from pipeline.web.console.sessions import SignedIn
from pipeline.web.limits import Limiter, Rate, allow
from pipeline.web.problems import Problem

if TYPE_CHECKING:  # a site without passkeys needs none of their library
    from pipeline.identity.passkeys import Passkeys

_log = structlog.get_logger()
_STEPS = Rate(per_second=1 / 3, burst=20)  # of one client; a sign-in has two


class Challenges:
    def __init__(self, context: Context, pages: Pages, limiter: Limiter) -> None:
        self._context = context
        self._pages = pages
        self._limiter = limiter

    @property
    def site(self) -> Passkeys:
        """The passkeys of the site. Raises Problem 404 if there are none here."""
        if self._context.passkeys is None:
            raise Problem(404, "unknown-page", "the settings of this site have no passkeys")
        return self._context.passkeys

    def allow(self, request: Request) -> None:
        """Raise Problem 429 if the client asks or answers too often."""
        allow(self._limiter, f"passkey:{client(request)}", _STEPS)

    def new(self, *, asker: str | None = None, person: str | None = None) -> str:
        """Record a challenge of 256 random bits. `asker` and `person` as `passkeys.ask` has them."""
        challenge = secrets.token_urlsafe(32)
        context = self._context
        with context.ledger.write() as transaction:
            if not passkeys.ask(transaction, challenge, now=context.clock(), asker=asker, person=person):
                raise TransientError("too many people are signing in at the same time", code="sign-in-busy")
        return challenge

    def page(
        self, request: Request, name: str, challenge: str, options: str, *, who: SignedIn | None, **values: Any
    ) -> Response:
        """Return the page that has the browser ask for a passkey, or make one, with these options."""
        plan = self.site.plan
        response = self._pages.page(name, who, script=True, options=options, origin=plan.origin, **values)
        CHALLENGE.put(request, response, challenge, seconds=int(CHALLENGE_LASTS.total_seconds()))
        return response

    def taken(self, request: Request, *, asker: str | None = None) -> tuple[str, Open]:
        """Use up the challenge that this browser was given, whatever the answer is worth. Raises NotIdentified."""
        challenge, context = CHALLENGE.value(request) or "", self._context
        with context.ledger.write() as transaction:
            found = passkeys.take(transaction, challenge, now=context.clock(), asker=asker)
        if found is None:
            raise NotIdentified(_NOT_BEGUN, code="passkey-expired")
        return challenge, found


def note(error: NotIdentified) -> None:
    """Log why somebody was refused, which they are not told: it may quote whoever made the answer up."""
    _log.warning("sign-in refused", code=error.code, detail=error.answer or error.message)


_NOT_BEGUN = (
    "This was not begun in this browser, was answered already, or took longer than "
    f"{CHALLENGE_LASTS // dt.timedelta(minutes=1)} minutes. Begin again."
)
