"""One state of an article that goes out, with everything that a renderer may look at."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from msgspec import Struct

from pipeline.model.article import Article
from pipeline.model.reference import CitedReference

EventType = Literal["published", "updated", "withdrawn"]


class Revision(Struct, frozen=True, kw_only=True):
    """The n-th state of an article. Once rendered it never changes: other evidence makes the next revision."""

    article: Article
    number: int  # from 1
    published: dt.datetime  # aware, UTC: when the first revision was published
    updated: dt.datetime  # aware, UTC: when this revision came to be; never before `published`
    references: tuple[CitedReference, ...] = ()  # as long as article.references, in its order


class Withdrawal(Struct, frozen=True, kw_only=True):
    """An article taken back. Enough for a tombstone in any format, without PubMed and without the article."""

    article_id: str
    title: str
    number: int
    reason: str
    published: dt.datetime
    withdrawn: dt.datetime
    language: str = "en"
    canonical: str | None = None
