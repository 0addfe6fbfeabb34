"""`references`: what is known about cited papers, which live articles cite them, and how their status changed."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Annotated

import msgspec
import typer

from pipeline.errors import InvalidEvent
from pipeline.ledger import Ledger
from pipeline.ledger.database import chunks
from pipeline.ledger.evidence import cited
from pipeline.ledger.evidence.listing import Standing
from pipeline.stages import acts
from pipeline.views import reference_list
from pipeline.views import references as references_views
from workers.cli import TIMED_OUT, UNKNOWN, output
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    TimeoutOption,
    act_of,
    existing_ledger,
    find,
    ledger_now,
    print_json,
)
from workers.cli.interrupting import wait_until

_POLL = 0.2  # seconds between looks at the ledger while waiting
_AT_ONCE = 500  # references read and printed together, because a ledger may hold any number
_CHANGES = 50  # changes shown for all papers together, or for each named one


def register(app: typer.Typer) -> None:
    app.command()(references)


def references(
    pmids: Annotated[list[str] | None, typer.Argument(metavar="[PMID]...", help="None: every cited one.")] = None,
    standing: Annotated[Standing | None, typer.Option(help="Only those of which this is so.")] = None,
    recheck: Annotated[bool, typer.Option("--recheck", help="Ask PubMed and the other sources again, now.")] = False,
    changes: Annotated[bool, typer.Option("--changes", help="Show how their editorial status changed.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Return when PubMed has answered: those asked for again, or never answered.")
    ] = False,
    timeout: TimeoutOption = 300.0,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show what is known about references. Updates from `--recheck` reach every article that cites them."""
    requested = [_pmid(one) for one in pmids or ()]
    if standing is not None and (requested or recheck or changes or wait):
        message = "--standing lists papers, and goes with no PMID and with none of --recheck, --changes and --wait"
        raise InvalidEvent(message, code="invalid-parameter", field="standing", hint="leave one of them out")
    system = find(data, config)
    with existing_ledger(system) as ledger:
        never_cited = _never_cited(ledger, requested)
        if recheck and never_cited:
            raise never_cited
        asked = ledger_now(ledger, system) if recheck else None
        if asked is not None:
            _order(ledger, requested, asked)
        answered = not wait or _wait(ledger, requested, asked, timeout)
        if changes:
            _show_changes(ledger, requested, json=json)
        else:
            _show(_known(ledger, requested, standing), json=json)
    if never_cited:
        output.note(str(never_cited))  # the answer about the others is the one document on standard output
        raise typer.Exit(UNKNOWN)
    if not answered:
        raise typer.Exit(TIMED_OUT)


def _pmid(text: str) -> str:
    if not (text.isascii() and text.isdigit()):
        raise InvalidEvent(f"{text!r} is not a PMID", code="invalid-pmid", field="pmid", hint="give its digits alone")
    return text


def _never_cited(ledger: Ledger, pmids: Sequence[str]) -> InvalidEvent | None:
    """Return the error for PMIDs that no article has ever cited, or None if there are none."""
    with ledger.read() as transaction:
        known = cited.times(transaction, pmids)
    unknown = [pmid for pmid in pmids if pmid not in known]
    if not unknown:
        return None
    more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
    message = f"no article here ever cited {', '.join(unknown[:10])}{more}"
    return InvalidEvent(message, code="unknown-reference", field="pmid")


def _order(ledger: Ledger, pmids: Sequence[str], asked: dt.datetime) -> None:
    act = act_of("references --recheck", asked)
    if not pmids:
        from pipeline.stages.enrich import watch

        with ledger.write() as transaction:
            acts.record(transaction, act, "recheck", "asked", reason="every cited paper")
        watch.recheck(ledger, now=asked)
        return
    with ledger.write() as transaction:
        acts.recheck(transaction, act, pmids)


def _wait(ledger: Ledger, pmids: Sequence[str], asked: dt.datetime | None, timeout: float) -> bool:
    """Wait until PubMed has answered about these since `asked` (None: ever), and return whether it has."""

    def is_answered() -> bool:
        with ledger.read() as transaction:
            return not cited.unanswered(transaction, pmids, since=asked)

    return wait_until(is_answered, seconds=timeout, every=_POLL)


def _known(
    ledger: Ledger, pmids: Sequence[str], standing: Standing | None
) -> Iterator[Sequence[references_views.KnownReference]]:
    """Yield references in chunks, each read in its own transaction so that a slow terminal keeps none open."""
    for some in chunks(pmids, _AT_ONCE):
        with ledger.read() as transaction:
            yield references_views.known_references(transaction, some)
    after: str | None = None if pmids else ""
    while after is not None:
        with ledger.read() as transaction:
            found = reference_list.references(transaction, standing, after=after, limit=_AT_ONCE)
        yield found.references
        after = found.next


def _show(found: Iterator[Sequence[references_views.KnownReference]], *, json: bool) -> None:
    if not json:
        for shapes in found:
            output.references(shapes)
        return
    sys.stdout.write('{\n  "references": [')
    for number, shape in enumerate(chain.from_iterable(found)):
        body = msgspec.json.format(msgspec.json.encode(shape), indent=2).decode().replace("\n", "\n    ")
        sys.stdout.write(f"{',' if number else ''}\n    {body}")
    sys.stdout.write("\n  ]\n}\n")


def _show_changes(ledger: Ledger, pmids: Sequence[str], *, json: bool) -> None:
    with ledger.read() as transaction:
        if pmids:
            found = [references_views.evidence_changes(transaction, limit=_CHANGES + 1, pmid=pmid) for pmid in pmids]
        else:
            found = [references_views.evidence_changes(transaction, limit=_CHANGES + 1)]
    shapes = [shape for some in found for shape in some[:_CHANGES]]
    truncated = any(len(some) > _CHANGES for some in found)
    if json:
        print_json({"changes": shapes, "truncated": truncated})
    else:
        output.evidence_changes(shapes)
    if truncated:
        output.note(f"there are more than these: the newest {_CHANGES} of each are shown")
