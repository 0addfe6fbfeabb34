"""Tokens: `Authorization: Bearer …` (RFC 6750), or `?token=` where the reader can do no better."""

from __future__ import annotations

from fastapi import Request
from msgspec import Struct

from pipeline.ledger import tokens
from pipeline.stages.context import Context
from pipeline.web.problems import Problem

PARAMETER = "token"  # of an address that holds the token itself


class Grant(Struct, frozen=True):
    """What the caller's token allows."""

    id: str  # of the token: tells it from the others, and nothing of what it is
    name: str
    scope: str


def require(context: Context, request: Request, *scopes: str, in_address: bool = False) -> Grant:
    """What the caller may do. Raises Problem 401 or 403. `admin` may do everything.

    `in_address`: the token may also stand in the query string, which feed readers can do and a header they cannot.
    """
    token = _shown(request, in_address=in_address)
    if token is None:
        challenge = {"WWW-Authenticate": 'Bearer realm="citewire"'}
        raise Problem(401, "token-missing", "send a token: Authorization: Bearer …", challenge)
    with context.ledger.read() as transaction:
        found = tokens.find(transaction, token, now=context.clock())
    if found is None:
        challenge = {"WWW-Authenticate": 'Bearer realm="citewire", error="invalid_token"'}
        raise Problem(401, "token-invalid", "the token is not known, has expired or was revoked", challenge)
    if found.scope != "admin" and found.scope not in scopes:
        detail = f"the token's scope is {found.scope}, needed is {' or '.join(scopes)}"
        raise Problem(403, "scope-insufficient", detail)
    return Grant(found.id, found.name, found.scope)


def _shown(request: Request, *, in_address: bool) -> str | None:
    """The token, from the header where there is one (RFC 6750, sections 2.1 and 2.3)."""
    header = request.headers.get("authorization")
    if header is not None:
        kind, _, token = header.partition(" ")
        return token.strip() or None if kind.lower() == "bearer" else None
    return request.query_params.get(PARAMETER) or None if in_address else None
