"""/v1/operations: list what was done, and undo it."""

from typing import Annotated

from fastapi import Depends, Query

from pipeline.stages.accept import Intake
from pipeline.stages.accept.undo import undo
from pipeline.stages.context import Context
from pipeline.views import operations as operations_views
from pipeline.web.auth import Grant, granted
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.openapi.answers import problems
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room


def router(context: Context, intake: Intake) -> Room:
    api = Room("/v1", tags=["publishing"], dependencies=[UNLESS_OUTDATED])
    caller = granted(context)

    @api.get("/operations", responses=problems(401, 403, 422))
    def get_operations(
        _: Annotated[Grant, Depends(caller)], limit: Annotated[int, Query(ge=1, le=100)] = 20
    ) -> operations_views.OperationList:
        """Return the newest operations, the newest first."""
        with context.ledger.read() as transaction:
            return operations_views.operations(transaction, limit=limit, now=context.clock())

    @api.get("/operations/{operation_id}", responses=problems(401, 403, 404, 422))
    def get_operation(operation_id: str, _: Annotated[Grant, Depends(caller)]) -> operations_views.Operation:
        """Return an operation with what became of each of its parts."""
        with context.ledger.read() as transaction:
            found = operations_views.operation(transaction, operation_id, now=context.clock())
        if found is None:
            raise Problem(404, "unknown-operation", f"no operation {operation_id!r} is known")
        return found

    @api.post("/operations/{operation_id}/undo", responses=problems(401, 403, 404, 409, 422))
    def undo_operation(operation_id: str, grant: Annotated[Grant, Depends(caller)]) -> operations_views.Undone:
        """Bring back what the operation changed, as new revisions, and withdraw what it made."""
        done = undo(intake, operation_id, by=grant.name)
        return operations_views.Undone(done.operation, len(done.accepted), done.overtaken)

    return api
