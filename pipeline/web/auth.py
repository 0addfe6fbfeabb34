"""Tokens: `Authorization: Bearer …` (RFC 6750), or `?token=` for feed readers and hooks that cannot send a header."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import APIKeyQuery, HTTPAuthorizationCredentials, HTTPBearer
from msgspec import Struct

from pipeline.errors import TransientError
from pipeline.ledger import tokens
from pipeline.ledger.tokens import Token
from pipeline.model import roles
from pipeline.stages.context import Context
from pipeline.web.needed import needed
from pipeline.web.problems import Problem
from pipeline.web.refusals import Refused

_HOUR = dt.timedelta(hours=1)
PARAMETER = "token"  # the query parameter that may hold the token

# These only describe the schemes; `require` reads the token itself, so that both get the same errors.
_BEARER = HTTPBearer(
    scheme_name="token",
    description="A token that `citewire token create` printed. Its role says what it may do.",
    auto_error=False,
)
_IN_ADDRESS = APIKeyQuery(
    name=PARAMETER,
    scheme_name="tokenInAddress",
    description="The same token in the address, for feed readers and hooks that cannot send a header.",
    auto_error=False,
)
Bearer = Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]
InAddress = Annotated[str | None, Security(_IN_ADDRESS)]


class Grant(Struct, frozen=True):
    """What the caller's token allows."""

    id: str  # identifies the token without revealing it
    name: str
    scope: str  # the role, or what else the token was made for

    def check_may(self, scope: str) -> None:
        """Raise Refused 403 unless the token has the scope, too."""
        if not roles.may(self.scope, scope):
            raise Refused(403, "scope-insufficient", roles.refusal(self.scope, scope), token=self)


def granted(context: Context) -> Callable[..., Grant]:
    """Return a dependency that admits callers whose token has the scope that the route needs."""

    def grant(request: Request, _: Bearer) -> Grant:
        return require(context, request, needed(request))

    return grant


def require(
    context: Context, request: Request, scope: str, *, in_address: bool = False, admins_too: bool = False
) -> Grant:
    """Return what the caller's token allows. Raises Problem 401 or 403.

    `in_address`: the token may also be in the query string, for feed readers and hooks that cannot send a header. Then
    it is in the logs of others, so an administrator's, which opens everything, is taken only if `admins_too`.
    """
    token = _sent(request, in_address=in_address)
    if token is None:
        challenge = {"WWW-Authenticate": 'Bearer realm="citewire"'}
        lost = ". One in the address is not taken here" if PARAMETER in request.query_params else ""
        raise Problem(401, "token-missing", f"send a token: Authorization: Bearer …{lost}", challenge)
    now = context.clock()
    with context.ledger.read() as transaction:
        found = tokens.find(transaction, token, now=now)
    if found is None:
        challenge = {"WWW-Authenticate": 'Bearer realm="citewire", error="invalid_token"'}
        raise Refused(401, "token-invalid", "the token is unknown, has expired or was revoked", challenge)
    if found.scope == "admin" and not admins_too and "authorization" not in request.headers:
        challenge = {"WWW-Authenticate": 'Bearer realm="citewire"'}
        hint = "send it as Authorization: Bearer …, or use a token that is made for this alone, and revoke this one"
        detail = f"an administrator's token is not taken from an address, which others write to logs: {hint}"
        raise Refused(401, "token-in-address", detail, challenge, token=found)
    if not roles.may(found.scope, scope):
        raise Refused(403, "scope-insufficient", roles.refusal(found.scope, scope), token=found)
    record_use(context, found, now)
    return Grant(found.id, found.name, found.scope)


def record_use(context: Context, token: Token, now: dt.datetime) -> None:
    """Record the use once an hour. A ledger that is busy does not turn the caller away: the next use is recorded."""
    if not token.is_used_since(now - _HOUR):
        with contextlib.suppress(TransientError), context.ledger.write() as transaction:
            tokens.record_use(transaction, token, now=now)


def _sent(request: Request, *, in_address: bool) -> str | None:
    """Return the token from the header if there is one, else from the address (RFC 6750, sections 2.1 and 2.3)."""
    header = request.headers.get("authorization")
    if header is not None:
        kind, _, token = header.partition(" ")
        return token.strip() or None if kind.lower() == "bearer" else None
    return request.query_params.get(PARAMETER) or None if in_address else None
