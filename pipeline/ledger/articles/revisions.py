"""The revisions of articles: their content and the references they showed. Written once and never changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.articles import headings
from pipeline.ledger.articles.headings import Heading
from pipeline.ledger.database import Instant, Transaction, chunks
from pipeline.ledger.kept import add_missing, among, one_of, rows_of
from pipeline.ledger.tables import articles, contents, revisions
from pipeline.model.article import Article
from pipeline.model.reference import CitedReference
from pipeline.model.rendition import digest_of
from pipeline.model.revision import Cause, EventType, Revision, Withdrawal

_KEY = (revisions.c.article, revisions.c.number)
_AMONG = among(*_KEY)
_IS = sa.and_(revisions.c.article == sa.bindparam("of_article"), revisions.c.number == sa.bindparam("at_number"))
_ADD = sa.insert(revisions)


def add(
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
    cause: Cause | None = None,
) -> None:
    """Add a revision with either `content`, the digest of the article's content, or the `reason` for a withdrawal."""
    values: dict[str, Any] = {
        "article": article_id,
        "number": number,
        "event": event,
        "event_id": event_id,
        "content": content,
        "reason": reason,
        "at": now,
        "updated": updated,
        "cause": cause,
    }
    transaction.execute(_ADD, values)


def add_first(transaction: Transaction, new: Sequence[tuple[str, str, str]], *, now: dt.datetime) -> None:
    """Add the first revisions of articles: (article, id of its event, digest of its content)."""
    same = {"number": 1, "event": "published", "at": now, "updated": now, "reason": None, "cause": None}
    rows = [{"article": article_id, "event_id": event, "content": digest} | same for article_id, event, digest in new]
    if rows:
        transaction.execute(_ADD, rows)


class Following(Struct, frozen=True):
    """A revision with the content of an earlier one, whose evidence or rendering is new."""

    article: str
    number: int
    content_of: int
    updated: dt.datetime
    cause: Cause | None


_CONTENTS_OF = sa.select(*_KEY, revisions.c.content).where(_AMONG)


def add_following(transaction: Transaction, new: Sequence[Following], *, now: dt.datetime) -> None:
    """Add revisions that no event asked for."""
    contents_of: dict[tuple[str, int], str | None] = {}
    for some in chunks({(one.article, one.content_of) for one in new}, 200):
        found = transaction.execute(_CONTENTS_OF, rows_of(some))
        contents_of |= {(article, number): content for article, number, content in found}
    rows = [
        {
            "article": one.article,
            "number": one.number,
            "event": "updated",
            "event_id": None,
            "content": contents_of[one.article, one.content_of],
            "reason": None,
            "at": now,
            "updated": one.updated,
            "cause": one.cause,
        }
        for one in new
    ]
    if rows:
        transaction.execute(_ADD, rows)


def repeat(transaction: Transaction, article_id: str, number: int, under: int, *, now: dt.datetime) -> None:
    """Add a revision that was never published again, with the same content and event, under a later number."""
    copied = ("article", "event", "event_id", "content")
    query = sa.select(*(revisions.c[name] for name in copied)).where(_IS)
    row = transaction.execute(query, _at(article_id, number)).one()
    values = {name: getattr(row, name) for name in copied}
    transaction.execute(_ADD, values | {"number": under, "at": now, "updated": now})


def number_of_event(transaction: Transaction, article_id: str, number: int) -> int:
    """Return the number under which a revision's event is, or will be, published."""
    event = sa.select(revisions.c.event_id).where(_IS).scalar_subquery()
    same = sa.and_(revisions.c.article == article_id, revisions.c.event_id == event)
    newest = sa.select(sa.func.max(revisions.c.number)).where(same)
    return transaction.scalar(newest, _at(article_id, number)) or number


def add_content(transaction: Transaction, article: Article) -> str:
    """Store an article's content once, and return its digest."""
    (digest,) = add_contents(transaction, [article])
    return digest


_ADD_CONTENTS = add_missing(contents)


def add_contents(transaction: Transaction, articles: Iterable[Article]) -> list[str]:
    """Store the contents of articles, each once, and return their digests."""
    bodies = [(msgspec.json.encode(article), article) for article in articles]
    rows = [{"digest": digest_of(body), "article": body} | headings.of_article(article) for body, article in bodies]
    if rows:
        by_digest = {str(row["digest"]): row for row in rows}
        transaction.execute(_ADD_CONTENTS(transaction), list(by_digest.values()))
    return [str(row["digest"]) for row in rows]


def content_of(transaction: Transaction, article_id: str, number: int) -> str | None:
    """Return the digest of a revision's content, or None for a withdrawal."""
    return transaction.scalar(sa.select(revisions.c.content).where(_IS), _at(article_id, number))


_CONTENT = sa.select(contents.c.article).join(revisions, contents.c.digest == revisions.c.content).where(_IS)


def has_content(transaction: Transaction, article_id: str, number: int, article: Article) -> bool:
    """Return whether a revision has this content. A withdrawal has none.

    Values are compared, because a release that adds a field encodes the same article as different bytes.
    """
    body = transaction.scalar(_CONTENT, _at(article_id, number))
    return body is not None and msgspec.json.decode(body, type=Article) == article


