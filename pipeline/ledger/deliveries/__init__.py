"""Deliveries: one row for each (article, channel), which is brought to the newest revision.

`target_revision` is the revision that the channel should have, `delivered_revision` the one that it last accepted. A
newer revision replaces the target and leaves the lease alone, so two revisions of one article are never sent to one
channel at the same time.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import claims
from pipeline.ledger.database import Transaction, chunks, insert, instant
from pipeline.ledger.deliveries import channel_contents
from pipeline.ledger.kept import NewInsert, kept, one_of
from pipeline.ledger.partners import changes
from pipeline.ledger.tables import deliveries, places
from pipeline.ledger.tables.base import by_key
from pipeline.model.delivery import DeliveryState
from pipeline.model.revision import Cause

WITHDRAWAL, NORMAL, LATER = 0, 1, 2  # urgency: the lower goes first; LATER never delays the others

# Literals, not bound values: only with these do both databases see which partial index a statement may use.
IS_WITHDRAWAL = deliveries.c.urgency == sa.literal_column(str(WITHDRAWAL))
IS_NORMAL = deliveries.c.urgency == sa.literal_column(str(NORMAL))
MAY_WAIT = deliveries.c.urgency == sa.literal_column(str(LATER))
IS_NEWS = deliveries.c.urgency < sa.literal_column(str(LATER))  # withdrawals too
IS_UNFINISHED = deliveries.c.state != sa.literal_column("'delivered'")
# Unfinished, as follows from it, but not for SQLite where it looks for an index.
IS_ABANDONED = sa.and_(deliveries.c.state == sa.literal_column("'abandoned'"), IS_UNFINISHED)

# Of any urgency, for the index in which `due` follows it: the times of each are looked up by themselves.
IS_ANY = deliveries.c.urgency.in_([sa.literal_column(str(one)) for one in (WITHDRAWAL, NORMAL, LATER)])

# Attempts, about an hour of them, that a withdrawal may fail before its channel goes on without it.
BLOCKING_ATTEMPTS = 60


MOST_ATTEMPTS = 40  # at one revision, after which a channel's success does not try an abandoned delivery again


class Delivery(Struct, frozen=True, kw_only=True):
    """A delivery as operators see it."""

    id: str
    article: str
    channel: str
    format: str
    target_revision: int
    target_digest: str | None
    urgency: int
    delivered_revision: int | None
    delivered_digest: str | None
    delivered_event: str | None
    state: DeliveryState
    attempts: int
    refusals: int  # in a row
    error: str | None
    remote_id: str | None
    due: dt.datetime | None
    tried: str | None = None  # formats of files that may be there: attempted since the last delivery, and that one's
    changed: dt.datetime | None = None  # when its state changed last


_DELIVERY = by_key(deliveries.c[field] for field in Delivery.__struct_fields__)
_MANY = sa.select(*_DELIVERY).order_by(deliveries.c.article, deliveries.c.channel)
_OF_ARTICLES = _MANY.where(one_of(deliveries.c.article, "of_articles"))
_DELIVERED: sa.ColumnElement[str] = sa.literal_column("'delivered'")
_NORMAL: sa.ColumnElement[int] = sa.literal_column(str(NORMAL))

# --- scheduling -----------------------------------------------------------------------------------------------------


class NewTarget(Struct, frozen=True, kw_only=True):
    """A revision that a channel should have from now on, as the rendition with this digest."""

    id: str  # of the delivery, if it is the article's first to the channel
    article: str
    channel: str
    format: str
    revision: int
    digest: str
    cause: Cause | None = None
    may_wait: bool = False

    @property
    def urgency(self) -> int:
        return LATER if self.may_wait or self.cause == "refreshed" else NORMAL


def schedule(transaction: Transaction, target: NewTarget, *, now: dt.datetime) -> None:
    """Do as `schedule_all` for one."""
    schedule_all(transaction, [target], now=now)


def schedule_all(transaction: Transaction, targets: Sequence[NewTarget], *, now: dt.datetime) -> None:
    """Make revisions the ones that channels should have; none of these is for the same article and channel as another.

    One that is only rendered in another way (its `cause` says so), or that `may_wait`, is sent after everything else,
    unless an edit of the article is still outstanding for the channel.

    A channel that already has the same bytes is not sent them again, unless anything was scheduled since it accepted
    them: a delivery that is being sent, or whose result is unknown, may have replaced them.
    """
    by_key = {(one.article, one.channel): one for one in sorted(targets, key=lambda one: (one.article, one.channel))}
    scheduled: dict[tuple[str, str], tuple[Any, ...]] = {}
    for some in chunks(by_key.values()):
        rows = transaction.execute(_want(transaction), [_new_row(one, now) for one in some])
        scheduled |= {(article, channel): tuple(has) for article, channel, *has in rows}
    taken = [one for key, one in by_key.items() if key in scheduled]
    changes.record_all(transaction, [_change(one) for one in taken], now=now)
    for one in taken:
        if scheduled[one.article, one.channel] == (one.revision, one.digest):  # it has these bytes already
            channel_contents.add(
                transaction,
                article_id=one.article,
                channel=one.channel,
                revision=one.revision,
                event="updated",
                digest=one.digest,
                at=now,
            )


def _change(target: NewTarget) -> changes.Wanted:
    return changes.Wanted(
        channel=target.channel,
        article=target.article,
        revision=target.revision,
        format=target.format,
        digest=target.digest,
        cause=target.cause,
    )


def _new_row(target: NewTarget, now: dt.datetime) -> dict[str, Any]:
    return {
        "id": target.id,
        "article": target.article,
        "channel": target.channel,
        "format": target.format,
        "target_revision": target.revision,
        "target_digest": target.digest,
        "urgency": target.urgency,
        "attempted": False,
        **afresh(now),
    }


_TARGET = ("format", "target_revision", "target_digest", "urgency")


def afresh(now: dt.datetime | sa.BindParameter[Any]) -> dict[str, Any]:
    """Return the values of a delivery that is to be attempted now, with a full set of attempts."""
    return {"state": "pending", "attempts": 0, "refusals": 0, "due": now, "changed": now, "available": None}


def _wanting(new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a delivery of a rendition, given as for a new one, which is sent unless the channel has it.

    There are no bound parameters among our own: with them SQLAlchemy would send an upsert of many rows row by row.
    """
    is_delivered = deliveries.c.state == _DELIVERED
    has_it = sa.and_(deliveries.c.delivered_digest == new["target_digest"], is_delivered)
    news_outstanding = sa.and_(deliveries.c.urgency == _NORMAL, sa.not_(is_delivered))
    return {
        **new,
        "urgency": sa.case((news_outstanding, _NORMAL), else_=new["urgency"]),
        "delivered_revision": sa.case((has_it, new["target_revision"]), else_=deliveries.c.delivered_revision),
        "state": sa.case((has_it, _DELIVERED), else_=new["state"]),
        "due": sa.case((has_it, sa.null()), else_=new["due"]),
        "error": sa.null(),
    }


