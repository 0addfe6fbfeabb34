"""Articles, their revisions, and the events that made them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.errors import TransientError
from pipeline.ledger import claims
from pipeline.ledger.database import Transaction, insert, instant
from pipeline.ledger.tables import articles, contents, events, revisions, topics
from pipeline.model.article import Article
from pipeline.model.event import Accepted, Event
from pipeline.model.reference import CitedReference
from pipeline.model.rendition import digest_of
from pipeline.model.revision import EventType, Revision, Withdrawal


class Standing(Struct, frozen=True, kw_only=True):
    """Where an article stands: its row, without the work columns."""

    id: str
    state: str
    revision: int
    rendered: int | None
    title: str
    language: str
    published: dt.datetime
    updated: dt.datetime
    due: dt.datetime | None
    error: str | None


# --- events -------------------------------------------------------------------------------------------------------


def answer_to(transaction: Transaction, *, source: str, source_id: str) -> Accepted | None:
    """What was answered to this event before."""
    return _answer(transaction, sa.and_(events.c.source == source, events.c.source_id == source_id))


def event(transaction: Transaction, event_id: str) -> Accepted | None:
    return _answer(transaction, events.c.id == event_id)


def newest_event_time(transaction: Transaction, article_id: str, source: str) -> dt.datetime | None:
    """When, by the sender's clock, the newest event of `source` about the article happened."""
    of_source = sa.select(events.c.time).where(events.c.article == article_id, events.c.source == source)
    newest = of_source.where(events.c.time.is_not(None)).order_by(events.c.time.desc()).limit(1)
    return transaction.scalar(newest)


def record_event(transaction: Transaction, event: Event, answer: Accepted, *, now: dt.datetime) -> None:
    """Keep the event with its answer. Raises TransientError where another process has just accepted the same one."""
    origin = event.origin
    added = transaction.scalar(
        insert(transaction, events)
        .values(
            id=answer.event,
            source=origin.source,
            source_id=origin.id,
            type=answer.type,
            article=answer.article,
            revision=answer.revision,
            changed=answer.changed,
            time=origin.time,
            accepted=now,
        )
        .on_conflict_do_nothing()
        .returning(events.c.id)
    )
    if added is None:
        raise TransientError("the event is being accepted elsewhere", code="event-in-flight", event=origin.id)


# --- articles -----------------------------------------------------------------------------------------------------


def lock(transaction: Transaction, article_id: str) -> Standing | None:
    """The article's standing, held still until the transaction ends."""
    return _standing(transaction, sa.select(*_STANDING).where(articles.c.id == article_id).with_for_update())


def standing(transaction: Transaction, article_id: str) -> Standing | None:
    return _standing(transaction, sa.select(*_STANDING).where(articles.c.id == article_id))


def counts(transaction: Transaction) -> dict[str, int]:
    """How many articles there are in each state."""
    rows = transaction.execute(sa.select(articles.c.state, sa.func.count()).group_by(articles.c.state))
    return dict(rows.all())


def changed(standing: Standing, **changes: Any) -> Standing:
    """The same article, standing otherwise."""
    return structs.replace(standing, **changes)


def create(transaction: Transaction, first: Standing) -> bool:
    """Add an article. False: another process has just done so; lock it and see."""
    values = structs.asdict(first)
    new = insert(transaction, articles).values(**values).on_conflict_do_nothing().returning(articles.c.id)
    return transaction.scalar(new) is not None


def set_standing(transaction: Transaction, new: Standing) -> None:
    """Replace the row. A renderer that still works on an older revision finds its lease gone."""
    values = structs.asdict(new) | {"lease": None, "leased_until": None, "attempts": 0}
    transaction.execute(sa.update(articles).where(articles.c.id == new.id).values(**values))


def set_topics(transaction: Transaction, article_id: str, slugs: frozenset[str]) -> frozenset[str]:
    """File the article under these topics; the ones that it stood under before."""
    before = topics_of(transaction, article_id)
    if before != slugs:
        transaction.execute(sa.delete(topics).where(topics.c.article == article_id))
        if slugs:
            transaction.execute(sa.insert(topics), [{"article": article_id, "topic": slug} for slug in sorted(slugs)])
    return before


def topics_of(transaction: Transaction, article_id: str) -> frozenset[str]:
    return frozenset(transaction.scalars(sa.select(topics.c.topic).where(topics.c.article == article_id)))


# --- revisions ----------------------------------------------------------------------------------------------------


def add_revision(
    transaction: Transaction,
    article_id: str,
    number: int,
    *,
    event: EventType,
    event_id: str | None,
    now: dt.datetime,
    updated: dt.datetime,
    content: str | None = None,
    reason: str | None = None,
) -> None:
    """`content` names the article's content, of any revision but a withdrawal; `reason` is a withdrawal's."""
    values: dict[str, Any] = {
        "article": article_id,
        "number": number,
        "event": event,
        "event_id": event_id,
        "content": content,
        "reason": reason,
        "at": now,
        "updated": updated,
    }
    transaction.execute(sa.insert(revisions).values(**values))


