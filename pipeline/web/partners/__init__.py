"""/partners/{channel}: what a partner pulls. Every change in its channel once, in commit order."""

from collections.abc import Collection
from typing import Annotated

import msgspec
from fastapi import Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from pipeline.ledger.partners.changes import BEGINNING
from pipeline.model.rendition import content_type, digest_of
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.partners import feed as partner_feed
from pipeline.stages.partners import pull
from pipeline.views.partners import change_page
from pipeline.web.arrivals import Arrivals
from pipeline.web.auth import Grant
from pipeline.web.conditional import respond
from pipeline.web.limits import Limiter
from pipeline.web.openapi.answers import REQUEST_HEADERS, Responses, document, problems
from pipeline.web.partners.admitted import Partner, admitted, admitted_by_address
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room
from pipeline.web.waiting import while_connected

LONGEST_WAIT = 60.0  # seconds

# For this partner only: caches must not store it, and linked pages must not see a token in the address.
PRIVATE = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}
_FEED = PRIVATE | {"Cache-Control": "private, no-cache"}  # its reader may store it, and must revalidate it

_Cursor = Annotated[str, Query(max_length=64, description="The `cursor` of an answer; without it: from the beginning.")]
_Limit = Annotated[int, Query(ge=1, le=1000)]
_Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for a change if there is none.")]


Changes = Arrivals[tuple[str, str]]  # the channel, and the cursor that something is to come after


def arrivals_of(context: Context) -> Changes:
    def look(places: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
        return [place for place in places if pull.anything_after(context, *place)]

    return Arrivals(look)


def router(context: Context, limiter: Limiter, arrivals: Changes) -> Room:
    partners = Room("/partners", tags=["partners"])
    media_types = {format.media_type for format in context.formats.values()}
    Admitted = Annotated[Partner, Depends(admitted(context, limiter))]  # noqa: N806 # types, made for this router
    Reader = Annotated[Partner, Depends(admitted_by_address(context, limiter))]  # noqa: N806
    feed_formats = {format.extension: format for format in context.formats.values() if format.page is not None}

    def read(plan: ChannelPlan, grant: Grant, cursor: str, limit: int) -> tuple[bytes, bool]:
        """Return a page of changes as JSON, and whether it contains any."""
        token = None if grant.scope == "admin" else grant.name
        page = pull.page(context, plan, cursor=cursor, limit=limit, token=token)
        if page is None:
            if pull.is_forgotten(context, plan, cursor):
                hint = "compare what you have with /articles/manifest.json, and begin again without a cursor"
                raise Problem(410, "cursor-expired", f"the changes after that cursor are no longer kept: {hint}")
            hint = "send the cursor of an answer as you received it, or none to begin again"
            raise Problem(400, "invalid-cursor", f"that is no cursor of this channel: {hint}")
        return msgspec.json.encode(change_page(page)), bool(page.changes)

    @partners.get(
        "/{channel}/changes",
        response_class=Response,
        responses=_page() | problems(400, 401, 403, 404, 410, 422, 429),
    )
    async def get_changes(
        request: Request,
        channel: str,
        mine: Admitted,
        after: _Cursor = BEGINNING,
        limit: _Limit = 100,
        wait: _Wait = 0,
    ) -> Response:
        """Return what has changed in the channel since the cursor `after`."""
        plan, grant = mine.plan, mine.grant
        answer, has_changes = await run_in_threadpool(read, plan, grant, after, limit)
        if wait and not has_changes:
            await while_connected(request, arrivals.wait(channel, (channel, after), seconds=wait))
            answer, _ = await run_in_threadpool(read, plan, grant, after, limit)
        return Response(answer, media_type="application/json", headers=PRIVATE)

    @partners.get(
        "/{channel}/articles/{article_id}/{revision}",
        response_class=Response,
        responses=document(media_types, "The rendition.", cached=False) | problems(401, 403, 404, 422, 429),
    )
    def get_change_document(channel: str, article_id: str, revision: int, mine: Admitted) -> Response:
        """Return the rendition that a change announced, unless a newer change supersedes it."""
        plan = mine.plan
        found = pull.document(context, plan, article_id, revision)
        if found is None:
            detail = "the channel has no such change, or a later one supersedes it"
            raise Problem(404, "not-current", detail)
        return Response(found.body, media_type=content_type(found.media_type), headers=PRIVATE)

    @partners.head("/{channel}/feed.{extension}", include_in_schema=False)
    @partners.get(
        "/{channel}/feed.{extension}",
        response_class=Response,
        responses=document({one.media_type for one in feed_formats.values()}, "The feed.")
        | problems(401, 403, 404, 422, 429),
        openapi_extra=REQUEST_HEADERS,
    )
    def get_partner_feed(request: Request, channel: str, extension: str, mine: Reader) -> Response:
        """Return the newest changes of the channel as a feed."""
        plan, grant = mine.plan, mine.grant
        format = feed_formats.get(extension)
        if format is None:
            raise Problem(404, "unknown-feed", f"a partner's feed is one of: {', '.join(sorted(feed_formats))}")
        built = partner_feed.build(context, plan, format)
        answer = respond(
            request, built.body, media_type=format.media_type, digest=digest_of(built.body), modified=built.modified
        )
        if request.method == "GET" and grant.scope != "admin":  # an operator's request says nothing about the partner
            partner_feed.record_request(context, plan, grant.name)
            if answer.status_code == 200:
                partner_feed.record_listed(context, plan, built, grant.name)
        answer.headers.update(_FEED)
        return answer

    return partners


def _page() -> Responses:
    schema = {"$ref": "#/components/schemas/ChangePage"}
    return {200: {"description": "The changes.", "content": {"application/json": {"schema": schema}}}}