@kept
def _want(insert: NewInsert) -> sa.Executable:
    """Make what is given the target of new deliveries, and of those that had an older one; return what they hold."""
    new = insert(deliveries)
    wanted = new.excluded
    return new.on_conflict_do_update(
        index_elements=[deliveries.c.article, deliveries.c.channel],
        set_=_wanting({name: wanted[name] for name in (*_TARGET, *afresh(claims.NOW))}),
        where=deliveries.c.target_revision < wanted.target_revision,
    ).returning(
        deliveries.c.article, deliveries.c.channel, deliveries.c.delivered_revision, deliveries.c.delivered_digest
    )


def articles_of(transaction: Transaction, channel: str, article_ids: Collection[str]) -> frozenset[str]:
    """Return those of the articles that have a delivery for the channel."""
    where = (deliveries.c.channel == channel, deliveries.c.article.in_(article_ids))
    return frozenset(transaction.scalars(sa.select(deliveries.c.article).where(*where)))


_OF_ARTICLE = deliveries.c.article == sa.bindparam("of_article")
_DROP_UNTRIED = sa.delete(deliveries).where(_OF_ARTICLE, deliveries.c.attempted.is_(False))
_TAKE_BACK = (
    sa.update(deliveries)
    .where(_OF_ARTICLE)
    .values(
        target_revision=sa.bindparam("by_revision"),
        target_digest=None,
        urgency=WITHDRAWAL,
        error=None,
        **afresh(claims.NOW),
    )
)
_CHANNELS = sa.select(deliveries.c.channel).where(_OF_ARTICLE)
_GIVEN_UP = sa.select(places.c.key, places.c.reason).where(places.c.state == "given-up")