class Content(Struct, frozen=True):
    digest: str
    article: Article


_NEWEST_CONTENT = (
    sa.select(contents.c.digest, contents.c.article)
    .join(revisions, contents.c.digest == revisions.c.content)
    .where(revisions.c.article == sa.bindparam("of_article"))
    .order_by(revisions.c.number.desc())
    .limit(1)
)


def newest_content(transaction: Transaction, article_id: str) -> Content:
    """Return the newest content of the article. Raises sqlalchemy's NoResultFound if the article is unknown."""
    row = transaction.execute(_NEWEST_CONTENT, {"of_article": article_id}).one()
    return Content(row.digest, msgspec.json.decode(row.article, type=Article))


_WITH_CONTENT = (
    sa.select(
        revisions.c.article.label("id"),
        revisions.c.number,
        contents.c.article,
        revisions.c.evidence,
        revisions.c.updated,
        revisions.c.overdue,
        articles.c.published,
    )
    .select_from(revisions)
    .join(contents, contents.c.digest == revisions.c.content)
    .join(articles, articles.c.id == revisions.c.article)
)
_ONE_WITH_CONTENT, _ALL_WITH_CONTENT = _WITH_CONTENT.where(_IS), _WITH_CONTENT.where(_AMONG)


def get(transaction: Transaction, article_id: str, number: int) -> Revision:
    """Return a revision with the references that it showed, or no references if it has not been rendered yet.

    Raises sqlalchemy's NoResultFound for a withdrawal, and for one that is unknown.
    """
    return _revision(transaction.execute(_ONE_WITH_CONTENT, _at(article_id, number)).one())


def get_all(transaction: Transaction, numbers: Collection[tuple[str, int]]) -> dict[tuple[str, int], Revision]:
    """Do as `get` for each of these (article, number). Withdrawals and unknown ones are left out."""
    found: dict[tuple[str, int], Revision] = {}
    for some in chunks(sorted(numbers), 200):
        for row in transaction.execute(_ALL_WITH_CONTENT, rows_of(some)):
            found[row.id, row.number] = _revision(row)
    return found


def _revision(row: Any) -> Revision:
    return Revision(
        article=msgspec.json.decode(row.article, type=Article),
        number=row.number,
        published=row.published,
        updated=row.updated,
        references=decode_evidence(row.evidence),
        overdue=row.overdue,
    )


def came_out(transaction: Transaction, article_id: str, number: int) -> dt.datetime | None:
    """Return when the revision was rendered, which for a refreshed one is later than the date that readers see."""
    query = sa.select(revisions.c.rendered_at).where(_IS)
    at: dt.datetime | None = transaction.scalar(query, _at(article_id, number))
    return at


_WITHDRAWAL = (
    sa.select(revisions.c.reason, revisions.c.at, articles.c.title, articles.c.language, articles.c.published)
    .join(articles, articles.c.id == revisions.c.article)
    .where(_IS)
)
_LAST_SHOWN = (
    sa.select(*headings.COLUMNS)
    .join(revisions, contents.c.digest == revisions.c.content)
    .where(
        revisions.c.article == sa.bindparam("of_article"),
        revisions.c.number <= sa.bindparam("at_number"),
        revisions.c.evidence.is_not(None),
    )
    .order_by(revisions.c.number.desc())
    .limit(1)
)


def withdrawal(transaction: Transaction, article_id: str, number: int, *, reason: str | None = None) -> Withdrawal:
    """Return a withdrawal or, given a `reason`, the withdrawal of a revision from a channel that must not have it.

    Raises LookupError for a revision that is unknown.
    """
    found = withdrawal_if_known(transaction, article_id, number, reason=reason)
    if found is None:
        raise LookupError(f"the ledger has no revision {number} of {article_id}")
    return found


def withdrawal_if_known(
    transaction: Transaction, article_id: str, number: int, *, reason: str | None = None
) -> Withdrawal | None:
    """Return the withdrawal, or None if the ledger lacks the revision: after a restore a place may have a later one."""
    row = transaction.execute(_WITHDRAWAL, _at(article_id, number)).one_or_none()
    if row is None:
        return None
    shown = _last_shown(transaction, article_id, number)
    return Withdrawal(
        article_id=article_id,
        title=row.title,
        number=number,
        reason=reason or row.reason,
        published=row.published,
        withdrawn=row.at,
        language=row.language,
        canonical=shown.canonical if shown else None,
        address=shown.address if shown else None,
    )


def is_known(transaction: Transaction, article_id: str, number: int) -> bool:
    """Return whether the ledger has the revision. After a restore a place may have a later one."""
    query = sa.select(revisions.c.number).where(_IS)
    return transaction.execute(query, _at(article_id, number)).first() is not None


_HEADING = sa.select(*headings.COLUMNS).join(revisions, contents.c.digest == revisions.c.content).where(_IS)


