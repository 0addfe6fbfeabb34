"""`recall`: the certificate of a retraction."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.errors import InvalidEvent
from pipeline.views import recall as recall_views
from workers.cli import output
from workers.cli.common import ConfigOption, DataOption, JsonOption, find, print_json, reading


def register(app: typer.Typer) -> None:
    app.command()(recall)


def recall(
    pmid: Annotated[str, typer.Argument(metavar="PMID")],
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show the certificate of a retraction: which articles cite the paper, and what each place showed of it when."""
    from workers.site import site_of
    from workers.wiring import signer_of

    system = find(data, config)
    with reading(system) as (transaction, now):
        found = recall_views.certificate(transaction, pmid, site_of(system.settings), now=now)
    if found is None:
        message = f"no source says that the paper with the PMID {pmid} was retracted, or no article here ever cited it"
        raise InvalidEvent(message, code="unknown-recall", field="pmid", hint="look at `citewire references`")
    done = recall_views.signed(found, signer_of(system.settings))
    print_json(done) if json else output.recall(done)
