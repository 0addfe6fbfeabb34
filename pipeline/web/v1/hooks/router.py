"""/v1/hooks: where a CMS sends its publish hooks."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from pipeline.stages.accept import Intake
from pipeline.stages.context import Context
from pipeline.views import events as events_views
from pipeline.web.auth import Bearer, Grant, InAddress, require
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.needed import needed
from pipeline.web.openapi.answers import problems
from pipeline.web.refusals import Refused
from pipeline.web.rooms import Room
from pipeline.web.v1.events import MAX_BODY, taker
from pipeline.web.v1.hooks import ghost, wordpress
from pipeline.web.v1.hooks.post import Post, event_from
from pipeline.web.v1.sender_trace import traceparent_of

_ANSWERS = problems(401, 403, 404, 409, 413, 422)
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}


def router(context: Context, intake: Intake) -> Room:
    api = Room("/v1/hooks", tags=["publishing"], dependencies=[UNLESS_OUTDATED])
    accepted = taker(context, intake)

    def caller(request: Request, _: Bearer, __: InAddress) -> Grant:
        return require(context, request, needed(request), in_address=True)

    async def take(request: Request, read: Callable[[bytes], Post], by: str) -> events_views.AcceptedEvent:
        body = await request.body()

        def step() -> events_views.AcceptedEvent:
            event = event_from(read(body), language=context.site.language, drop=context.policy.intake_drop)
            return accepted([event], traceparent_of(request.headers), by)[0]

        return await run_in_threadpool(step)

    @api.post("/ghost", status_code=202, max_body_size=MAX_BODY, responses=_ANSWERS, openapi_extra=_BODY)
    async def post_ghost(request: Request, grant: Annotated[Grant, Depends(caller)]) -> events_views.AcceptedEvent:
        """Take a webhook of Ghost about a post. With `web.ghost_secret`, its signature must be right."""
        secret = context.ghost_secret
        if secret is not None:
            header = request.headers.get("x-ghost-signature", "")
            if not ghost.is_signed(await request.body(), header, secret):
                detail = "x-ghost-signature is not that of this body with the secret"
                raise Refused(401, "signature-invalid", detail, token=grant)
        return await take(request, ghost.post_of, grant.name)

    @api.post("/wordpress", status_code=202, max_body_size=MAX_BODY, responses=_ANSWERS, openapi_extra=_BODY)
    async def post_wordpress(request: Request, grant: Annotated[Grant, Depends(caller)]) -> events_views.AcceptedEvent:
        """Take a post of WordPress, as its REST API shows it or as a plug-in for webhooks sends it."""
        return await take(request, wordpress.post_of, grant.name)

    return api
