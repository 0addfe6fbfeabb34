"""`references`: what is known of cited papers, and which live articles cite them."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline import views
from pipeline.ledger import evidence
from workers.cli import output
from workers.cli.common import ConfigOption, DataOption, JsonOption, find, now, open_ledger, print_json


def register(app: typer.Typer) -> None:
    app.command()(references)


def references(
    pmids: Annotated[list[str] | None, typer.Argument(metavar="[PMID]...", help="None: every cited one.")] = None,
    recheck: Annotated[bool, typer.Option("--recheck", help="Ask PubMed for them again, now.")] = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show what is known of references. PubMed's answer to `--recheck` reaches every article that cites them."""
    with open_ledger(find(data, config)) as ledger, ledger.write() as transaction:
        wanted = pmids or evidence.all_cited(transaction)
        if recheck:
            evidence.ask_again(transaction, wanted, due=now())
        shapes = [views.cited(transaction, pmid) for pmid in wanted]
    if json:
        print_json({"references": shapes})
    else:
        output.references(shapes)
