"""Statements that are kept, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from pipeline.ledger import Ledger
from pipeline.ledger.kept import add_missing, among, kept, one_of, rows_of
from pipeline.ledger.tables import topics

ADD = add_missing(topics)
OF_ARTICLES = sa.select(topics.c.article).where(one_of(topics.c.article, "articles")).order_by(topics.c.article)
THESE = sa.select(topics.c.article, topics.c.topic).where(among(topics.c.article, topics.c.topic))
PAIRS = [("a", "sleep"), ("a", "pain"), ("b", "pain"), ("c", "sleep")]


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    with ledger.write() as transaction:
        transaction.execute(ADD(transaction), [{"article": article, "topic": topic} for article, topic in PAIRS])
    return ledger


def test_what_is_there_already_is_left_as_it_is(filled: Ledger) -> None:
    with filled.write() as transaction:
        transaction.execute(ADD(transaction), [{"article": "a", "topic": "pain"}, {"article": "d", "topic": "pain"}])
        assert transaction.scalar(sa.select(sa.func.count()).select_from(topics)) == len(PAIRS) + 1


@pytest.mark.parametrize("asked", [["b", "a"], ["c", "x"], [], [f"{number}" for number in range(500)]])
def test_one_of_any_number_of_values_is_looked_for(filled: Ledger, asked: list[str]) -> None:
    with filled.read() as transaction:
        found = transaction.scalars(OF_ARTICLES, {"articles": asked}).all()
    assert found == sorted(article for article, _ in PAIRS if article in asked)


@pytest.mark.parametrize("asked", [[("a", "pain"), ("c", "sleep")], [("b", "sleep")], [("a", "sleep"), ("b", "pain")]])
def test_rows_match_by_all_their_values_together(filled: Ledger, asked: list[tuple[str, str]]) -> None:
    with filled.read() as transaction:
        found = {tuple(row) for row in transaction.execute(THESE, rows_of(asked))}
    assert found == set(asked) & set(PAIRS)


def test_a_statement_is_built_once_for_each_database(ledger: Ledger) -> None:
    built: list[object] = []
    statement = kept(lambda insert: built.append(insert(topics)) or sa.select(topics))  # type: ignore[func-returns-value]
    with ledger.write() as transaction:
        assert statement(transaction) is statement(transaction)
        assert [type(one).__module__.split(".")[2] for one in built] == [transaction.dialect.name]
