"""/v1/bulk: an action on all articles that match, in two steps: what it concerns is shown, then it is started."""

from typing import Annotated

from fastapi import Depends, Query

from pipeline.ledger import Transaction
from pipeline.ledger.articles import listing
from pipeline.ledger.articles.listing import ArticleFilter
from pipeline.ledger.bulk import Action, Chosen
from pipeline.stages.accept import Intake
from pipeline.stages.bulk.starting import prepare, prepared, start, waiting
from pipeline.stages.context import Context
from pipeline.views import bulk as bulk_views
from pipeline.web.auth import Grant, granted
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.needed import OF_ACTION
from pipeline.web.openapi.answers import problems
from pipeline.web.rooms import Room
from pipeline.web.v1.articles import State


def router(context: Context, intake: Intake) -> Room:
    api = Room("/v1/bulk", tags=["publishing"], dependencies=[UNLESS_OUTDATED])
    caller = granted(context)

    @api.post("", status_code=201, responses=problems(401, 403, 409, 422))
    def prepare_action(
        grant: Annotated[Grant, Depends(caller)],
        action: Annotated[
            Action, Query(description="What to do with them; it needs the scope of the same action on one article.")
        ],
        state: Annotated[State | None, Query(description="Only articles in this state.")] = None,
        topic: Annotated[str | None, Query(description="Only articles of this topic.")] = None,
        channel: Annotated[str | None, Query(description="Only articles that were meant for this channel.")] = None,
        query: Annotated[str | None, Query(description="Only articles with this in their title or id.")] = None,
        held: Annotated[bool, Query(description="Only articles kept from a channel for their evidence.")] = False,
    ) -> bulk_views.PreparedAction:
        """Note all articles that `GET /v1/articles` lists with these filters, for an action. It is not started yet."""
        grant.check_may(OF_ACTION[action])
        filters = ArticleFilter(state, topic, channel, query, held)

        def matching(transaction: Transaction) -> list[Chosen]:
            return [Chosen(one.id, one.revision) for one in listing.every(transaction, filters)]

        return bulk_views.prepared_action(prepare(intake, action, matching, by=grant.name))

    @api.get("/{operation_id}", responses=problems(401, 403, 409, 422))
    def get_prepared_action(operation_id: str, _: Annotated[Grant, Depends(caller)]) -> bulk_views.PreparedAction:
        """Return an action that waits to be started."""
        return bulk_views.prepared_action(prepared(intake, operation_id))

    @api.post("/{operation_id}/start", status_code=202, responses=problems(401, 403, 409, 422))
    def start_action(
        operation_id: str,
        grant: Annotated[Grant, Depends(caller)],
        reason: Annotated[str | None, Query(description="Of a withdrawal, which needs one.")] = None,
    ) -> bulk_views.StartedAction:
        """Start it. Workers carry it out, whatever is restarted; `GET /v1/operations/{operation_id}` says how far."""
        one = waiting(intake, operation_id)
        grant.check_may(OF_ACTION[one.action])
        started = start(intake, operation_id, by=grant.name, reason=reason)
        return bulk_views.StartedAction(started.id, one.count)

    return api
