"""Actions on one channel."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from pipeline.ledger import Transaction
from pipeline.ledger.deliveries import channels
from pipeline.stages.context import Context
from pipeline.web.console.forms import MAX_BODY, Acting, acting
from pipeline.web.console.pages import HOME, Pages, see
from pipeline.web.console.sessions import signed_in
from pipeline.web.problems import Problem


def router(context: Context, pages: Pages) -> APIRouter:
    routes = pages.router()
    admin = acting(signed_in(context))

    @routes.post("/channels/{channel}/resume", max_body_size=MAX_BODY)
    def resume(channel: str, _: Annotated[Acting, Depends(admin)]) -> Response:
        with context.ledger.write() as transaction:
            check_channel(context, transaction, channel)
            channels.resume(transaction, channel)
        return see(HOME)

    return routes


def check_channel(context: Context, transaction: Transaction, channel: str) -> None:
    """Raise Problem 404 unless there is such a channel."""
    if channel not in context.channels_now(transaction):
        raise Problem(404, "unknown-channel", f"there is no channel {channel!r}")
