"""/v1/failures: what fails, by cause, and the replay of a whole cause."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import AwareDatetime

from pipeline.stages.accept import Intake
from pipeline.stages.accept.replay import replay_failure
from pipeline.stages.context import Context
from pipeline.stages.failure_notes import dismiss, note, reopen
from pipeline.views import events as events_views
from pipeline.views import failures as failures_views
from pipeline.web.auth import Grant, granted
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.openapi.answers import problems
from pipeline.web.rooms import Room


def router(context: Context, intake: Intake) -> Room:
    api = Room("/v1/failures", tags=["deliveries"], dependencies=[UNLESS_OUTDATED])
    caller = granted(context)

    @api.get("", responses=problems(401, 403))
    def get_failures(_: Annotated[Grant, Depends(caller)]) -> failures_views.FailureList:
        """Return what fails, grouped by cause: who must act, and what to do."""
        with context.ledger.read() as transaction:
            return failures_views.failures(transaction, now=context.clock())

    @api.post("/{key}/replay", responses=problems(401, 403, 404, 422))
    def replay_cause(
        key: str,
        grant: Annotated[Grant, Depends(caller)],
        seen: Annotated[AwareDatetime, Query(description="The `seen` of the list: what failed later is left alone.")],
    ) -> events_views.Replayed:
        """Attempt every delivery of a cause again, with all its attempts. A disabled channel is enabled."""
        return events_views.replayed(replay_failure(intake, key, seen=seen, by=grant.name))

    @api.post("/{key}/note", responses=problems(401, 403, 404, 422))
    def note_cause(
        key: str,
        grant: Annotated[Grant, Depends(caller)],
        text: Annotated[str, Query(description="What people should know about it; empty: nothing any more.")] = "",
    ) -> failures_views.Noted:
        """Write a note about a cause, in place of the former one."""
        return failures_views.noted(note(intake, key, text, by=grant.name))

    @api.post("/{key}/dismiss", responses=problems(401, 403, 404, 422))
    def dismiss_cause(
        key: str,
        grant: Annotated[Grant, Depends(caller)],
        seen: Annotated[AwareDatetime, Query(description="The `seen` of the list: what fails later reopens it.")],
    ) -> failures_views.Noted:
        """Dismiss a cause until it happens again."""
        return failures_views.noted(dismiss(intake, key, seen=seen, by=grant.name))

    @api.post("/{key}/reopen", responses=problems(401, 403, 404, 422))
    def reopen_cause(key: str, grant: Annotated[Grant, Depends(caller)]) -> failures_views.Noted:
        """Take the dismissal of a cause back."""
        return failures_views.noted(reopen(intake, key, by=grant.name))

    return api
