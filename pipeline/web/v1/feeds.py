"""/v1/feeds: how each feed is, and who follows it at the hub."""

from typing import Annotated

from fastapi import Depends, Query

from pipeline.stages.context import Context
from pipeline.views import feeds as views
from pipeline.web.auth import Grant, granted
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.openapi.answers import problems
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room


def router(context: Context) -> Room:
    api = Room("/v1/feeds", tags=["operations"], dependencies=[UNLESS_OUTDATED])
    caller = granted(context)

    @api.get("", responses=problems(401, 403))
    def list_feeds(_: Annotated[Grant, Depends(caller)]) -> views.FeedList:
        """Return when each feed was built, how much is in it, what is wrong with it, and how many follow it."""
        return views.feed_list(context)

    @api.get("/{feed}", responses=problems(401, 403, 404, 422))
    def get_whole_feed(
        feed: str,
        _: Annotated[Grant, Depends(caller)],
        after: Annotated[str, Query(max_length=64, description="The `next` of the previous page.")] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> views.WholeFeed:
        """Return a feed with its subscriptions at the hub, by id."""
        found = views.whole_feed(context, feed, after=after, limit=limit)
        if found is None:
            raise Problem(404, "unknown-feed", f"the settings have no feed {feed!r}")
        return found

    return api
