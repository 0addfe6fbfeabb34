"""The streams by which open pages learn that they are out of date (server-sent events)."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated

from fastapi import Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from pipeline.ledger.articles import names
from pipeline.stages.context import Context
from pipeline.web.console.live import SITE, Kind, Live, TooMany, Topic, Watched, versions_of
from pipeline.web.console.pages import Pages
from pipeline.web.console.sessions import NotSignedIn, SignedIn, signed_in
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room

_RETRY = 1_000  # milliseconds until a browser asks again


def watched_site(context: Context) -> Callable[[Request], Watched]:
    """Return a dependency of pages about the whole site. List it before what reads the ledger, so nothing is missed."""

    def watch(request: Request) -> Watched:
        return _watched(context, request, SITE)

    return watch


def watched_article(context: Context) -> Callable[..., Watched]:
    """Return a dependency of pages about an article."""

    def watch(request: Request, article_id: str) -> Watched:
        with context.ledger.read() as transaction:
            known = names.article_named(transaction, article_id)
        return _watched(context, request, Topic("article", known))

    return watch


def watched_operation(context: Context) -> Callable[..., Watched]:
    """Return a dependency of pages about an operation."""

    def watch(request: Request, operation: str) -> Watched:
        return _watched(context, request, Topic("operation", operation))

    return watch


def _watched(context: Context, request: Request, topic: Topic) -> Watched:
    address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return Watched(topic, versions_of(context, [topic]).get(topic, ""), address)


def router(context: Context, pages: Pages, live: Live) -> Room:
    routes = pages.router()
    who_is = signed_in(context)

    def admitted(request: Request) -> SignedIn:
        """Admit a stream of somebody who is signed in. A script cannot follow a redirect to sign in, so it is 401."""
        try:
            who = who_is(request)
        except NotSignedIn:
            raise Problem(401, "token-missing", "the session has ended: sign in again") from None
        try:
            live.check_room(who.secret)
        except TooMany:
            raise Problem(429, "too-many-requests", "too many pages are open", {"Retry-After": "60"}) from None
        return who

    @routes.get("/changes", response_class=EventSourceResponse)
    async def changes(
        who: Annotated[SignedIn, Depends(admitted)],
        of: Kind,
        id: Annotated[str, Query(max_length=128)] = "",
        at: Annotated[str, Query(max_length=64)] = "",
        last_event_id: Annotated[str | None, Header(max_length=64)] = None,
    ) -> AsyncIterator[ServerSentEvent]:
        """Send `changed` whenever there is another version than the page was made of, or than the last event named."""
        yield ServerSentEvent(retry=_RETRY, comment="open")
        async for version in live.changes(Topic(of, id), session=who.secret, seen=last_event_id or at):
            yield ServerSentEvent(event="changed", id=version, raw_data="")

    return routes
