"""/partners/{id}: what a partner pulls. Every change of its channel, in the order of commits, each once."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from pipeline.ledger.partners.changes import BEGINNING
from pipeline.model.rendition import digest_of
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.partners import feed as partner_feed
from pipeline.stages.partners import pull
from pipeline.web.auth import Grant, require
from pipeline.web.conditional import respond
from pipeline.web.limits import Limiter, Rate, allow
from pipeline.web.partners.arrivals import Arrivals
from pipeline.web.problems import Problem

LONGEST_WAIT = 60.0  # seconds

# A partner's own: no cache between us keeps it, and no page that it leads to learns of a token in the address.
PRIVATE = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
_FEED = PRIVATE | {"Cache-Control": "private, no-cache"}  # its reader may keep it, and asks whether it still stands

_Cursor = Annotated[str, Query(max_length=64)]
_Limit = Annotated[int, Query(ge=1, le=1000)]
_Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT)]


def router(context: Context, limiter: Limiter) -> APIRouter:
    partners = APIRouter(prefix="/partners")
    rate = Rate(context.policy.partner_rate, context.policy.partner_burst)

    def look(places: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
        return [place for place in places if pull.anything_after(context, *place)]

    arrivals = Arrivals(look)

    def admitted(request: Request, channel: str) -> tuple[ChannelPlan, Grant]:
        grant = require(context, request, f"partner:{channel}", in_address=True)
        allow(limiter, f"token:{grant.id}", rate)
        plan = context.channels.get(channel)
        if plan is None:
            raise Problem(404, "unknown-partner", f"no channel {channel!r} is configured")
        return plan, grant

    feed_formats = {format.extension: format for format in context.formats.values() if format.page is not None}

    def read(plan: ChannelPlan, grant: Grant, cursor: str, limit: int) -> tuple[bytes, bool]:
        """The answer, and whether it tells of anything."""
        token = None if grant.scope == "admin" else grant.name
        page = pull.page(context, plan, cursor=cursor, limit=limit, token=token)
        if page is None:
            hint = "give the cursor of an answer as it stood there, or none to begin anew"
            raise Problem(400, "invalid-cursor", f"that is no cursor of this channel: {hint}")
        return msgspec.json.encode({"changes": page.changes, "cursor": page.cursor}), bool(page.changes)

    @partners.get("/{channel}/changes")
    async def changes(
        request: Request, channel: str, after: _Cursor = BEGINNING, limit: _Limit = 100, wait: _Wait = 0
    ) -> Response:
        """What has changed since `after`. `wait`: seconds to wait for the first change, where there is none yet."""
        plan, grant = await run_in_threadpool(admitted, request, channel)
        answer, told = await run_in_threadpool(read, plan, grant, after, limit)
        if wait and not told:
            await arrivals.wait(channel, after, seconds=wait)
            answer, _ = await run_in_threadpool(read, plan, grant, after, limit)
        return Response(answer, media_type="application/json", headers=PRIVATE)

    @partners.get("/{channel}/articles/{article_id}/{revision}")
    def document(request: Request, channel: str, article_id: str, revision: int) -> Response:
        """The very bytes that a change told of, as long as nothing newer stands."""
        plan, _ = admitted(request, channel)
        found = pull.document(context, plan, article_id, revision)
        if found is None:
            detail = "the channel was never told of it, or a later change supersedes it"
            raise Problem(404, "not-current", detail)
        return Response(found.body, media_type=_typed(found.media_type), headers=PRIVATE)

    @partners.head("/{channel}/feed.{extension}", include_in_schema=False)
    @partners.get("/{channel}/feed.{extension}")
    def feed(request: Request, channel: str, extension: str) -> Response:
        """What changed last for the channel, as a feed. 304 for who has it already."""
        plan, grant = admitted(request, channel)
        format = feed_formats.get(extension)
        if format is None:
            raise Problem(404, "unknown-feed", f"a partner's feed is one of: {', '.join(sorted(feed_formats))}")
        built = partner_feed.build(context, plan, format)
        answer = respond(
            request, built.body, media_type=format.media_type, digest=digest_of(built.body), modified=built.modified
        )
        if request.method == "GET" and grant.scope != "admin":  # an operator looks, which says nothing of the partner
            partner_feed.asked(context, plan, grant.name)
            if answer.status_code == 200:
                partner_feed.hand_out(context, plan, built, grant.name)
        answer.headers.update(_FEED)
        return answer

    return partners


def _typed(media_type: str) -> str:
    """Whatever is text is UTF-8; JSON says so by itself."""
    return media_type if media_type.endswith("json") else f"{media_type}; charset=utf-8"
