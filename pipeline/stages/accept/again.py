"""again: deliver an article once more as it is, on purpose, to every channel that has it."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct

from pipeline.errors import InvalidEvent
from pipeline.ledger import articles, deliveries, operations
from pipeline.ledger.articles import ArticleState
from pipeline.ledger.operations import Operation
from pipeline.stages.accept import Intake, unknown_article
from pipeline.stages.accept.replay import replayed_part

_EVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Again(Struct, frozen=True):
    operation: str
    article: str
    revision: int
    count: int  # of deliveries


def again(intake: Intake, article_id: str, *, by: str) -> Again:
    """Deliver the revision of a live article that is out to every channel once more.

    Raises InvalidEvent (`unknown-article`, `not-live`), and TransientError as the ledger does.
    """
    now = intake.clock()
    with intake.ledger.write() as transaction:
        current = articles.lock(transaction, article_id)
        if current is None:
            raise unknown_article(article_id)
        if current.state != "live" or current.rendered is None:
            raise _not_live(current)
        sent = deliveries.replay(transaction, now=now, article_id=article_id, since=_EVER)
        operation = Operation(intake.new_id("op_"), "publish-again", by, now)
        operations.record(transaction, operation, [replayed_part(one) for one in sent])
    for channel in sorted({one.channel for one in sent}):
        intake.doorbell.ring("deliver", channel)
    return Again(operation.id, article_id, current.rendered, len(sent))


def _not_live(current: ArticleState) -> InvalidEvent:
    if current.state == "withdrawn":
        message, hint = "was withdrawn", "publish its file, if it should be out again"
    else:
        message, hint = "is not out yet", "wait: it goes out by itself"
    return InvalidEvent(message, code="not-live", field="article", hint=hint, article=current.id)
