"""What another ledger of the same site knows beyond this one, which was restored from a backup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.ledger.articles import public, revisions
from pipeline.ledger.database import Ledger, Transaction
from pipeline.ledger.findings import FORMER_LEDGER, Finding
from pipeline.ledger.tables import articles, channel_contents


class Beyond(Struct, frozen=True, kw_only=True):
    """What the other ledger knows: newer articles, receipts for newer revisions, and what is withdrawn by now."""

    findings: tuple[Finding, ...]
    waiting: tuple[Finding, ...]  # what it had accepted and not sent: only a person can bring it back
    withdrawn: tuple[tuple[str, int, str], ...]  # article, revision, reason: live here


def compare(own: Ledger, other: Ledger) -> Beyond:
    """Return what the other ledger knows beyond this one."""
    with own.read() as here, other.snapshot() as there:
        known, states = _public(here), _states(here)
        later = {
            id: state for id, state in sorted(_public(there).items()) if id not in known or state[1] > known[id][1]
        }
        withdrawn = _withdrawn_since(there, later, states)
        findings = {id: _beyond(id, *state, known.get(id), again=id in withdrawn) for id, state in later.items()}
        return Beyond(
            findings=(*findings.values(), *_receipts(there, states)),
            waiting=tuple(_waiting(there, states, findings)),
            withdrawn=tuple(
                (id, number, revisions.withdrawal(there, id, number).reason) for id, number in withdrawn.items()
            ),
        )


def _public(transaction: Transaction) -> dict[str, tuple[str, int]]:
    query = sa.select(articles.c.id, public.state(), public.number()).where(public.number().is_not(None))
    return {id: (state, number) for id, state, number in transaction.execute(query)}


def _states(transaction: Transaction) -> dict[str, tuple[str, int]]:
    query = sa.select(articles.c.id, articles.c.state, articles.c.revision)
    return {id: (state, number) for id, state, number in transaction.execute(query)}


def _withdrawn_since(
    there: Transaction, later: Mapping[str, tuple[str, int]], here: Mapping[str, tuple[str, int]]
) -> dict[str, int]:
    """Return the withdrawals of articles that would be shown again, also of those that nobody had seen by then."""
    shown = {id: number for id, (state, number) in later.items() if state == "withdrawn"}
    every = _states(there).items()
    unseen = {id: number for id, (state, number) in every if state == "withdrawn" and number > here.get(id, ("", 0))[1]}
    found = unseen | shown
    return {id: found[id] for id in sorted(found) if here.get(id, ("withdrawn", 0))[0] != "withdrawn"}


def _beyond(id: str, state: str, number: int, known: tuple[str, int] | None, *, again: bool) -> Finding:
    what = "not in the backup" if known is None else f"revision {known[1]} in the backup"
    if again:
        what = f"{what}, and withdrawn again now"
    return Finding(
        place=FORMER_LEDGER,
        article=id,
        kind="withdrawn" if state == "withdrawn" else "newer",
        revision=number,
        detail=f"revision {number}, {state}, in the former ledger; {what}",
    )


def _waiting(
    there: Transaction, here: Mapping[str, tuple[str, int]], shown: Mapping[str, Finding]
) -> Iterator[Finding]:
    out = _public(there)
    for id, (state, number) in sorted(_states(there).items()):
        known = here.get(id, ("", 0))[1]
        if state == "withdrawn" or number <= max(known, out.get(id, ("", 0))[1]):
            continue
        what = f"revision {number} had been accepted by the former ledger, and had not gone out"
        if id in shown:
            yield structs.replace(shown[id], revision=number, detail=f"{what}; {shown[id].detail}")
        else:
            backup = f"revision {known} in the backup" if known else "not in the backup"
            yield Finding(place=FORMER_LEDGER, article=id, kind="accepted", revision=number, detail=f"{what}; {backup}")


def _receipts(there: Transaction, here: Mapping[str, tuple[str, int]]) -> Iterator[Finding]:
    """Yield which channels accepted a revision that the backup does not have."""
    table = channel_contents.c
    last = sa.select(sa.func.max(table.id)).group_by(table.article, table.channel)
    query = sa.select(table.article, table.channel, table.revision, table.event, table.at).where(table.id.in_(last))
    for row in there.execute(query.order_by(table.channel, table.article)):
        if row.revision > here.get(row.article, ("", 0))[1]:
            yield Finding(
                place=row.channel,
                article=row.article,
                kind="withdrawn" if row.event == "withdrawn" else "newer",
                revision=row.revision,
                detail=f"it accepted revision {row.revision} ({row.event}) at {row.at:%Y-%m-%d %H:%M} UTC",
            )
