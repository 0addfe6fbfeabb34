"""The events that arrived, with the answers they got."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.errors import InvalidEvent, TransientError
from pipeline.ledger.articles import revisions
from pipeline.ledger.database import Transaction
from pipeline.ledger.kept import kept
from pipeline.ledger.tables import events
from pipeline.model.event import Accepted, Event, Publish, Stated
from pipeline.model.rendition import digest_of
from pipeline.model.value_digest import value_digest

_EVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)  # before every event
_BY_VALUE = "value:"  # prefixes digests of an article's content; earlier releases stored digests of its encoding
_RECENT = 20  # events of one source about one article whose sequence is looked at

_SENT = sa.select(events).where(
    events.c.source == sa.bindparam("from_source"), events.c.source_id == sa.bindparam("source_gave")
)
_ONE = sa.select(events).where(events.c.id == sa.bindparam("event_id"))
_RECORD = kept(lambda new: new(events).on_conflict_do_nothing().returning(events.c.id))


def answer_to(transaction: Transaction, event: Event) -> Accepted | None:
    """Return the answer that this event got before, or None.

    Raises InvalidEvent (`event-id-reused`) if its source used the id for different content.
    """
    origin = event.origin
    row = transaction.execute(_SENT, {"from_source": origin.source, "source_gave": origin.id}).one_or_none()
    if row is None:
        return None
    if row.digest is not None and row.digest != fingerprint(event) and not _had_same_content(transaction, row, event):
        raise InvalidEvent(
            "the source has used this id for another event",
            code="event-id-reused",
            field="id",
            hint="give every event of a source an id of its own",
            event=origin.id,
        )
    return _answer(row)


def find(transaction: Transaction, event_id: str) -> Accepted | None:
    row = transaction.execute(_ONE, {"event_id": event_id}).one_or_none()
    return None if row is None else _answer(row)


class Timed(Struct, frozen=True):
    time: dt.datetime  # by the sender's clock
    accepted: dt.datetime  # by ours
    stated: Stated | None = None


_OF_SOURCE = sa.and_(
    events.c.article == sa.bindparam("about"),
    events.c.source == sa.bindparam("from_source"),
    events.c.time.is_not(None),
)
_SET_BACK = (
    sa.select(events.c.accepted)
    .where(_OF_SOURCE, sa.text("set_back"))  # as the partial index has it
    .order_by(events.c.accepted.desc())
    .limit(1)
)
_TIMES = (
    sa.select(events.c.time, events.c.accepted, events.c.stated)
    .where(_OF_SOURCE, events.c.accepted >= sa.bindparam("since"))
    .limit(1)
)
_NEWEST, _OLDEST = _TIMES.order_by(events.c.time.desc()), _TIMES.order_by(events.c.time)
_LAST_OVERTAKEN = _TIMES.where(events.c.outcome == "overtaken").order_by(events.c.accepted.desc())


class Times:
    """The events of one source about one article that have a `time`, since its clock was last set back."""

    def __init__(self, transaction: Transaction, article_id: str, source: str) -> None:
        self._transaction = transaction
        self._asked: dict[str, object] = {"about": article_id, "from_source": source}
        self._asked["since"] = transaction.scalar(_SET_BACK, self._asked) or _EVER

    def newest(self) -> Timed | None:
        """Return the one that happened last by the sender's clock."""
        return self._one(_NEWEST)

    def oldest(self) -> Timed | None:
        """Return the one that happened first by the sender's clock."""
        return self._one(_OLDEST)

    def last_overtaken(self) -> Timed | None:
        """Return the last to arrive of those that were overtaken."""
        return self._one(_LAST_OVERTAKEN)

    def _one(self, query: sa.Select[Any]) -> Timed | None:
        row = self._transaction.execute(query, self._asked).one_or_none()
        return None if row is None else Timed(row.time, row.accepted, row.stated)


_SEQUENCES = (
    sa.select(events.c.sequence)
    .where(
        events.c.article == sa.bindparam("about"),
        events.c.source == sa.bindparam("from_source"),
        events.c.sequence.is_not(None),
    )
    .order_by(events.c.accepted.desc())
    .limit(_RECENT)
)


