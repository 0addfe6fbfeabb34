"""Events about articles as their senders report them, and the answers they get."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from msgspec import Struct

from pipeline.model.article import Article
from pipeline.model.reading import IdFrom, ReadWarning
from pipeline.model.revision import EventType

Outcome = Literal["accepted", "overtaken"]
Stated = Literal["published", "updated"]  # what a sender says that an event does

FILE, SOURCE, POST = "file:", "source:", "post:"  # prefixes of a place
OF_ONE = (FILE, POST)  # of those that hold one article


class Origin(Struct, frozen=True, kw_only=True):
    """Where an event comes from. `source` and `id` together identify it (CloudEvents 1.0, section 3.1)."""

    source: str
    id: str
    time: dt.datetime | None = None  # when it happened, by the sender's clock
    sequence: str | None = None  # its place among the source's events about the article (CloudEvents "sequence")
    traceparent: str | None = None  # its sender's span, as the sender gave it: not checked
    trace: str | None = None  # the span in which it is accepted; None: it is not traced


class Publish(Struct, frozen=True):
    """Publish an article, or update the one with its id."""

    origin: Origin
    article: Article
    warnings: tuple[ReadWarning, ...] = ()  # from reading its source; the answer passes them on
    place: str | None = None  # the file or source that it comes from; None: unknown
    id_from: IdFrom = "id"  # a derived id counts only where the place is new
    former_id: str | None = None  # as earlier versions derived it
    stated: Stated | None = None  # None: the sender does not say whether the article is new
    take_over: bool = False  # the article may have come from another place until now
    restores_name: bool = False  # the article's id is the ledger's, and its name becomes that of the content

    @property
    def article_id(self) -> str:
        return self.article.id


class Withdraw(Struct, frozen=True):
    """Withdraw an article everywhere."""

    origin: Origin
    article_id: str
    reason: str

    @property
    def warnings(self) -> tuple[ReadWarning, ...]:
        return ()


Event = Publish | Withdraw


class Accepted(Struct, frozen=True, kw_only=True):
    """The answer to an event. Repeating an event returns the same answer.

    An overtaken event is older than another from the same source about the same article. It is recorded but changes
    nothing.
    """

    event: str  # our own id for the event
    type: EventType
    article: str
    revision: int  # the article's newest
    changed: bool  # False: the article already has this content, or the event was overtaken
    outcome: Outcome = "accepted"
    time_ahead: bool = False  # its `time` was ahead of its arrival, so the arrival counted instead
    unanswered: bool = False  # something that the article cites is not known yet; only said when it is accepted
    set_back: bool = False  # its `time` showed that its sender's clock had been set back, so it was not overtaken
