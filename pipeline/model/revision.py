"""One published state of an article, with everything that a renderer may use."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from msgspec import Struct

from pipeline.model.article import Article
from pipeline.model.reference import CitedReference

HIGHEST = 2_147_483_647  # number of a revision that the ledger can hold
_MOST_AHEAD = dt.timedelta(days=1)

EventType = Literal["published", "updated", "withdrawn"]
Cause = Literal["refreshed"]  # neither the article nor its references changed, only the way it is rendered


class Revision(Struct, frozen=True, kw_only=True):
    """The n-th state of an article. Once rendered it never changes; new evidence creates the next revision."""

    article: Article
    number: int  # from 1
    published: dt.datetime  # aware, UTC: when the first revision was published
    updated: dt.datetime  # aware, UTC: when this revision came out, by the ledger's own time
    references: tuple[CitedReference, ...] = ()  # as long as article.references, in its order
    overdue: bool = False  # it says that the day of its next review has passed


def next_update(last: dt.datetime | None, now: dt.datetime) -> dt.datetime:
    """Return the date of a revision published now: at least a second after `last`, the date of the previous one.

    Readers compare these dates to detect changes, so each is later than the previous one even if a clock was set back.
    A date too far ahead for any clock is an author's, from releases in which these dates were not the ledger's own.
    """
    if last is None or last > now + _MOST_AHEAD:
        return now
    return max(now, last.replace(microsecond=0) + dt.timedelta(seconds=1))


class Withdrawal(Struct, frozen=True, kw_only=True):
    """A withdrawn article: enough for a tombstone in any format, without PubMed and without the article."""

    article_id: str
    title: str
    number: int
    reason: str
    published: dt.datetime
    withdrawn: dt.datetime
    language: str = "en"
    canonical: str | None = None
    address: str | None = None  # its present name, if that is not the id it was first published under

    @property
    def name(self) -> str:
        """The article's name in its address."""
        return self.address or self.article_id
