"""Changes for partners who pull. Each is written in the transaction that makes the change it reports."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.ledger.database import Instant, Transaction, chunks
from pipeline.ledger.kept import among, rows_of
from pipeline.ledger.tables import changes
from pipeline.model.revision import Cause, EventType


class Wanted(Struct, frozen=True, kw_only=True):
    """A revision that a channel should have from now on. `digest` is that of its rendition."""

    channel: str
    article: str
    revision: int
    format: str
    digest: str
    cause: Cause | None = None


def record(transaction: Transaction, wanted: Wanted, *, now: dt.datetime) -> None:
    """Do as `record_all` for one."""
    record_all(transaction, [wanted], now=now)


_RECORD = sa.insert(changes)
_NEWEST = sa.select(changes.c.channel, changes.c.article, changes.c.event, changes.c.digest, changes.c.revision).where(
    changes.c.id.in_(
        sa.select(sa.func.max(changes.c.id))
        .where(among(changes.c.channel, changes.c.article))
        .group_by(changes.c.channel, changes.c.article)
    )
)


def record_all(transaction: Transaction, wanted: Sequence[Wanted], *, now: dt.datetime) -> None:
    """Record what channels should have, except where the newest change of the article has the same bytes.

    `cause` is kept only if the change follows that of the previous revision: a partner that saw an older one sees more.
    """
    newest = _newest_of(transaction, {(one.channel, one.article) for one in wanted})
    rows = [
        _row(one, last, now)
        for one in wanted
        for last in [newest.get((one.channel, one.article))]
        if last is None or last.digest != one.digest
    ]
    if rows:
        transaction.execute(_RECORD, rows)


def _row(wanted: Wanted, last: Any, now: dt.datetime) -> dict[str, object]:
    is_new = last is None or last.event == "withdrawn"
    follows = last is not None and not is_new and last.revision == wanted.revision - 1
    values = structs.asdict(wanted) | {"event": "published" if is_new else "updated", "at": now}
    return values | {"cause": wanted.cause if follows else None}


def _newest_of(transaction: Transaction, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    """Return the newest change of each of these (channel, article)."""
    found: dict[tuple[str, str], Any] = {}
    for some in chunks(sorted(pairs), 200):
        for row in transaction.execute(_NEWEST, rows_of(some)):
            found[row.channel, row.article] = row
    return found


def _withdrawal(*where: sa.ColumnElement[bool]) -> sa.Insert:
    newest = sa.select(sa.func.max(changes.c.id)).where(changes.c.article == sa.bindparam("of_article"), *where)
    newest = newest.group_by(changes.c.channel)
    withdrawn = {
        "revision": sa.bindparam("by_revision", type_=sa.Integer()),
        "event": sa.literal("withdrawn"),
        "at": sa.bindparam("at_moment", type_=Instant()),
    }
    kept = (changes.c.channel, changes.c.article, changes.c.format)
    taken_back = sa.select(*kept, *withdrawn.values()).where(changes.c.id.in_(newest), changes.c.event != "withdrawn")
    into = [column.name for column in kept] + list(withdrawn)
    return sa.insert(changes).from_select(into, taken_back.order_by(changes.c.channel))


_WITHDRAWAL = _withdrawal()
_WITHDRAWAL_FROM = _withdrawal(changes.c.channel == sa.bindparam("from_channel"))


def record_withdrawal(
    transaction: Transaction, article_id: str, *, revision: int, now: dt.datetime, channel: str | None = None
) -> None:
    """Record the withdrawal for this channel (None: every channel), if a change of the article was recorded for it.

    It uses the format of that change, which is what the partner has, even if the channel's format has changed since.
    """
    new: dict[str, object] = {"of_article": article_id, "by_revision": revision, "at_moment": now}
    if channel is None:
        transaction.execute(_WITHDRAWAL, new)
    else:
        transaction.execute(_WITHDRAWAL_FROM, {**new, "from_channel": channel})


# --- in the order of commits --------------------------------------------------------------------------------------

BEGINNING = "0"  # the cursor before the first change

_ONCE = 5_000  # maximum number of changes numbered in one transaction, so that the lock is never held for long


class Change(Struct, frozen=True, kw_only=True):
    """A change as a partner sees it."""

    seq: int | None  # from 1 in each channel; None until it is assigned
    article: str
    revision: int
    event: EventType
    format: str
    at: dt.datetime
    cause: Cause | None = None
    superseded_by: int | None = None  # the newer revision of a later change of the article

    @property
    def cursor(self) -> str:
        """The cursor after this change. It identifies the change, so that a cursor of another ledger is recognised."""
        named = f"{self.seq}\n{self.article}\n{self.revision}\n{self.event}\n{self.at.isoformat()}"
        return f"{self.seq}-{hashlib.sha256(named.encode()).hexdigest()[:12]}"


def any_without_sequence(transaction: Transaction, channel: str) -> bool:
    """Return whether there are changes without a sequence number."""
    unplaced = sa.select(sa.literal(1)).where(changes.c.channel == channel, changes.c.seq.is_(None))
    return transaction.execute(unplaced.limit(1)).first() is not None


def assign_sequence(transaction: Transaction, channel: str) -> None:
    """Number the channel's committed changes that have no sequence number yet, after all that have one.

    A change is numbered when it becomes visible, not when it is written. A change committed later has a higher number,
    whichever was written first, so a reader that has reached a number has missed nothing below it. Changes that are
    numbered together keep the order in which they were written; changes of one article never overlap.
    """
    if transaction.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        transaction.execute(sa.select(sa.func.pg_advisory_xact_lock(_lock(channel))))
    mine = changes.c.channel == channel
    last = _last(transaction, channel)
    unplaced = (
        sa.select(changes.c.id, sa.func.row_number().over(order_by=changes.c.id).label("number"))
        .where(mine, changes.c.seq.is_(None))
        .order_by(changes.c.id)
        .limit(_ONCE)
        .subquery()
    )
    transaction.execute(sa.update(changes).where(changes.c.id == unplaced.c.id).values(seq=unplaced.c.number + last))


def sequence_of(transaction: Transaction, channel: str, cursor: str) -> int | None:
    """Return the sequence number of a cursor, or None if it is not a cursor of this channel."""
    if cursor == BEGINNING:
        return 0
    digits = cursor.partition("-")[0]
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        return None
    found = _following(transaction, channel, int(digits) - 1, limit=1)
    return found[0].seq if found and found[0].cursor == cursor else None


def before(transaction: Transaction, channel: str, since: dt.datetime | None) -> int:
    """Return the sequence number after which what changed since a time follows. None: after which nothing does yet."""
    last = _last(transaction, channel)
    if since is None:
        return last
    mine = (changes.c.channel == channel, changes.c.at >= since)
    first = transaction.scalar(sa.select(sa.func.min(changes.c.seq)).where(*mine))
    return last if first is None else first - 1


def is_forgotten(transaction: Transaction, channel: str, cursor: str) -> bool:
    """Return whether the cursor may name a change that was deleted since: its number was given, and is free now."""
    digits = cursor.partition("-")[0]
    if not (digits.isascii() and digits.isdigit() and 0 < int(digits[:19]) <= _last(transaction, channel)):
        return False
    return not any(change.seq == int(digits) for change in _following(transaction, channel, int(digits) - 1, limit=1))


def span(transaction: Transaction) -> tuple[int, int]:
    """Return the ids of the oldest and the newest change, or zeros if there is none."""
    first, last = (transaction.scalar(sa.select(end(changes.c.id))) or 0 for end in (sa.func.min, sa.func.max))
    return first, last


def forget(transaction: Transaction, *, before: dt.datetime, after: int, limit: int) -> tuple[int, int | None]:
    """Of the `limit` changes with ids above `after`, delete those older than `before` that a later one supersedes.

    Return how many, and the id after which to continue, or None if nothing older is left. The newest change of each
    article is kept, so a partner that starts again gets everything.
    """
    page = sa.select(changes.c.id, changes.c.at).where(changes.c.id > after).order_by(changes.c.id).limit(limit)
    old = [row.id for row in transaction.execute(page) if row.at < before]
    if not old:
        return 0, None
    later = changes.alias()
    superseded = sa.exists().where(
        later.c.article == changes.c.article, later.c.channel == changes.c.channel, later.c.id > changes.c.id
    )
    between = (changes.c.id > after, changes.c.id <= old[-1], changes.c.at < before, changes.c.seq.is_not(None))
    return transaction.execute(sa.delete(changes).where(*between, superseded)).rowcount, old[-1]


def after(transaction: Transaction, channel: str, seq: int, *, limit: int) -> list[Change]:
    """Return the changes that follow, in order. A superseded change names the revision that supersedes it."""
    found = _following(transaction, channel, seq, limit=limit)
    newest = _newest(transaction, channel, {change.article for change in found})
    page = []
    for change in found:
        seq_of_newest, revision = newest[change.article]
        page.append(change if seq_of_newest == change.seq else structs.replace(change, superseded_by=revision))
    return page


def newest_of(transaction: Transaction, channel: str, article_id: str) -> Change | None:
    """Return the newest change of an article, or None if there is none."""
    mine = (changes.c.channel == channel, changes.c.article == article_id)
    row = transaction.execute(sa.select(*_CHANGE).where(*mine).order_by(changes.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else Change(**row._mapping)


def newest(transaction: Transaction, channel: str, *, limit: int) -> list[Change]:
    """Return the newest change of each article, latest first. Changes without a number are later than all others.

    A change is left out as soon as a later one supersedes it, even if that one has no number yet.
    """
    later = changes.alias()
    superseded = sa.select(later.c.id).where(
        later.c.article == changes.c.article, later.c.channel == channel, later.c.id > changes.c.id
    )
    mine = sa.select(*_CHANGE).where(changes.c.channel == channel, ~superseded.exists()).limit(limit)
    unplaced = mine.where(changes.c.seq.is_(None)).order_by(changes.c.id.desc())
    placed = mine.where(changes.c.seq.is_not(None)).order_by(changes.c.seq.desc())
    found: dict[str, Change] = {}
    for query in (unplaced, placed):  # each reads the index only as far as needed
        for row in transaction.execute(query):
            found.setdefault(row.article, Change(**row._mapping))
    return list(found.values())[:limit]


def behind(transaction: Transaction, channel: str, seq: int) -> int:
    """Count the changes after a sequence number, including those without one."""
    later = sa.or_(changes.c.seq > seq, changes.c.seq.is_(None))
    query = sa.select(sa.func.count()).select_from(changes).where(changes.c.channel == channel, later)
    return transaction.scalar(query) or 0


def anything_after(transaction: Transaction, channel: str, seq: int) -> bool:
    """Return whether there is anything after a sequence number. Two look-ups in an index."""
    return any_without_sequence(transaction, channel) or _last(transaction, channel) > seq


_CHANGE = tuple(changes.c[field] for field in ("seq", "article", "revision", "event", "format", "at", "cause"))


def _last(transaction: Transaction, channel: str) -> int:
    return transaction.scalar(sa.select(sa.func.max(changes.c.seq)).where(changes.c.channel == channel)) or 0


def _following(transaction: Transaction, channel: str, seq: int, *, limit: int) -> list[Change]:
    query = sa.select(*_CHANGE).where(changes.c.channel == channel, changes.c.seq > seq)
    return [Change(**row._mapping) for row in transaction.execute(query.order_by(changes.c.seq).limit(limit))]


def _newest(transaction: Transaction, channel: str, articles: set[str]) -> dict[str, tuple[int | None, int]]:
    """Return the sequence number, if any, and the revision of each article's newest change."""
    mine = (changes.c.channel == channel, changes.c.article.in_(articles))
    ids = sa.select(sa.func.max(changes.c.id)).where(*mine).group_by(changes.c.article)
    rows = transaction.execute(
        sa.select(changes.c.article, changes.c.seq, changes.c.revision).where(changes.c.id.in_(ids))
    )
    return {article: (seq, revision) for article, seq, revision in rows}


def _lock(channel: str) -> int:
    """Return the key of the channel's PostgreSQL advisory lock: a signed 64-bit integer."""
    return int.from_bytes(hashlib.sha256(f"citewire changes {channel}".encode()).digest()[:8], signed=True)