def add_content(transaction: Transaction, article: Article) -> str:
    """Keep an article's content; its digest, by which the same content is kept once."""
    body = msgspec.json.encode(article)
    digest = digest_of(body)
    transaction.execute(insert(transaction, contents).values(digest=digest, article=body).on_conflict_do_nothing())
    return digest


def content_of(transaction: Transaction, article_id: str, number: int) -> str | None:
    """The digest of a revision's content; None for a withdrawal."""
    return transaction.scalar(sa.select(revisions.c.content).where(_is(article_id, number)))


def revision(transaction: Transaction, article_id: str, number: int) -> Revision:
    """A revision with the references as they were shown; without any where it was not rendered yet."""
    row = transaction.execute(
        sa.select(contents.c.article, revisions.c.evidence, revisions.c.updated, articles.c.published)
        .select_from(revisions)
        .join(contents, contents.c.digest == revisions.c.content)
        .join(articles, articles.c.id == revisions.c.article)
        .where(_is(article_id, number))
    ).one()
    return Revision(
        article=msgspec.json.decode(row.article, type=Article),
        number=number,
        published=row.published,
        updated=row.updated,
        references=decode_evidence(row.evidence),
    )


def withdrawal(transaction: Transaction, article_id: str, number: int) -> Withdrawal:
    row = transaction.execute(
        sa.select(revisions.c.reason, revisions.c.at, articles.c.title, articles.c.language, articles.c.published)
        .join(articles, articles.c.id == revisions.c.article)
        .where(_is(article_id, number))
    ).one()
    return Withdrawal(
        article_id=article_id,
        title=row.title,
        number=number,
        reason=row.reason,
        published=row.published,
        withdrawn=row.at,
        language=row.language,
    )


def keep_evidence(transaction: Transaction, article_id: str, number: int, evidence: tuple[CitedReference, ...]) -> None:
    """What the revision shows of its references: written once, when it is rendered, and never changed."""
    body = msgspec.json.encode(evidence)
    transaction.execute(sa.update(revisions).where(_is(article_id, number)).values(evidence=body))


def decode_evidence(body: bytes | None) -> tuple[CitedReference, ...]:
    return () if body is None else msgspec.json.decode(body, type=tuple[CitedReference, ...])


# --- the work of rendering ----------------------------------------------------------------------------------------


def claim_due(transaction: Transaction, *, token: str, now: dt.datetime, seconds: float, limit: int) -> list[str]:
    """Articles that want rendering, oldest debt first."""
    return claims.claim(transaction, articles.c.id, token=token, now=now, seconds=seconds, limit=limit)


def lock_claimed(transaction: Transaction, article_id: str, *, token: str) -> Standing | None:
    """As `lock`, but None where the claim was lost to time or to a newer revision."""
    query = sa.select(*_STANDING).where(articles.c.id == article_id, articles.c.lease == token)
    return _standing(transaction, query.with_for_update())


def put_off(transaction: Transaction, article_id: str, *, token: str, due: dt.datetime, error: str | None) -> None:
    """Rendering is due again at `due`: it failed with `error`, or its time has not come."""
    transaction.execute(
        sa.update(articles)
        .where(articles.c.id == article_id, articles.c.lease == token)
        .values(
            lease=None,
            leased_until=None,
            due=due,
            error=error,
            attempts=articles.c.attempts + 1 if error else articles.c.attempts,
        )
    )


def release(transaction: Transaction, article_ids: list[str], *, token: str) -> None:
    """Give back what was claimed and not rendered."""
    claims.release(transaction, articles.c.id, article_ids, token=token)


def attempts_at(transaction: Transaction, article_id: str) -> int:
    """How often rendering has failed since the newest revision came."""
    return transaction.scalar(sa.select(articles.c.attempts).where(articles.c.id == article_id)) or 0


def make_due(transaction: Transaction, article_ids: list[str], *, due: dt.datetime) -> None:
    """Have articles rendered at `due`, or sooner where that was so already. Withdrawn ones stay as they are."""
    sooner = sa.case((articles.c.due < due, articles.c.due), else_=instant(due))
    for some in _chunks(article_ids, 500):
        alive = sa.and_(articles.c.id.in_(some), articles.c.state != "withdrawn")
        transaction.execute(sa.update(articles).where(alive).values(due=sooner))


def _chunks(items: list[str], size: int) -> list[list[str]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


_STANDING = tuple(articles.c[field] for field in Standing.__struct_fields__)


def _standing(transaction: Transaction, query: sa.Select[Any]) -> Standing | None:
    row = transaction.execute(query).one_or_none()
    return None if row is None else Standing(**row._mapping)


def _answer(transaction: Transaction, which: sa.ColumnElement[bool]) -> Accepted | None:
    columns = (events.c.id, events.c.type, events.c.article, events.c.revision, events.c.changed)
    row = transaction.execute(sa.select(*columns).where(which)).one_or_none()
    if row is None:
        return None
    return Accepted(event=row.id, type=row.type, article=row.article, revision=row.revision, changed=row.changed)


def _is(article_id: str, number: int) -> sa.ColumnElement[bool]:
    return sa.and_(revisions.c.article == article_id, revisions.c.number == number)
