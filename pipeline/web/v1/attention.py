"""/v1/attention: what needs a person."""

from typing import Annotated

from fastapi import APIRouter, Depends

from pipeline.stages.context import Context
from pipeline.views import attention as attention_views
from pipeline.web.auth import Grant, granted
from pipeline.web.openapi.answers import problems


def router(context: Context) -> APIRouter:
    api = APIRouter(prefix="/v1", tags=["operations"])
    caller = granted(context)

    @api.get("/attention", responses=problems(401, 403))
    def get_attention(_: Annotated[Grant, Depends(caller)]) -> attention_views.Attention:
        """Return what needs a person, who must act, and what to run first."""
        with context.ledger.read() as transaction:
            channels = [one.id for one in context.channels_now(transaction).values() if not one.retired]
            return attention_views.attention(
                transaction, channels, now=context.clock(), disk=context.disk(), unapplied=context.unapplied()
            )

    return api
