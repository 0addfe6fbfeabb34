"""A system with thousands of dead letters of one cause: it makes the first by itself, and the others are copies of it.

To publish so many and have each refused takes minutes. A copy has the rows that the first one has, under names, ids and
digests of its own, and in the store the bytes that the partner was sent. What else was rendered of the first is not
copied, nor is its place in the feeds: a copy is rendered in other formats when somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import sqlalchemy as sa
from running import Running

from config import load
from pipeline.intake import read_article
from pipeline.ledger import Transaction
from pipeline.ledger.tables import articles, attempts, contents, deliveries, events, renditions, revisions
from pipeline.ledger.tables.base import by_key
from pipeline.model.event import Origin, Publish
from pipeline.model.rendition import digest_of
from pipeline.stages.accept import accept, intake_of
from pipeline.stages.context import Context, NoDoorbell
from pipeline.stages.deliver import Deliver
from pipeline.stages.render import Render
from pipeline.stages.stage import drain
from standins.receiver import Conduct, Receiver
from workers.wiring import build_context

CHANNEL = "partner"
REFUSAL = Conduct(status=422, body="no category for this")
FIRST = "letter-00000"
TEXT = f"---\nid: {FIRST}\ntitle: About {FIRST}\nsummary: Rest.\npublished: 2026-03-01\n---\n\nAsk your doctor.\n"
_TOGETHER = 1_000  # copies in a transaction

Rows = Mapping[sa.Table, Mapping[str, Any]]  # of an article: one in each table


def refused(running: Running, receiver: Receiver, count: int) -> set[str]:
    """Have the partner of a system that does not run refuse so many articles, for good; return their ids.

    The system's settings must give up at the first refusal, and its secrets be in this process's environment.
    """
    receiver.conduct(REFUSAL)
    context = build_context(load(running.environment | {"CITEWIRE_DATA": str(running.data)}), NoDoorbell())
    with closing(context.ledger):
        article = read_article(TEXT.encode(), name=f"{FIRST}.md")
        accept(intake_of(context), Publish(Origin(source="urn:cms", id=FIRST), article))
        drain(context, Render())
        Deliver().drain(context, CHANNEL)
        assert [one.answered for one in receiver.received] == [REFUSAL.status]
        names = [f"letter-{number:05}" for number in range(1, count)]
        for start in range(0, len(names), _TOGETHER):
            _copy(context, names[start : start + _TOGETHER])
    receiver.received.clear()
    receiver.behave()
    return {FIRST, *names}


def _copy(context: Context, names: list[str]) -> None:
    with context.ledger.read() as transaction:
        first = {table: _row(transaction, table, where) for table, where in _OF_FIRST.items()}
    body = context.store.get(first[renditions]["digest"])
    assert body is not None
    copies = [_copied(context, first, body, name) for name in names]
    with context.ledger.write() as transaction:
        for table in first:
            transaction.execute(sa.insert(table), [one[table] for one in copies])


def _row(transaction: Transaction, table: sa.Table, where: sa.ColumnElement[bool]) -> dict[str, Any]:
    columns = [column for column in table.c if column is not attempts.c.id]
    return dict(transaction.execute(sa.select(*by_key(columns)).where(where)).one()._mapping)


def _copied(context: Context, first: Rows, body: bytes, name: str) -> Rows:
    its_text = first[contents]["article"].replace(FIRST.encode(), name.encode())
    its_body = body.replace(FIRST.encode(), name.encode())
    own = {
        first[contents]["digest"]: digest_of(its_text),
        first[renditions]["digest"]: digest_of(its_body),
        first[events]["id"]: context.new_id("evt_"),
        first[deliveries]["id"]: context.new_id("dlv_"),
    }

    def renamed(value: Any) -> Any:
        return (own.get(value) or value.replace(FIRST, name)) if isinstance(value, str) else value

    context.store.put(digest_of(its_body), its_body)
    copy = {table: {column: renamed(value) for column, value in row.items()} for table, row in first.items()}
    copy[contents]["article"] = its_text
    return copy


_DELIVERY = sa.and_(deliveries.c.article == FIRST, deliveries.c.channel == CHANNEL)
_SENT = sa.select(deliveries.c.target_digest).where(_DELIVERY).scalar_subquery()
_OF_FIRST: Mapping[sa.Table, sa.ColumnElement[bool]] = {
    contents: contents.c.digest == sa.select(revisions.c.content).where(revisions.c.article == FIRST).scalar_subquery(),
    articles: articles.c.id == FIRST,
    events: events.c.article == FIRST,
    revisions: revisions.c.article == FIRST,
    renditions: sa.and_(renditions.c.article == FIRST, renditions.c.digest == _SENT),
    deliveries: _DELIVERY,
    attempts: attempts.c.delivery == sa.select(deliveries.c.id).where(_DELIVERY).scalar_subquery(),
}
