"""Tokens: `Authorization: Bearer …` (RFC 6750)."""

from __future__ import annotations

from fastapi import Request

from pipeline.ledger import Ledger, tokens
from pipeline.web.problems import Problem


def require(ledger: Ledger, request: Request, *scopes: str) -> str:
    """The scope of the caller's token. Raises Problem 401 or 403. `admin` may do everything."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        challenge = {"WWW-Authenticate": 'Bearer realm="citewire"'}
        raise Problem(401, "token-missing", "send a token: Authorization: Bearer …", challenge)
    with ledger.read() as transaction:
        scope = tokens.scope_of(transaction, token.strip())
    if scope is None:
        challenge = {"WWW-Authenticate": 'Bearer realm="citewire", error="invalid_token"'}
        raise Problem(401, "token-invalid", "the token is not known or was revoked", challenge)
    if scope != "admin" and scope not in scopes:
        raise Problem(403, "scope-insufficient", f"the token's scope is {scope}, needed is {' or '.join(scopes)}")
    return scope
