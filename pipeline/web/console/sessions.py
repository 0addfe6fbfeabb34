"""Who is signed in: a session in the ledger, named by a cookie that no script can read."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Callable

from fastapi import Request, Response
from msgspec import Struct

from pipeline.errors import TransientError
from pipeline.ledger import Transaction, sessions
from pipeline.ledger.passkeys import Person
from pipeline.ledger.sessions import Session
from pipeline.ledger.tokens import Token
from pipeline.model import roles
from pipeline.model.identity import Identity
from pipeline.stages import acts
from pipeline.stages.acts import act_of
from pipeline.stages.context import Context
from pipeline.web.auth import record_use
from pipeline.web.clients import client
from pipeline.web.console.cookies import SESSION
from pipeline.web.needed import needed
from pipeline.web.refusals import Refused


class NotSignedIn(Exception):
    """Nobody is signed in, or the session has ended."""


class SignedIn(Struct, frozen=True):
    """Somebody who is signed in. `secret` is the value of the cookie."""

    session: Session
    secret: str

    @property
    def name(self) -> str:
        return self.session.name

    @property
    def by(self) -> str:
        """The person as operations name them."""
        return self.session.by

    @property
    def role(self) -> str:
        return self.session.role

    def may(self, scope: str) -> bool:
        return roles.may(self.role, scope)

    def field(self) -> str:
        """Return a value for the hidden field of a form that only a page of this session can contain.

        It is another one on each page, so that compressing the pages reveals nothing of it.
        """
        nonce = secrets.token_hex(8)
        return f"{nonce}.{self._sign(nonce)}"

    def is_own_field(self, value: str) -> bool:
        nonce, _, signature = value.partition(".")
        return hmac.compare_digest(signature.encode(), self._sign(nonce).encode())

    def _sign(self, nonce: str) -> str:
        return hmac.new(self.secret.encode(), nonce.encode(), hashlib.sha256).hexdigest()


def signed_in(context: Context) -> Callable[[Request], SignedIn]:
    """Return a dependency that admits people whose role has the scope that the route needs.

    It raises NotSignedIn and Refused 403.
    """

    def find(request: Request) -> SignedIn:
        secret = SESSION.value(request)
        now = context.clock()
        if not secret:
            raise NotSignedIn
        with context.ledger.read() as transaction:
            found = sessions.find(transaction, secret, now=now, limits=context.policy.sessions)
        if found is None or not opens_console(found.role):
            raise NotSignedIn
        if not found.is_seen_lately(now) and not is_script(request):
            with contextlib.suppress(TransientError), context.ledger.write() as transaction:
                sessions.record_use(transaction, secret, now=now)
            if isinstance(found.who, Token):
                record_use(context, found.who, now)
        who = SignedIn(found, secret)
        check_may(who, needed(request))
        return who

    return find


def is_script(request: Request) -> bool:
    """Return whether a page's script asks, and nobody: a page that is open somewhere keeps no session from ending."""
    return "hx-request" in request.headers


def opens_console(role: str) -> bool:
    """Return whether people with this role can sign in: a partner's token opens no console."""
    return roles.may(role, "read")


def check_may(who: SignedIn, scope: str) -> None:
    """Raise Refused 403 unless the role of the person has the scope."""
    if not who.may(scope):
        token = who.session.who if isinstance(who.session.who, Token) else None
        raise Refused(403, "scope-insufficient", roles.refusal(who.role, scope), token=token)


def begin(context: Context, request: Request, response: Response, who: str | Identity, *, by: str) -> None:
    """Begin a session in place of any former one of this browser, and set its cookie.

    `who`: a token, or an identity.
    """
    with context.ledger.write() as transaction:
        secret = begin_in(transaction, context, request, who, by=by)
    keep(context, request, response, secret)


def begin_in(
    transaction: Transaction,
    context: Context,
    request: Request,
    who: str | Identity | Person,
    *,
    by: str,
    passkey: str | None = None,
    reason: str | None = None,
) -> str:
    """Begin a session in this transaction; return its secret, which the browser is to `keep`.

    `passkey`: the hash of the one that was used. `reason`: how they have signed in, if not as is usual.
    """
    secret, former = secrets.token_urlsafe(32), SESSION.value(request)
    if former:
        sessions.end(transaction, former)
    sessions.begin(transaction, secret, who=who, client=client(request), now=context.clock(), passkey=passkey)
    acts.record(transaction, act_of(context, by), "sign-in", "signed-in", reason=reason)
    return secret


def keep(context: Context, request: Request, response: Response, secret: str) -> None:
    """Have the browser keep the cookie of a session."""
    SESSION.put(request, response, secret, seconds=int(context.policy.sessions.longest.total_seconds()))


def end(context: Context, who: SignedIn) -> None:
    """End the session of somebody who signs out."""
    with context.ledger.write() as transaction:
        sessions.end(transaction, who.secret)
        acts.record(transaction, act_of(context, who.by), "sign-out", "signed-out")
