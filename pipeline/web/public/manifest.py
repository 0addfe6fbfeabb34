"""What the site shows, as a list: for partners that start over, and for comparing copies with the original."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated

import msgspec
from fastapi import Query, Request, Response
from msgspec import Meta, Struct

from pipeline.ledger.articles import public, renditions
from pipeline.model.rendition import digest_of
from pipeline.stages.context import Context
from pipeline.web.conditional import respond
from pipeline.web.openapi.answers import REQUEST_HEADERS, document, problems
from pipeline.web.rooms import Room

_PAGE = "html"
_JSON = "application/json"


class Entry(Struct, frozen=True, kw_only=True):
    """An article. One that was withdrawn has no digests."""

    article: str
    state: str
    revision: Annotated[int, Meta(ge=1)]
    digest: str | None  # of its page
    renditions: Mapping[str, str]  # digests by format
    at: dt.datetime  # when it was updated or withdrawn


class Manifest(Struct, frozen=True, kw_only=True):
    """A page of the list, by id, and the address of the next one."""

    articles: tuple[Entry, ...]
    next: str | None


def router(context: Context) -> Room:
    listed = Room(tags=["articles"])

    @listed.get(
        "/articles/manifest.json",
        response_class=Response,
        responses=document({_JSON}, "Articles with their revisions and digests.") | problems(422),
        openapi_extra=REQUEST_HEADERS,
    )
    def manifest(
        request: Request,
        after: Annotated[str, Query(max_length=128, description="Only articles whose ids follow.")] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 500,
    ) -> Response:
        """Return every article that is or was public, withdrawn ones included: its id, state, revision and digests."""
        with context.ledger.read() as transaction:
            found = public.page(transaction, after, limit=limit)
            live = [(one.article, one.revision) for one in found if one.state == "live"]
            digests = renditions.digests(transaction, live)
        entries = tuple(_entry(one, digests.get(one.article, {})) for one in found)
        more = None
        if len(found) == limit:
            more = f"{context.site.served}/articles/manifest.json?after={found[-1].article}&limit={limit}"
        page = Manifest(articles=entries, next=more)
        body = msgspec.json.encode(page)
        return respond(request, body, media_type=_JSON, digest=digest_of(body), modified=None)

    return listed


def _entry(one: public.Listed, digests: Mapping[str, str]) -> Entry:
    return Entry(
        article=one.article,
        state=one.state,
        revision=one.revision,
        digest=digests.get(_PAGE),
        renditions=digests,
        at=one.at,
    )
