"""The status of one article: what it cites, how it was rendered, and who has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pipeline.ledger import Transaction, articles, evidence
from pipeline.ledger import deliveries as ledger_deliveries
from pipeline.ledger.articles import ArticleState, names, renditions, revisions, withheld
from pipeline.ledger.articles.withheld import EVERYWHERE, Cause
from pipeline.ledger.deliveries import proofs as ledger_proofs
from pipeline.model.article import Article
from pipeline.model.reference import CitedReference
from pipeline.views.cited import CitedCounts, counted
from pipeline.views.deliveries import Delivery, deliveries
from pipeline.views.fields import ArticleId, ChannelId, Count, Field, RevisionNumber, Time, WorkId
from pipeline.views.proofs import Proof, proof
from pipeline.views.references import Says, WatchedReference, watched
from pipeline.views.verdicts import sources_of


@dataclass(frozen=True, slots=True)
class Rendition:
    """An article's newest rendered revision in one format."""

    format: Annotated[str, Field(examples=["amp"])]
    media_type: Annotated[str, Field(examples=["text/html"])]
    bytes: Count
    digest: Annotated[str, Field(examples=["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])]


@dataclass(frozen=True, slots=True)
class Withheld:
    """A channel from which the article is withheld because of its evidence. `channel` is null for all of them."""

    channel: ChannelId | None
    cause: Annotated[Cause, Field(description="gate: the channel's own rule. hold: until an operator releases it.")]
    reason: str
    references: Annotated[tuple[WorkId, ...], Field(description="The cited works at fault.")]
    revision: RevisionNumber
    since: Time


@dataclass(frozen=True, slots=True)
class ArticleStatus:
    """Everything known about one article."""

    article: ArticleId
    state: Annotated[str, Field(description="live, scheduled or withdrawn", examples=["live"])]
    revision: RevisionNumber
    title: str
    published: Time
    updated: Time
    error: Annotated[str | None, Field(description="Why the newest revision could not be rendered.")]
    references: tuple[WatchedReference, ...]
    cited: Annotated[CitedCounts, Field(description="The references by what is known of them.")]
    renditions: tuple[Rendition, ...]
    deliveries: tuple[Delivery, ...]
    withheld: tuple[Withheld, ...]
    proofs: tuple[Proof, ...]


def article(transaction: Transaction, article_id: str) -> ArticleStatus | None:
    """Return the status of an article, or None if the id is unknown."""
    article_id = names.article_named(transaction, article_id)
    current = articles.get(transaction, article_id)
    if current is None:
        return None
    content = shown_content(transaction, current)
    cited = evidence.references_of(transaction, content) if content else ()
    return ArticleStatus(
        article=current.id,
        state=current.state,
        revision=current.revision,
        title=current.title,
        published=current.published,
        updated=current.updated,
        error=current.error,
        references=_watched(transaction, cited),
        cited=counted(cited, known=content.cites_retracted if content else ()),
        renditions=_renditions(transaction, current),
        deliveries=deliveries(transaction, ledger_deliveries.of_article(transaction, article_id)),
        withheld=_withheld(transaction, article_id),
        proofs=tuple(proof(one) for one in ledger_proofs.of_article(transaction, article_id)),
    )


def _renditions(transaction: Transaction, current: ArticleState) -> tuple[Rendition, ...]:
    if current.state != "live" or current.rendered is None:
        return ()
    found = renditions.of_revision(transaction, current.id, current.rendered)
    return tuple(Rendition(one.format, one.media_type, one.bytes, one.digest) for one in found)


def _withheld(transaction: Transaction, article_id: str) -> tuple[Withheld, ...]:
    return tuple(
        Withheld(
            channel=None if one.channel == EVERYWHERE else one.channel,
            cause=one.cause,
            reason=one.reason,
            references=one.references,
            revision=one.revision,
            since=one.since,
        )
        for one in withheld.of_article(transaction, article_id).values()
    )


def _watched(transaction: Transaction, cited: Sequence[CitedReference]) -> tuple[WatchedReference, ...]:
    by_reference = sources_of(transaction, cited)
    return tuple(
        watched(one, [Says(source.source, source.says, source.asked) for source in sources])
        for one, sources in zip(cited, by_reference, strict=True)
    )


def shown_content(transaction: Transaction, current: ArticleState) -> Article | None:
    """Return the content whose references are shown: the newest revision's or, while that waits, the live one's."""
    if current.state == "withdrawn":
        return None
    newest = revisions.get(transaction, current.id, current.revision).article
    if current.rendered in (None, current.revision) or newest.not_before is None:
        return newest
    return revisions.get(transaction, current.id, current.rendered or current.revision).article  # it may wait
