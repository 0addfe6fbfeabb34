"""/v1/articles: the status of articles, what was shown of them, and the release of held ones."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import Depends, Path, Query
from pydantic import AwareDatetime

from pipeline.ledger import Transaction, articles, deliveries
from pipeline.ledger.articles.listing import ArticleFilter
from pipeline.ledger.deliveries import channel_contents
from pipeline.model.revision import HIGHEST
from pipeline.stages.accept import Intake
from pipeline.stages.accept.again import again
from pipeline.stages.accept.release import release
from pipeline.stages.accept.schedule import schedule
from pipeline.stages.context import Context
from pipeline.views import articles as articles_views
from pipeline.views import events as events_views
from pipeline.views import history as history_views
from pipeline.views import listing as listing_views
from pipeline.views import revision as revision_views
from pipeline.views import snapshots as snapshots_views
from pipeline.web.auth import Grant, granted
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.openapi.answers import problems
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room

State = Literal["live", "scheduled", "withdrawn"]
_Channel = Annotated[str | None, Query(description="A channel's id. Without it: the site itself.")]


def router(context: Context, intake: Intake) -> Room:
    api = Room("/v1", tags=["publishing"], dependencies=[UNLESS_OUTDATED])
    caller = granted(context)

    @api.get("/articles", responses=problems(401, 403, 404, 422))
    def get_articles(
        _: Annotated[Grant, Depends(caller)],
        state: Annotated[State | None, Query(description="Only articles in this state.")] = None,
        topic: Annotated[str | None, Query(description="Only articles of this topic.")] = None,
        channel: Annotated[str | None, Query(description="Only articles that were meant for this channel.")] = None,
        query: Annotated[str | None, Query(description="Only articles with this in their title or id.")] = None,
        held: Annotated[bool, Query(description="Only articles kept from a channel for their evidence.")] = False,
        after: Annotated[str | None, Query(description="The `next` of the previous page.")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> listing_views.ArticleList:
        """List articles by id. `next` is null on the last page."""
        filters = ArticleFilter(state, topic, channel, query, held)
        with context.ledger.read() as transaction:
            if channel is not None and not ever(transaction, channel):
                raise Problem(404, "unknown-channel", f"there is no channel {channel!r}")
            return listing_views.articles(transaction, filters, after=after, limit=limit)

    def ever(transaction: Transaction, channel: str) -> bool:
        sent = deliveries.search(transaction, state=None, channel=channel, limit=1)
        return channel in context.channels or bool(sent)

    @api.get("/articles/{article_id}", responses=problems(401, 403, 404, 422))
    def get_article(article_id: str, _: Annotated[Grant, Depends(caller)]) -> articles_views.ArticleStatus:
        """Return the status of an article: its references, renditions and deliveries."""
        with context.ledger.read() as transaction:
            status = articles_views.article(transaction, article_id)
        if status is None:
            raise _unknown(article_id)
        return status

    @api.get("/articles/{article_id}/history", responses=problems(401, 403, 404, 422))
    def get_history(article_id: str, _: Annotated[Grant, Depends(caller)]) -> history_views.History:
        """Return the revisions of an article, the newest first."""
        with context.ledger.read() as transaction:
            found = history_views.history(transaction, article_id)
        if found is None:
            raise _unknown(article_id)
        return found

    @api.get("/articles/{article_id}/revisions/{revision}", responses=problems(401, 403, 404, 422))
    def get_revision(
        article_id: str,
        revision: Annotated[int, Path(ge=1, le=HIGHEST)],
        _: Annotated[Grant, Depends(caller)],
    ) -> revision_views.WholeRevision:
        """Return a revision, how it differs from the one before, and its steps to each place with their times."""
        now = context.clock()
        with context.ledger.read() as transaction:
            found = revision_views.revision(transaction, article_id, revision, now=now)
        if found is None:
            raise Problem(404, "unknown-revision", f"no revision {revision} of an article {article_id!r} is known")
        return found

    @api.get("/articles/{article_id}/shown", responses=problems(401, 403, 404, 422))
    def get_shown(
        article_id: str,
        _: Annotated[Grant, Depends(caller)],
        channel: _Channel = None,
        at: Annotated[AwareDatetime | None, Query(description="A time. Without it: now.")] = None,
    ) -> snapshots_views.Snapshot:
        """Return what a channel, or the site itself, had of the article at a given time."""
        with context.ledger.read() as transaction:
            if articles.get(transaction, article_id) is None:
                raise _unknown(article_id)
            if channel is not None and not known(transaction, article_id, channel):
                raise Problem(404, "unknown-channel", f"there is no channel {channel!r}")
            return snapshots_views.snapshot(transaction, article_id, channel, at or context.clock())

    def known(transaction: Transaction, article_id: str, channel: str) -> bool:
        return channel in context.channels or channel_contents.ever(transaction, article_id, channel)

    @api.post("/articles/{article_id}/release", responses=problems(401, 403, 404, 409, 422))
    def post_release(
        article_id: str,
        grant: Annotated[Grant, Depends(caller)],
        channel: Annotated[str | None, Query(description="End the hold of this channel only.")] = None,
    ) -> events_views.Released:
        """End the holds of an article, or that of one channel. It goes out again with its editorial marks."""
        done = release(intake, article_id, channel, by=grant.name)
        return events_views.Released(done.article, done.revision, done.channels, done.operation)

    @api.post("/articles/{article_id}/again", responses=problems(401, 403, 404, 409, 422))
    def publish_again(article_id: str, grant: Annotated[Grant, Depends(caller)]) -> events_views.PublishedAgain:
        """Deliver a live article again as it is, to every channel that has it."""
        done = again(intake, article_id, by=grant.name)
        return events_views.PublishedAgain(done.article, done.revision, done.count, done.operation)

    @api.post("/articles/{article_id}/schedule", responses=problems(401, 403, 404, 409, 422))
    def post_schedule(
        article_id: str,
        grant: Annotated[Grant, Depends(caller)],
        at: Annotated[AwareDatetime | Literal["now"], Query(description="When it goes live, or `now`.")],
    ) -> events_views.Scheduled:
        """Change when an article, or an update of it, goes live that waits for its time."""
        try:
            moment = None if isinstance(at, str) else at.astimezone(dt.UTC)
        except OverflowError:
            raise Problem(422, "invalid-parameter", "`at` is no time in UTC") from None
        done = schedule(intake, article_id, moment, by=grant.name)
        return events_views.Scheduled(done.article, done.revision, done.at, done.operation)

    return api


def _unknown(article_id: str) -> Problem:
    return Problem(404, "unknown-article", f"no article {article_id!r} is known")