def sequences(transaction: Transaction, article_id: str, source: str) -> list[str]:
    """Return the sequence numbers of the last events of `source` about the article that have one."""
    return list(transaction.scalars(_SEQUENCES, {"about": article_id, "from_source": source}))


def overtaken(transaction: Transaction) -> int:
    """Count the events that were overtaken."""
    count = sa.select(sa.func.count()).select_from(events).where(events.c.outcome == "overtaken")
    return transaction.scalar(count) or 0


class NotDone(Struct, frozen=True):
    """Edits of one source about one article that were overtaken, and the time of the first."""

    article: str
    source: str
    count: int
    since: dt.datetime


def lost(transaction: Transaction, *, since: dt.datetime, limit: int) -> tuple[NotDone, ...]:
    """Return the edits overtaken since then whose content the article never had, until it has another event.

    A delayed event that the source had sent before is no loss. One with a new text may be the newest, from a clock that
    was set back. `limit`: the most edits that are read.
    """
    other = events.alias()
    accepted = sa.and_(other.c.article == events.c.article, other.c.outcome == "accepted")
    settled = sa.or_(other.c.accepted > events.c.accepted, other.c.digest == events.c.digest)
    query = (
        sa.select(events.c.article, events.c.source, events.c.accepted)
        .where(sa.text("events.outcome = 'overtaken'"), events.c.accepted >= since)  # as the partial index has it
        .where(~sa.exists().where(accepted, settled))
        .order_by(events.c.accepted)
        .limit(limit)
    )
    found: dict[tuple[str, str], NotDone] = {}
    for article, source, at in transaction.execute(query):
        before = found.get((article, source))
        found[article, source] = NotDone(
            article, source, before.count + 1 if before else 1, before.since if before else at
        )
    return tuple(found.values())


def fingerprint(event: Event) -> str:
    """Return a digest of an event's content, regardless of where it came from."""
    if isinstance(event, Publish):
        return _BY_VALUE + value_digest(event.article)
    return digest_of(msgspec.json.encode((type(event).__name__, (event.article_id, event.reason))))


def _had_same_content(transaction: Transaction, row: Any, event: Event) -> bool:
    """Return whether an event that an earlier release recorded had the same content.

    Its digest was of an encoding that later releases do not write, so the revision that it led to is compared. An
    overtaken event led to no revision, so its sender is trusted.
    """
    if row.digest.startswith(_BY_VALUE) or row.type == "withdrawn" or not isinstance(event, Publish):
        return False
    if event.id_from == "id" and event.article.id != row.article:
        return False
    if row.outcome == "overtaken":
        return True
    article = structs.replace(event.article, id=row.article)
    return revisions.has_content(transaction, row.article, row.revision, article)


def record(transaction: Transaction, event: Event, answer: Accepted, *, now: dt.datetime) -> None:
    """Store the event with its answer. Raises TransientError if another process has just accepted the same event."""
    record_all(transaction, [(event, answer)], now=now)


def record_all(transaction: Transaction, answered: Sequence[tuple[Event, Accepted]], *, now: dt.datetime) -> None:
    """Do as `record` for each."""
    rows = [_new_row(event, answer, now) for event, answer in answered]
    added = set(transaction.scalars(_RECORD(transaction), rows)) if rows else set()
    for event, answer in answered:
        if answer.event not in added:
            raise TransientError("the event is being accepted elsewhere", code="event-in-flight", event=event.origin.id)


def _new_row(event: Event, answer: Accepted, now: dt.datetime) -> dict[str, object]:
    origin = event.origin
    return {
        "id": answer.event,
        "source": origin.source,
        "source_id": origin.id,
        "type": answer.type,
        "article": answer.article,
        "revision": answer.revision,
        "changed": answer.changed,
        "outcome": answer.outcome,
        "digest": fingerprint(event),
        "time": origin.time,
        "sequence": origin.sequence,
        "stated": event.stated if isinstance(event, Publish) else None,
        "set_back": answer.set_back,
        "accepted": now,
        "trace": origin.trace,
    }


def _answer(row: Any) -> Accepted:
    return Accepted(
        event=row.id,
        type=row.type,
        article=row.article,
        revision=row.revision,
        changed=row.changed,
        outcome=row.outcome,
        time_ahead=row.time is not None and row.time > row.accepted,
        set_back=row.set_back,
    )
