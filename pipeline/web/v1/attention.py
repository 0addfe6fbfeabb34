"""/v1/attention: what needs a person."""

from typing import Annotated

from fastapi import Depends

from pipeline.stages.context import Context
from pipeline.views import attention as attention_views
from pipeline.web.auth import Grant, granted
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.openapi.answers import problems
from pipeline.web.rooms import Room


def router(context: Context) -> Room:
    api = Room("/v1", tags=["operations"], dependencies=[UNLESS_OUTDATED])
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
