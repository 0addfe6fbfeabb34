"""`operations` and `undo`: list what was done, and take it back."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pipeline.intake.fields.reasons import reason_of
from pipeline.stages.accept.undo import REASON
from pipeline.stages.accept.undo import undo as undo_operation
from pipeline.views import operations as operations_views
from workers.cli import OVERTAKEN, output
from workers.cli.accepting import intake_of
from workers.cli.common import ConfigOption, DataOption, JsonOption, existing_ledger, find, print_json, reading
from workers.cli.names import operation_named

_MOST = 100  # operations listed


def register(app: typer.Typer) -> None:
    app.command()(operations)
    app.command()(undo)


def operations(
    operation: Annotated[str | None, typer.Argument(metavar="[ID]")] = None,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show what commands and events did, the newest first, or one operation with each of its parts."""
    system = find(data, config)
    with reading(system) as (transaction, now):
        if operation is None:
            _show_newest(operations_views.operations(transaction, limit=_MOST + 1, now=now).operations, json=json)
            return
        found = operations_views.operation(transaction, operation_named(transaction, operation), now=now)
    assert found is not None, "it was found in this transaction"
    print_json(found) if json else output.operation(found)


def _show_newest(every: tuple[operations_views.Operation, ...], *, json: bool) -> None:
    newest = every[:_MOST]
    print_json(operations_views.OperationList(newest)) if json else output.operations(newest)
    if len(every) > _MOST:
        output.note(f"there are more than these: the newest {_MOST} are shown")


def undo(
    operation: Annotated[str, typer.Argument(metavar="OPERATION")],
    reason: Annotated[str, typer.Option(help="Why what it made is withdrawn, for everyone downstream.")] = REASON,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Bring back what an operation changed, as new revisions, and withdraw what it made."""
    why = reason_of(reason, field="reason")
    system = find(data, config)
    with existing_ledger(system) as ledger:
        with ledger.read() as transaction:
            operation = operation_named(transaction, operation)
        done = undo_operation(intake_of(ledger, system), operation, by="citewire undo", reason=why)
    if json:
        print_json(operations_views.Undone(done.operation, len(done.accepted), done.overtaken))
    else:
        output.accepted(
            [{"article": one.article, "revision": one.revision, "changed": one.changed} for one in done.accepted]
        )
    for article in done.overtaken:
        print(f"citewire: {article} was changed since and is left as it is [overtaken]", file=sys.stderr)
    if done.overtaken:
        raise typer.Exit(OVERTAKEN)
