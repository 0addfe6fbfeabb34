"""What happens to an article, as its sender tells it, and the answer."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct

from pipeline.model.article import Article
from pipeline.model.reading import ReadWarning
from pipeline.model.revision import EventType


class Origin(Struct, frozen=True, kw_only=True):
    """Where an event comes from. `source` and `id` together name it (CloudEvents 1.0, section 3.1)."""

    source: str
    id: str
    time: dt.datetime | None = None  # when it happened, by the sender's clock


class Publish(Struct, frozen=True):
    """An article is to be published; or, where there is one of its id already, updated."""

    origin: Origin
    article: Article
    warnings: tuple[ReadWarning, ...] = ()  # from reading its source; the answer passes them on

    @property
    def article_id(self) -> str:
        return self.article.id


class Withdraw(Struct, frozen=True):
    """An article is to be taken back everywhere."""

    origin: Origin
    article_id: str
    reason: str

    @property
    def warnings(self) -> tuple[ReadWarning, ...]:
        return ()


Event = Publish | Withdraw


class Accepted(Struct, frozen=True, kw_only=True):
    """The event stands in the ledger. The same event again gets the same answer."""

    event: str  # our id of it
    type: EventType
    article: str
    revision: int  # the newest of the article
    changed: bool  # False: nothing new in it, or it is older than what is known