def schedule_withdrawal(transaction: Transaction, article_id: str, *, revision: int, now: dt.datetime) -> list[str]:
    """Schedule a withdrawal for every channel that may have seen the article, and return those channels."""
    changes.record_withdrawal(transaction, article_id, revision=revision, now=now)
    transaction.execute(_DROP_UNTRIED, {"of_article": article_id})
    transaction.execute(_TAKE_BACK, {"of_article": article_id, "by_revision": revision, "now": now})
    _abandon_where_given_up(transaction, article_id)
    return list(transaction.scalars(_CHANNELS, {"of_article": article_id}))


def seen_by(transaction: Transaction, article_id: str) -> list[str]:
    """Return the channels that may have seen the article, each of which its withdrawal goes to."""
    mine = (deliveries.c.article == article_id, deliveries.c.attempted)
    return list(transaction.scalars(sa.select(deliveries.c.channel).where(*mine).order_by(deliveries.c.channel)))


def may_be_shown(transaction: Transaction, article_id: str) -> bool:
    """Return whether a channel may have the article, and its withdrawal was not scheduled there.

    After a restore one may have an article that was not published yet, or did not exist, when the backup was made.
    """
    query = sa.select(deliveries.c.id).where(*_may_show(article_id))
    return transaction.execute(query.limit(1)).first() is not None


def withdraw_where_shown(transaction: Transaction, article_id: str, *, revision: int, now: dt.datetime) -> None:
    """Schedule a withdrawal, whose revision there is already, for every channel that may still have the article."""
    gone = {"target_revision": revision, "target_digest": None, "urgency": WITHDRAWAL, "error": None}
    transaction.execute(sa.update(deliveries).where(*_may_show(article_id)).values(**gone, **afresh(now)))


