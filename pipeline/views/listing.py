"""The list of articles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, get_args

from pipeline.ledger import Transaction
from pipeline.ledger.articles import listing, searching
from pipeline.ledger.articles.listing import ArticleFilter, Listed
from pipeline.ledger.articles.searching import Cursor, Wanted
from pipeline.model.delivery import DeliveryState
from pipeline.model.reference import EditorialState
from pipeline.views.fields import ArticleId, Field, RevisionNumber, Time


@dataclass(frozen=True, slots=True)
class ArticleSummary:
    """An article in the list of articles."""

    article: ArticleId
    title: str
    state: Annotated[str, Field(description="live, scheduled or withdrawn", examples=["live"])]
    revision: RevisionNumber
    published: Time
    scheduled: Annotated[Time | None, Field(description="When it is to come out, if it is scheduled.")]
    updated: Time
    withdrawn: Time | None
    reason: Annotated[str | None, Field(description="Why it was withdrawn.")]
    evidence: Annotated[
        tuple[EditorialState, ...], Field(description="The editorial states of what it cites, the gravest first.")
    ]
    worst: Annotated[
        DeliveryState | None,
        Field(description="The worst state of its deliveries: abandoned, sending, pending, delivered."),
    ]


@dataclass(frozen=True, slots=True)
class ArticleList:
    """Articles by id. A page compares so many articles with what was asked, so it may be short, or even empty."""

    articles: tuple[ArticleSummary, ...]
    next: Annotated[str | None, Field(description="The `after` of the next page; null if this is the last one.")]


@dataclass(frozen=True, slots=True)
class FoundArticles:
    """Articles by their last change. `next` is where to go on; None: there is nothing more."""

    articles: tuple[ArticleSummary, ...]
    next: Cursor | None


def articles(transaction: Transaction, filters: ArticleFilter, *, after: str | None = None, limit: int) -> ArticleList:
    """Return a page of the list of articles."""
    found = listing.page(transaction, filters, after=after, limit=limit)
    return ArticleList(_summaries(transaction, found.articles), next=found.next)


def found_articles(transaction: Transaction, wanted: Wanted, *, after: Cursor | None, limit: int) -> FoundArticles:
    """Return a page of the articles that somebody looks for, the newest first."""
    found = searching.search(transaction, wanted, after=after, limit=limit)
    return FoundArticles(_summaries(transaction, listing.rows(transaction, found.ids)), found.next)


def _summaries(transaction: Transaction, shown: Sequence[Listed]) -> tuple[ArticleSummary, ...]:
    ids = [one.id for one in shown]
    evidence, worst = listing.editorial(transaction, ids), listing.worst_deliveries(transaction, ids)
    return tuple(_summary(one, evidence.get(one.id, set()), worst.get(one.id)) for one in shown)


def _summary(one: Listed, evidence: set[str], worst: DeliveryState | None) -> ArticleSummary:
    return ArticleSummary(
        article=one.id,
        title=one.title,
        state=one.state,
        revision=one.revision,
        published=one.published,
        scheduled=one.due if one.state == "scheduled" else None,
        updated=one.updated,
        withdrawn=one.withdrawn,
        reason=one.reason,
        evidence=tuple(state for state in get_args(EditorialState) if state in evidence),
        worst=worst,
    )
