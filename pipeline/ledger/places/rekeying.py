"""Move what is known of a place to another key, because its channel has moved, was renamed, or has come back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import sqlalchemy as sa

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.deliveries import IS_ABANDONED, NORMAL, WITHDRAWAL, afresh
from pipeline.ledger.tables import (
    accepted_evidence,
    channel_contents,
    channels,
    deliveries,
    drift,
    places,
    proofs,
    withheld,
)

_BY_CHANNEL = (deliveries, proofs, channel_contents)


def rekey(transaction: Transaction, old: str, new: str) -> None:
    """Give everything at `old`, which may be being sent at this moment, the key `new`, which nothing has yet.

    Changes for partners who pull stay with the channel's id: a partner is the same wherever it is.
    """
    for table in _BY_CHANNEL:
        transaction.execute(sa.update(table).where(table.c.channel == old).values(channel=new))
    known = sa.select(withheld.c.article).where(withheld.c.channel == new).scalar_subquery()
    transaction.execute(sa.delete(withheld).where(withheld.c.channel == old, withheld.c.article.in_(known)))
    transaction.execute(sa.update(withheld).where(withheld.c.channel == old).values(channel=new))
    _copy_accepted(transaction, old, new)
    transaction.execute(sa.delete(channels).where(channels.c.id == new))
    transaction.execute(sa.update(channels).where(channels.c.id == old).values(id=new))
    transaction.execute(sa.update(drift).where(drift.c.place == old).values(place=new))
    transaction.execute(sa.update(places).where(places.c.key == old).values(key=new))


def _copy_accepted(transaction: Transaction, old: str, new: str) -> None:
    """Let what an operator has accepted for a channel hold wherever its copies lie."""
    columns = [column for column in accepted_evidence.c if column.name != "channel"]
    copy = sa.select(*columns, sa.literal(new)).where(accepted_evidence.c.channel == old)
    into = [column.name for column in columns] + ["channel"]
    rows = insert(transaction, accepted_evidence).from_select(into, copy)
    transaction.execute(rows.on_conflict_do_nothing())


def leave(transaction: Transaction, channel: str, key: str) -> None:
    """Give the place of a channel that goes on elsewhere the key `key`. What is withheld from it stays so at both."""
    rekey(transaction, channel, key)
    columns = [column for column in withheld.c if column.name != "channel"]
    copy = sa.select(*columns, sa.literal(channel)).where(withheld.c.channel == key)
    into = [column.name for column in columns] + ["channel"]
    transaction.execute(sa.insert(withheld).from_select(into, copy))


def merge(transaction: Transaction, old: str, new: str, format: str) -> int:
    """Give what `old` has in this format to `new`, which lies in the same place; return how many are left at `old`.

    Where both have an article in this format, it is one file, which `new` continues.
    """
    twin = deliveries.alias()
    mine = deliveries.c.channel == old
    both = sa.exists().where(twin.c.channel == new, twin.c.article == deliveries.c.article)
    doubled = sa.select(deliveries.c.id).where(mine, deliveries.c.format == format, both)
    transaction.execute(sa.delete(proofs).where(proofs.c.delivery.in_(doubled)))
    transaction.execute(sa.delete(deliveries).where(mine, deliveries.c.format == format, both))
    moved = sa.select(deliveries.c.id).where(mine, sa.not_(both))
    transaction.execute(sa.update(proofs).where(proofs.c.delivery.in_(moved)).values(channel=new))
    transaction.execute(sa.update(deliveries).where(mine, sa.not_(both)).values(channel=new))
    return transaction.scalar(sa.select(sa.func.count()).where(mine)) or 0


def bring_rows(there: Transaction, old: str, here: Transaction, new: str, *, now: dt.datetime) -> None:
    """Copy what another ledger of the same site knows to lie at a place, so that it is corrected and withdrawn from.

    A delivery that is known in both stays as it is here, except for what it may have left there since. Whatever was
    being sent counts as if it had arrived. Its bytes are not known: even the same ones would be sent.
    """
    known = deliveries.c
    for row in there.execute(sa.select(deliveries).where(known.channel == old, known.attempted)):
        its = row._mapping
        revision = its[known.delivered_revision] or its[known.target_revision]
        is_gone = its[known.delivered_event] == "withdrawn"
        copied = (known.id, known.article, known.format, known.tried, known.remote_id, known.delivered_event)
        digest = None if is_gone else its[known.delivered_digest] or its[known.target_digest] or ""
        numbers = {"target_revision": revision, "target_digest": digest, "delivered_revision": revision}
        state = {"state": "delivered", "attempted": True, "urgency": WITHDRAWAL if is_gone else NORMAL, "changed": now}
        formats = (its[known.tried] or its[known.format]).split()
        if not add_files(here, new, its[known.article], formats, its[known.remote_id]):
            values = {column.key: its[column] for column in copied} | numbers | state
            here.execute(insert(here, deliveries).values(channel=new, **values).on_conflict_do_nothing())


def add_files(
    transaction: Transaction, key: str, article_id: str, formats: Collection[str], remote_id: str | None
) -> bool:
    """Record that a place may have files of an article, which go with its next delivery; return whether it has one."""
    mine = (deliveries.c.channel == key, deliveries.c.article == article_id)
    row = transaction.execute(sa.select(deliveries.c.tried).where(*mine)).one_or_none()
    if row is None:
        return False
    tried = " ".join(dict.fromkeys([*(row.tried or "").split(), *formats]))
    named = sa.func.coalesce(deliveries.c.remote_id, remote_id)
    transaction.execute(sa.update(deliveries).where(*mine).values(attempted=True, tried=tried, remote_id=named))
    return True


def set_remote_id(transaction: Transaction, key: str, article_id: str, remote_id: str) -> None:
    """Replace the name under which a place has an article by the one that it was found to have now."""
    mine = (deliveries.c.channel == key, deliveries.c.article == article_id)
    transaction.execute(sa.update(deliveries).where(*mine).values(remote_id=remote_id, attempted=True))


def empty(transaction: Transaction, key: str, *, now: dt.datetime) -> int:
    """Schedule the removal of whatever the place has, and return how many articles. Repeating it changes nothing."""
    mine = deliveries.c.channel == key
    transaction.execute(sa.delete(deliveries).where(mine, deliveries.c.attempted.is_(False)))
    removal = {"target_digest": None, "urgency": WITHDRAWAL, "error": None}
    update = sa.update(deliveries).where(mine, deliveries.c.target_digest.is_not(None))
    return transaction.execute(update.values(**removal, **afresh(now))).rowcount


def is_to_be_emptied(transaction: Transaction, key: str) -> bool:
    """Return whether `empty` has something to do."""
    may_be_there = sa.or_(deliveries.c.target_digest.is_not(None), deliveries.c.attempted.is_(False))
    query = sa.select(deliveries.c.id).where(deliveries.c.channel == key, may_be_there).limit(1)
    return transaction.execute(query).first() is not None


def forget_emptied(transaction: Transaction, key: str) -> None:
    """Delete the deliveries of a place that holds nothing any longer. Its history is kept."""
    transaction.execute(sa.delete(proofs).where(proofs.c.channel == key))
    transaction.execute(sa.delete(deliveries).where(deliveries.c.channel == key))
    transaction.execute(sa.delete(withheld).where(withheld.c.channel == key))
    transaction.execute(sa.delete(channels).where(channels.c.id == key))
    transaction.execute(sa.delete(drift).where(drift.c.place == key))


def give_up(transaction: Transaction, key: str, *, error: str, now: dt.datetime) -> int:
    """Abandon everything outstanding at a place for good, and return how many deliveries."""
    outstanding = sa.or_(deliveries.c.due.is_not(None), deliveries.c.available.is_not(None))
    mine = (deliveries.c.channel == key, outstanding)
    given_up = {"state": "abandoned", "due": None, "available": None, "error": error, "changed": now}
    count = transaction.execute(sa.update(deliveries).where(*mine).values(**given_up)).rowcount
    transaction.execute(sa.update(proofs).where(proofs.c.channel == key).values(due=None, error=error))
    return count


def revive(transaction: Transaction, key: str, *, now: dt.datetime) -> None:
    """Make due again what was abandoned because the place had been given up: it is within reach again."""
    lost = (deliveries.c.channel == key, IS_ABANDONED, deliveries.c.due.is_(None))
    again = {"state": "pending", "due": now, "attempts": 0, "refusals": 0, "error": None, "changed": now}
    transaction.execute(sa.update(deliveries).where(*lost).values(**again))
    unproved = (proofs.c.channel == key, proofs.c.proved.is_(None))
    transaction.execute(sa.update(proofs).where(*unproved).values(due=now, error=None))
