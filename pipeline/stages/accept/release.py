"""release: an operator lets a held article be published again, as a new revision with its evidence marks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import get_args

from msgspec import Struct

from pipeline.errors import InvalidEvent
from pipeline.ledger import Transaction, articles, evidence, findings, operations
from pipeline.ledger.articles import ArticleState, accepted, revisions, withheld
from pipeline.ledger.articles.withheld import EVERYWHERE
from pipeline.ledger.operations import Operation, Part
from pipeline.model.reference import EditorialState
from pipeline.stages.accept import Intake, unknown_article
from pipeline.stages.enrich.editorial import papers_with


class Released(Struct, frozen=True):
    operation: str
    article: str
    revision: int
    channels: tuple[str, ...]  # whose hold ended; empty: the hold was on the whole article


def release(intake: Intake, article_id: str, channel: str | None = None, *, by: str) -> Released:
    """End the article's holds: all of them, or one channel's.

    Raises InvalidEvent (`unknown-article`, `nothing-to-release`), and TransientError as the ledger does.
    """
    now = intake.clock()
    with intake.ledger.write() as transaction:
        current = articles.lock(transaction, article_id)
        if current is None:
            raise unknown_article(article_id)
        kept = withheld.of_article(transaction, article_id)
        holds = [one for one in kept.values() if one.cause == "hold" and channel in (None, one.channel)]
        if not holds:
            raise _nothing(article_id, channel, kept)
        parts = end_holds(transaction, current, holds, by=by, now=now)
        operation = Operation(intake.new_id("op_"), "release", by, now)
        operations.record(transaction, operation, parts)
    intake.doorbell.ring("render")
    return Released(
        operation.id, article_id, parts[0].revision or 0, tuple(one.channel for one in parts if one.channel is not None)
    )


def end_holds(
    transaction: Transaction,
    current: ArticleState,
    holds: Sequence[withheld.Withheld],
    *,
    by: str,
    now: dt.datetime,
) -> list[Part]:
    """End these holds of an article and publish it again; return a part for each. The article is locked."""
    withheld.lift(transaction, current.id, [one.channel for one in holds])
    accepted.accept(transaction, current.id, _accepted(transaction, current, holds), by=by, now=now)
    number = publish_again(transaction, current, now)
    return [_part(current, number, one) for one in holds]


def _part(before: ArticleState, number: int, hold: withheld.Withheld) -> Part:
    channel = None if hold.channel == EVERYWHERE else hold.channel
    return Part(before.id, before.revision, number, "released", channel=channel, reason=f"was held: {hold.reason}")


def _accepted(
    transaction: Transaction, current: ArticleState, holds: Sequence[withheld.Withheld]
) -> list[accepted.Accepted]:
    """Return what is released with the article: the present states of the papers for which it was held."""
    article = revisions.newest_content(transaction, current.id).article
    papers = papers_with(evidence.references_of(transaction, article), get_args(EditorialState))
    states = {paper.id: paper.states for paper in papers}
    return [
        accepted.Accepted(one.channel, reference, state)
        for one in holds
        for reference in one.references
        for state in ((accepted.OVERDUE,) if reference.startswith(accepted.REVIEW) else states.get(reference, ()))
    ]


def publish_again(transaction: Transaction, current: ArticleState, now: dt.datetime) -> int:
    """Add a revision with the newest content, due now, and return its number. One not yet rendered is used instead."""
    if current.state != "withdrawn" and current.rendered != current.revision:
        articles.save(transaction, articles.changed(current, due=current.due or now))
        return current.revision
    number, updated = findings.next_number(transaction, current.id, current.revision), now
    newest = revisions.newest_content(transaction, current.id)
    revisions.add(
        transaction,
        current.id,
        number,
        event="published" if current.state == "withdrawn" else "updated",
        event_id=None,
        now=now,
        updated=updated,
        content=newest.digest,
    )
    evidence.cite(transaction, current.id, newest.article.identified, now=now)
    rendered = None if current.state == "withdrawn" else current.rendered
    again = articles.changed(
        current, state="live", revision=number, rendered=rendered, updated=updated, due=now, error=None
    )
    articles.save(transaction, again)
    return number


def _nothing(article_id: str, channel: str | None, kept: dict[str, withheld.Withheld]) -> InvalidEvent:
    """Return the error for an article that is not held, naming any other reason for which it is withheld."""
    here = kept.get(channel) if channel is not None else next(iter(kept.values()), None)
    message, hint = "nothing of it is held", "look at `citewire status` for what is withheld, and from whom"
    if here is not None:
        message, hint = f"it is withheld by the channel's gate: {here.reason}", "change the channel's gate"
    elif channel is not None and EVERYWHERE in kept:
        message, hint = "it is held from everyone, not from that channel alone", "release it without --channel"
    return InvalidEvent(message, code="nothing-to-release", field="article", hint=hint, article=article_id)
