"""The page for signing in, with every way in that this site has."""

from __future__ import annotations

from fastapi import Response

from pipeline.ledger import passkeys
from pipeline.stages.context import Context
from pipeline.web.console.pages import Pages


def sign_in_page(pages: Pages, *, next: str, status: int = 200, refused: str | None = None) -> Response:
    """`refused`: why somebody is shown it again."""
    context = pages.context
    provider = context.provider.plan.host if context.provider else None
    return pages.page(
        "sign_in",
        None,
        status=status,
        next=next,
        refused=refused,
        provider=provider,
        passkeys=_has_passkeys(context),
        codes=context.passkeys is not None,
    )


def _has_passkeys(context: Context) -> bool:
    if context.passkeys is None:
        return False
    with context.ledger.read() as transaction:
        return passkeys.are_any(transaction)