def heading(transaction: Transaction, article_id: str, number: int) -> Heading | None:
    """Return the heading of a revision's content, or None for a withdrawal."""
    row = transaction.execute(_HEADING, _at(article_id, number)).one_or_none()
    return None if row is None else headings.of_row(row)


def _last_shown(transaction: Transaction, article_id: str, before: int) -> Heading | None:
    """Return the heading of the newest content published before a revision."""
    row = transaction.execute(_LAST_SHOWN, _at(article_id, before)).one_or_none()
    return None if row is None else headings.of_row(row)


def last_update(transaction: Transaction, article_id: str) -> dt.datetime | None:
    """Return the date of the article's newest published state: a rendered revision or a withdrawal."""
    return last_updates(transaction, [article_id]).get(article_id)


_LAST_UPDATES = sa.select(
    articles.c.id,
    sa.select(revisions.c.updated)
    .where(
        revisions.c.article == articles.c.id,
        sa.or_(revisions.c.event == "withdrawn", revisions.c.evidence.is_not(None)),
    )
    .order_by(revisions.c.number.desc())
    .limit(1)
    .scalar_subquery(),
).where(one_of(articles.c.id, "article_ids"))


def last_updates(transaction: Transaction, article_ids: Collection[str]) -> dict[str, dt.datetime]:
    """Do as `last_update` for each; articles that were never published are left out."""
    found: dict[str, dt.datetime] = {}
    for some in chunks(sorted(article_ids)):
        rows = transaction.execute(_LAST_UPDATES, {"article_ids": some})
        found |= {article_id: at for article_id, at in rows if at is not None}
    return found


_KEEP_SHOWN = sa.update(revisions).where(_IS, revisions.c.evidence.is_(None))


def keep_shown(transaction: Transaction, shown: Mapping[str, Revision], *, now: dt.datetime) -> None:
    """Record which references the revision of each article shows, and since when.

    Called once for each revision, when it is rendered.
    """
    rows = [
        {
            **_at(article_id, revision.number),
            "updated": revision.updated,
            "evidence": msgspec.json.encode(revision.references),
            "pending": sum(cited.state == "pending" for cited in revision.references),
            "rendered_at": now,
            "overdue": revision.overdue,
        }
        for article_id, revision in shown.items()
    ]
    if rows:
        transaction.execute(_KEEP_SHOWN, rows)


def pending(transaction: Transaction, shown: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """Count the references that each of these (article, number) shows without PubMed's answer."""
    found: dict[tuple[str, int], int] = {}
    old = sa.case((revisions.c.pending.is_(None), revisions.c.evidence), else_=None)  # older rows have no count
    query = sa.select(*_KEY, revisions.c.pending, old.label("evidence")).where(_AMONG)
    for pairs in chunks(sorted(shown), 200):
        for row in transaction.execute(query, rows_of(pairs)):
            counted = sum(cited.state == "pending" for cited in decode_evidence(row.evidence))
            found[row.article, row.number] = counted if row.pending is None else row.pending
    return found


class Line(Struct, frozen=True):
    """A revision in an article's history."""

    number: int
    event: EventType
    by_event: bool  # somebody sent an event; else its evidence or its rendering changed
    cause: str | None
    at: dt.datetime
    rendered_at: dt.datetime | None
    reason: str | None


def history(transaction: Transaction, article_id: str, *, limit: int) -> list[Line]:
    """Return the revisions of an article, the newest first."""
    columns = [revisions.c[name] for name in ("number", "event", "event_id", "cause", "at", "rendered_at", "reason")]
    query = sa.select(*columns).where(revisions.c.article == article_id).order_by(revisions.c.number.desc())
    return [
        Line(number, event, event_id is not None, cause, at, rendered_at, reason)
        for number, event, event_id, cause, at, rendered_at, reason in transaction.execute(query.limit(limit))
    ]


class Shown(Struct, frozen=True):
    number: int
    event: EventType
    at: dt.datetime  # from then on


def shown_at(transaction: Transaction, article_id: str, moment: dt.datetime) -> Shown | None:
    """Return what the site showed of the article at a moment, or None if nothing."""
    out = sa.case((revisions.c.event == "withdrawn", revisions.c.at), else_=revisions.c.rendered_at)
    rendered = sa.or_(revisions.c.event == "withdrawn", revisions.c.evidence.is_not(None))
    since = sa.func.coalesce(out, revisions.c.at, type_=Instant())
    newest = (
        sa.select(revisions.c.number, revisions.c.event, since)
        .where(revisions.c.article == article_id, rendered, since <= moment)
        .order_by(revisions.c.number.desc())
        .limit(1)
    )
    row = transaction.execute(newest).one_or_none()
    return None if row is None else Shown(*row)


def decode_evidence(body: bytes | None) -> tuple[CitedReference, ...]:
    return () if body is None else msgspec.json.decode(body, type=tuple[CitedReference, ...])


def _at(article_id: str, number: int) -> dict[str, Any]:
    """Return what a statement with `_IS` is executed with."""
    return {"of_article": article_id, "at_number": number}