def _may_show(article_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (deliveries.c.article == article_id, deliveries.c.attempted, deliveries.c.target_digest.is_not(None))


def _abandon_where_given_up(transaction: Transaction, article_id: str) -> None:
    """Abandon the withdrawal at places that were given up, so that a command waiting for it can name those places."""
    for key, reason in transaction.execute(_GIVEN_UP):
        mine = (deliveries.c.article == article_id, deliveries.c.channel == key)
        lost = {"state": "abandoned", "due": None, "error": f"place-given-up: {reason}"}
        transaction.execute(sa.update(deliveries).where(*mine).values(**lost))


def withhold(transaction: Transaction, article_id: str, channel: str, *, revision: int, now: dt.datetime) -> bool:
    """Keep the article from the channel; return whether it must be sent a withdrawal of an earlier revision.

    It need not be if nothing was ever sent to it, or if it has been sent a withdrawal already.
    """
    changes.record_withdrawal(transaction, article_id, channel=channel, revision=revision, now=now)
    mine = (deliveries.c.article == article_id, deliveries.c.channel == channel)
    transaction.execute(sa.delete(deliveries).where(*mine, deliveries.c.attempted.is_(False)))
    withdrawal = {"target_revision": revision, "target_digest": None, "urgency": WITHDRAWAL}
    other = deliveries.c.target_digest.is_not(None)  # no withdrawal is outstanding or delivered yet
    update = sa.update(deliveries).where(*mine, other, deliveries.c.target_revision < revision)
    return transaction.execute(update.values(**withdrawal, error=None, **afresh(now))).rowcount > 0


def at_place(transaction: Transaction, key: str, article_id: str) -> Delivery | None:
    """Return the delivery of the article to this channel or place."""
    found = _many(transaction, deliveries.c.channel == key, deliveries.c.article == article_id)
    return found[0] if found else None


def renew(
    transaction: Transaction, row: Delivery, *, format: str, revision: int, digest: str, now: dt.datetime
) -> None:
    """Make this rendition the one that the place should have, although it is of the revision that it had already."""
    mine = (deliveries.c.id == row.id, deliveries.c.target_revision <= revision)
    target = dict(zip(_TARGET, (format, revision, digest, LATER), strict=True))
    update = sa.update(deliveries).where(*mine).values(**_wanting(target | afresh(now) | {"due": instant(now)}))
    if transaction.execute(update).rowcount:
        new = changes.Wanted(channel=row.channel, article=row.article, revision=revision, format=format, digest=digest)
        changes.record(transaction, new, now=now)


def withdraw_at(
    transaction: Transaction, article_id: str, *, id: str, key: str, format: str, revision: int, now: dt.datetime
) -> int:
    """Schedule a withdrawal at a place that may have the article although it was never sent there: moved by hand."""
    row = {"id": id, "article": article_id, "channel": key, "format": format, "target_revision": revision}
    new = insert(transaction, deliveries).values(**row, urgency=WITHDRAWAL, attempted=True, **afresh(now))
    new = new.on_conflict_do_nothing(index_elements=[deliveries.c.article, deliveries.c.channel])
    return len(transaction.execute(new.returning(deliveries.c.id)).all())


def lies_at(
    transaction: Transaction, article_id: str, *, id: str, key: str, format: str, revision: int, now: dt.datetime
) -> None:
    """Record that a place has an article that the ledger did not send there. Its bytes are not known."""
    row = {"id": id, "article": article_id, "channel": key, "format": format, "attempted": True, "changed": now}
    has = {"target_revision": revision, "target_digest": "", "delivered_revision": revision, "urgency": NORMAL}
    state = {"delivered_event": "published", "state": "delivered", "attempts": 0}
    transaction.execute(insert(transaction, deliveries).values(**row, **has, **state).on_conflict_do_nothing())


# --- giving up ------------------------------------------------------------------------------------------------------


def abandon_all(transaction: Transaction, channel: str, *, error: str, now: dt.datetime) -> int:
    """Abandon everything that a disabled channel still lacks except withdrawals, and return how many deliveries.

    Deliveries that are being sent are left to their sender. Once they are settled, the next claim calls this again.
    """
    where = (deliveries.c.channel == channel, deliveries.c.urgency != WITHDRAWAL, deliveries.c.due.is_not(None))
    given_up = {"state": "abandoned", "due": None, "error": error, "changed": now}
    update = sa.update(deliveries).where(*where, claims.is_free(deliveries, now)).values(**given_up)
    return transaction.execute(update).rowcount


def bring_forward(transaction: Transaction, channel: str, *, now: dt.datetime) -> int:
    """Make everything that failed at a channel due now, since it accepts again, and return how many deliveries.

    Abandoned deliveries keep their attempts, so that each is tried once more, up to `MOST_ATTEMPTS`.
    """
    mine = (deliveries.c.channel == channel, claims.is_free(deliveries, now))
    abandoned = (
        IS_ABANDONED,
        deliveries.c.attempts < MOST_ATTEMPTS,
        deliveries.c.error.not_like("send-interrupted:%"),  # it kills its workers, which no answer of a channel changes
    )
    waiting = (IS_ANY, deliveries.c.due > now, deliveries.c.attempts > 0)
    update = sa.update(deliveries).values(state="pending", due=now, changed=now)
    return sum(transaction.execute(update.where(*mine, *which)).rowcount for which in (abandoned, waiting))


# --- reading --------------------------------------------------------------------------------------------------------


def one(transaction: Transaction, delivery_id: str) -> Delivery:
    """Return a delivery. Raises sqlalchemy's NoResultFound when there is none with this id."""
    row = transaction.execute(sa.select(*_DELIVERY).where(deliveries.c.id == delivery_id)).one()
    return Delivery(**row._mapping)


def of_article(transaction: Transaction, article_id: str) -> list[Delivery]:
    """Return the deliveries of an article, sorted by channel."""
    return of_articles(transaction, [article_id]).get(article_id, [])


def of_articles(transaction: Transaction, article_ids: Collection[str]) -> dict[str, list[Delivery]]:
    """Do as `of_article` for each; articles without deliveries are left out."""
    found: dict[str, list[Delivery]] = {}
    for some in chunks(sorted(article_ids)):
        for row in transaction.execute(_OF_ARTICLES, {"of_articles": some}):
            found.setdefault(row.article, []).append(Delivery(**row._mapping))
    return found


def search(
    transaction: Transaction, *, state: str | None, channel: str | None, limit: int, after: Delivery | None = None
) -> list[Delivery]:
    """Return deliveries by article and channel, those that follow `after` if it is given."""
    where = []
    if after is not None:
        where.append(sa.tuple_(deliveries.c.article, deliveries.c.channel) > sa.tuple_(after.article, after.channel))
    if state == "delivered":  # nearly all are: those that are not are passed over in the order of the list
        where.append(sa.func.coalesce(deliveries.c.state, "") == state)
    elif state is not None:
        where += [deliveries.c.state == state, IS_UNFINISHED]
    if channel is not None:
        where.append(deliveries.c.channel == channel)
    return _many(transaction, *where, limit=limit)


class Replayed(Struct, frozen=True):
    """A delivery that is made again, as it was before."""

    article: str
    channel: str
    revision: int
    state: DeliveryState
    error: str | None


def replay(
    transaction: Transaction,
    *,
    now: dt.datetime,
    id: str | None = None,
    channel: str | None = None,
    article_id: str | None = None,
    since: dt.datetime | None = None,
    before: dt.datetime | None = None,
    limit: int | None = None,
) -> list[Replayed]:
    """Make abandoned deliveries due now, with all their attempts restored, and return them as they were.

    With `since`, everything that was delivered or abandoned from then on, and up to `before`, is sent again with the
    same message ids, for a partner that has lost it: at most `limit`, those that ended first.
    """
    where = [IS_ABANDONED] if since is None else _ended(since, before)
    for column, value in ((deliveries.c.id, id), (deliveries.c.channel, channel), (deliveries.c.article, article_id)):
        if value is not None:
            where.append(column == value)
    if limit is not None:
        first = sa.select(deliveries.c.id).where(*where).order_by(deliveries.c.changed, deliveries.c.id).limit(limit)
        where.append(deliveries.c.id.in_(list(transaction.scalars(first))))
    columns = ("article", "channel", "target_revision", "state", "error")
    query = sa.select(*(deliveries.c[name] for name in columns)).where(*where)
    concerned = [Replayed(*row) for row in transaction.execute(query.order_by(*query.selected_columns[:2]))]
    transaction.execute(sa.update(deliveries).where(*where).values(**afresh(now)))
    return concerned


def left_to_replay(
    transaction: Transaction, channel: str, *, since: dt.datetime, before: dt.datetime
) -> tuple[int, dt.datetime | None]:
    """Count what `replay` would still send the channel again, and return when the first of it ended."""
    query = sa.select(sa.func.count(), sa.func.min(deliveries.c.changed))
    count, first = transaction.execute(query.where(deliveries.c.channel == channel, *_ended(since, before))).one()
    return count, first


def _ended(since: dt.datetime, before: dt.datetime | None) -> list[sa.ColumnElement[bool]]:
    """Match what was delivered or abandoned from one time on, up to another."""
    ended = [deliveries.c.state.in_(("abandoned", "delivered")), deliveries.c.changed >= since]
    return ended if before is None else [*ended, deliveries.c.changed <= before]


def outstanding_withdrawals(transaction: Transaction, *, limit: int) -> list[Delivery]:
    """Return withdrawals that a channel has not accepted yet, including refused ones."""
    return _many(transaction, IS_WITHDRAWAL, deliveries.c.due.is_not(None), limit=limit)


def count_outstanding_withdrawals(transaction: Transaction, channel: str) -> int:
    """Count the withdrawals that the channel has not accepted yet."""
    outstanding = (deliveries.c.channel == channel, IS_WITHDRAWAL, deliveries.c.due.is_not(None))
    return transaction.execute(sa.select(sa.func.count()).where(*outstanding)).scalar_one()


def count_abandoned(transaction: Transaction, channel: str) -> int:
    """Count the deliveries to the channel that were given up."""
    return counts_abandoned(transaction, [channel]).get(channel, 0)


def counts_abandoned(transaction: Transaction, channel_ids: Collection[str]) -> dict[str, int]:
    """Count the deliveries to each of the channels that were given up; channels without any are left out."""
    found: dict[str, int] = {}
    for some in chunks(channel_ids):
        given_up = sa.select(deliveries.c.channel, sa.func.count()).where(deliveries.c.channel.in_(some), IS_ABANDONED)
        found |= dict(transaction.execute(given_up.group_by(deliveries.c.channel)).all())
    return found


def outstanding_elsewhere(transaction: Transaction, channel_ids: Collection[str]) -> dict[str, int]:
    """Count outstanding deliveries for each channel that is not among these. No worker acts on them.

    Two queries, each answered by an index: together SQLite would read the whole table.
    """
    elsewhere = deliveries.c.channel.not_in(channel_ids)
    waiting = sa.and_(deliveries.c.available.is_not(None), deliveries.c.due.is_(None))
    found: Counter[str] = Counter()
    for outstanding in (deliveries.c.due.is_not(None), waiting):
        rows = sa.select(deliveries.c.channel, sa.func.count()).where(outstanding, elsewhere)
        found.update(dict(transaction.execute(rows.group_by(deliveries.c.channel)).all()))
    return dict(found)


class Forgotten(Struct, frozen=True):
    given_up: int
    sending: int  # left alone, because a worker with the former settings is sending them


def forget(transaction: Transaction, channel: str, *, now: dt.datetime) -> Forgotten:
    """Abandon everything outstanding for a channel that is no longer configured, withdrawals included."""
    where = (deliveries.c.channel == channel, _OUTSTANDING)
    free = claims.is_free(deliveries, now)
    given_up = {"state": "abandoned", "due": None, "available": None, "error": "the channel was forgotten"}
    update = sa.update(deliveries).where(*where, free).values(**given_up, changed=now)
    count = transaction.execute(update).rowcount
    sending = sa.select(sa.func.count()).select_from(deliveries).where(*where, sa.not_(free))
    return Forgotten(count, transaction.scalar(sending) or 0)


def find(transaction: Transaction, delivery_id: str) -> Delivery | None:
    found = _many(transaction, deliveries.c.id == delivery_id)
    return found[0] if found else None


def abandoned_at(transaction: Transaction, channel: str, *, after: str, limit: int) -> list[Delivery]:
    """Return the deliveries to the channel that were given up, by article, those that follow `after`."""
    given_up = (deliveries.c.channel == channel, IS_ABANDONED)
    return _many(transaction, *given_up, deliveries.c.article > after, limit=limit)


def beginning(transaction: Transaction, prefix: str, *, limit: int) -> list[Delivery]:
    """Return deliveries whose id begins so."""
    return _many(transaction, deliveries.c.id.startswith(prefix, autoescape=True), limit=limit)


def counts(transaction: Transaction) -> dict[str, int]:
    """Count the deliveries in each state."""
    return {state: count for (state,), count in _counted(transaction).items() if count}


def counts_by_channel(transaction: Transaction) -> dict[tuple[str, str], int]:
    """Count the deliveries in each (channel, state)."""
    return {(channel, state): count for (channel, state), count in _counted(transaction, deliveries.c.channel).items()}


def _counted(transaction: Transaction, *by: sa.Column[str]) -> dict[tuple[str, ...], int]:
    """Count the deliveries in each state of each value of `by`.

    Nearly all are delivered. Their number is the total minus the others, so their rows are not read. One statement:
    between two, PostgreSQL shows what others have committed, and the total would be of another moment.
    """
    count: sa.ColumnElement[int] = sa.func.count()
    every = sa.select(*by, _DELIVERED, count).select_from(deliveries).group_by(*by)
    others = sa.select(*by, deliveries.c.state, count).where(IS_UNFINISHED).group_by(*by, deliveries.c.state)
    found = {tuple(key): number for *key, number in transaction.execute(every.union_all(others))}
    for (*group, state), number in found.items():
        if state != "delivered":
            found[*group, "delivered"] -= number
    return found


def blocking_withdrawal() -> sa.ColumnElement[bool]:
    """Match withdrawals that must be delivered before anything else is sent to their channel.

    One that the channel refused does not block it: the channel answers, and accepts other articles.
    """
    return sa.and_(
        IS_WITHDRAWAL,
        deliveries.c.due.is_not(None),
        deliveries.c.state.in_(("pending", "sending")),
        deliveries.c.attempts < BLOCKING_ATTEMPTS,
        deliveries.c.refusals == 0,
    )


_BLOCKING = (
    sa.select(deliveries.c.id).where(deliveries.c.channel == sa.bindparam("at_channel"), blocking_withdrawal()).limit(1)
)


def is_blocked(transaction: Transaction, channel: str) -> bool:
    """Return whether such a withdrawal is outstanding for the channel."""
    return transaction.execute(_BLOCKING, {"at_channel": channel}).first() is not None


_OUTSTANDING = sa.or_(deliveries.c.due.is_not(None), deliveries.c.available.is_not(None))


def _many(transaction: Transaction, *where: sa.ColumnElement[bool], limit: int | None = None) -> list[Delivery]:
    query = _MANY.where(*where).limit(limit)
    return [Delivery(**row._mapping) for row in transaction.execute(query)]
