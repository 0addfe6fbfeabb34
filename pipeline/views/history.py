"""The revisions of an article."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import structs

from pipeline.ledger import Transaction
from pipeline.ledger.articles import names, revisions
from pipeline.model.revision import EventType
from pipeline.views.fields import ArticleId, Field, RevisionNumber, Time

MOST = 50


@dataclass(frozen=True, slots=True)
class RevisionLine:
    """A revision in an article's history."""

    number: RevisionNumber
    event: EventType
    by_event: Annotated[bool, Field(description="False: its evidence or its rendering changed.")]
    cause: Annotated[str | None, Field(description="Why it was made, if by no event.")]
    at: Time
    rendered_at: Time | None
    reason: Annotated[str | None, Field(description="Why it was withdrawn.")]


@dataclass(frozen=True, slots=True)
class History:
    """The revisions of an article, the newest first."""

    article: ArticleId
    revisions: Annotated[tuple[RevisionLine, ...], Field(description=f"At most {MOST}.")]


def history(transaction: Transaction, name: str) -> History | None:
    """Return the history of the article of this id or name, or None if there is none."""
    article = names.article_named(transaction, name)
    found = revisions.history(transaction, article, limit=MOST)
    return History(article, tuple(RevisionLine(**structs.asdict(one)) for one in found)) if found else None
