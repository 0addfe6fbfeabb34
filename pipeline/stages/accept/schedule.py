"""schedule: change when an article, or an update of it, goes live that waits for its time; or let it go live now."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct, structs

from pipeline.errors import InvalidEvent
from pipeline.intake.fields.dates import LAST_YEAR
from pipeline.ledger import Transaction, articles
from pipeline.ledger.articles import names, revisions
from pipeline.ledger.operations import Operation
from pipeline.model.article import Article
from pipeline.model.event import Event, Origin, Publish
from pipeline.stages.accept import Intake, accept_chosen, unknown_article

_SOURCE = "urn:citewire:schedule"


class Scheduled(Struct, frozen=True):
    operation: str
    article: str
    revision: int
    at: dt.datetime | None  # None: it goes live now


def schedule(intake: Intake, article_id: str, at: dt.datetime | None, *, by: str) -> Scheduled:
    """Have what waits for its time go live at another one, or now if `at` is None: the same text, as a new revision.

    Raises InvalidEvent (`unknown-article`, `not-scheduled`, `embargo-over`, `invalid-time`), and as `accept`.
    """
    if at is not None and at.year > LAST_YEAR:
        hint = f"give a time until the year {LAST_YEAR}, as in an article file"
        raise InvalidEvent("is too far ahead", code="invalid-time", field="at", hint=hint, article=article_id)
    operation = Operation(intake.new_id("op_"), "schedule", by, intake.clock())

    def choose(transaction: Transaction) -> list[Event]:
        now = intake.clock()
        if at is not None and at <= now:
            hint = "give a time that is still to come, or `now`"
            raise InvalidEvent("is over already", code="embargo-over", field="at", hint=hint, article=article_id)
        content = _waiting(transaction, article_id, now)
        return [Publish(Origin(source=_SOURCE, id=operation.id), moved(content, at or now, now), restores_name=True)]

    (accepted,) = accept_chosen(intake, choose, operation)
    return Scheduled(operation.id, accepted.article, accepted.revision, at)


def moved(article: Article, at: dt.datetime, now: dt.datetime) -> Article:
    """Return the article with its embargo, or its date, at another time: whichever of the two it waits for."""
    times = {"embargo": article.embargo, "published": article.published}
    return structs.replace(article, **{name: at for name, time in times.items() if time is not None and time > now})


def _waiting(transaction: Transaction, article_id: str, now: dt.datetime) -> Article:
    """Return the content that waits for its time, with its article locked."""
    known = names.article_named(transaction, article_id)
    articles.take_turns(transaction, [known])
    current = articles.lock(transaction, known)
    if current is None:
        raise unknown_article(article_id)
    content = revisions.newest_content(transaction, known).article
    not_before = content.not_before
    if current.state == "withdrawn" or current.rendered == current.revision or not_before is None or not_before <= now:
        hint = "publish another text with an `embargo`, or withdraw it, if it should not be out"
        raise InvalidEvent(
            "nothing of it waits for its time", code="not-scheduled", field="article", hint=hint, article=known
        )
    return content
