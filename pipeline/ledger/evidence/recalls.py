"""What the articles that cite a paper showed of it, where, from when to when: the facts of a recall."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.articles.revisions import decode_evidence
from pipeline.ledger.database import Instant, Transaction
from pipeline.ledger.evidence import changes
from pipeline.ledger.tables import channel_contents, citations, revisions
from pipeline.model.reference import CitedReference, EditorialState
from pipeline.model.revision import EventType


class Shown(Struct, frozen=True):
    """From `since` on, a revision was shown, or nothing any longer. `states`: of the paper; None: it was not cited."""

    revision: int
    event: EventType
    since: dt.datetime
    states: tuple[EditorialState, ...] | None
    digest: str | None = None  # of the rendition that a place was sent


def articles_citing(transaction: Transaction, pmid: str) -> list[str]:
    """Return the articles that cite the paper, and those that were out with it when its status changed."""
    found = set(transaction.scalars(sa.select(citations.c.article).where(citations.c.pmid == pmid)))
    for change in changes.newest(transaction, limit=1000, pmid=pmid):
        found.update(change.articles)
    return sorted(found)


def on_site(transaction: Transaction, article_id: str, pmid: str) -> list[Shown]:
    """Return what the site itself showed, in order. What was never rendered was never shown."""
    since = sa.case((revisions.c.event == "withdrawn", revisions.c.at), else_=revisions.c.rendered_at)
    out = sa.or_(revisions.c.event == "withdrawn", revisions.c.evidence.is_not(None))
    columns = (
        revisions.c.number,
        revisions.c.event,
        sa.func.coalesce(since, revisions.c.at, type_=Instant()).label("since"),
        revisions.c.evidence,
    )
    query = sa.select(*columns).where(revisions.c.article == article_id, out).order_by(revisions.c.number)
    found = [
        Shown(row.number, row.event, row.since, _states(decode_evidence(row.evidence), pmid))
        for row in transaction.execute(query)
    ]
    return _from_the_first_shown(found)


def at_places(transaction: Transaction, article_id: str, on_site: Sequence[Shown]) -> dict[str, list[Shown]]:
    """Return what each place had, in order."""
    states = {one.revision: one.states for one in on_site}
    query = sa.select(channel_contents).where(channel_contents.c.article == article_id)
    found: dict[str, list[Shown]] = {}
    for row in transaction.execute(query.order_by(channel_contents.c.at, channel_contents.c.id)):
        shown = states.get(row.revision) if row.event != "withdrawn" else None
        found.setdefault(row.channel, []).append(Shown(row.revision, row.event, row.at, shown, row.digest))
    return dict(sorted(found.items()))


def _from_the_first_shown(found: Sequence[Shown]) -> list[Shown]:
    first = next((number for number, one in enumerate(found) if one.event != "withdrawn"), len(found))
    return list(found[first:])


def _states(evidence: Sequence[CitedReference], pmid: str) -> tuple[EditorialState, ...] | None:
    for cited in evidence:
        given = {work.value for work in (cited.work, *cited.also) if work.scheme == "pmid"}
        if pmid in given or (cited.reference is not None and cited.reference.pmid == pmid):
            return cited.marks.editorial if cited.marks else ()
    return None
