"""Feeds: when each was built, how much is in it, what is wrong with it, and who follows it."""

from typing import Annotated

from fastapi import Depends, Query, Response

from pipeline.stages.context import Context
from pipeline.views.feeds import feed_list, whole_feed
from pipeline.web.console.pages import Pages
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room

_PAGE = 50  # subscriptions


def router(context: Context, pages: Pages) -> Room:
    routes = pages.router()
    who_is = signed_in(context)

    @routes.get("/feeds")
    def feeds(who: Annotated[SignedIn, Depends(who_is)]) -> Response:
        return pages.page("feeds", who, feeds=feed_list(context).feeds, place="feeds")

    @routes.get("/feeds/{feed}")
    def feed_page(
        feed: str, who: Annotated[SignedIn, Depends(who_is)], after: Annotated[str, Query(max_length=64)] = ""
    ) -> Response:
        one = whole_feed(context, feed, after=after, limit=_PAGE)
        if one is None:
            raise Problem(404, "unknown-feed", f"the settings have no feed {feed!r}")
        return pages.page("feed", who, one=one, later=bool(after), place="feeds")

    return routes
