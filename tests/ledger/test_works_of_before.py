"""A ledger that was filled before DOIs and PMCIDs were converted, and is brought up to date."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest
import sqlalchemy as sa
from bench import START, article
from former_ledger import former_ledger

from pipeline.ledger import Ledger
from pipeline.ledger.articles import revisions
from pipeline.ledger.articles.headings import Heading
from pipeline.ledger.evidence import identifiers as ledger_identifiers
from pipeline.ledger.tables import contents, identifier_citations, identifiers
from pipeline.model.article import Article, CitedWork
from pipeline.model.rendition import digest_of

MICROSECONDS = int(START.timestamp() * 1_000_000)
NEVER = "10.5/in-an-older-revision"


@pytest.fixture
def before(empty_database: str) -> str:
    """The URL of a ledger as it was first."""
    with former_ledger(empty_database, "0001") as connection:
        for number in range(450):
            _add(connection, citing(f"filler-{number:03}", "10.1/shared"), 1)
        _add(connection, citing("both", NEVER), 1)
        _add(connection, citing("both", "10.1/SHARED", "10.2/own", "10.9/" + "x" * 600), 2)
        _add(connection, citing("planned", "10.3/planned"), 1, state="scheduled")
        _add(connection, citing("gone", "10.4/gone"), 1, state="withdrawn")
        _add(connection, article("by-pmid", pmids=["1"]), 1)
    return empty_database


def citing(name: str, *dois: str) -> Article:
    works = (*(CitedWork("doi", doi) for doi in dois), CitedWork("pmcid", "PMC7"), CitedWork("url", "https://x.org/"))
    return msgspec.structs.replace(article(name), references=works)


def _add(connection: sa.Connection, one: Article, number: int, *, state: str = "live") -> None:
    body = msgspec.json.encode(one)
    content = {"digest": digest_of(body), "article": body}
    connection.execute(sa.text("INSERT INTO contents (digest, article) VALUES (:digest, :article)"), content)
    revision = {"article": one.id, "number": number, "content": content["digest"], "at": MICROSECONDS}
    columns = "article, number, event, content, at, updated"
    values = ":article, :number, 'published', :content, :at, :at"
    connection.execute(sa.text(f"INSERT INTO revisions ({columns}) VALUES ({values})"), revision)  # noqa: S608
    if number > 1:
        return
    columns = "id, state, revision, rendered, title, language, published, updated, attempts"
    values = ":id, :state, 1, 1, :title, 'en', :at, :at, 0"
    standing = {"id": one.id, "state": state, "title": one.title, "at": MICROSECONDS}
    connection.execute(sa.text(f"INSERT INTO articles ({columns}) VALUES ({values})"), standing)  # noqa: S608


def test_what_was_cited_before_is_to_be_converted_at_once(before: str) -> None:
    ledger = Ledger(before)
    ledger.migrate()
    with ledger.read() as transaction:
        works = transaction.execute(sa.select(identifiers.c.work, identifiers.c.state, identifiers.c.due)).all()
        pairs = {(row.article, row.work) for row in transaction.execute(sa.select(identifier_citations))}
        assert ledger_identifiers.any_due(transaction, now=dt.datetime.now(dt.UTC))
    assert {row.work for row in works} == {"doi:10.1/shared", "doi:10.2/own", "doi:10.3/planned", "pmcid:PMC7"}
    assert all(row.state == "pending" and row.due is not None for row in works)
    assert {work for name, work in pairs if name == "both"} == {"doi:10.1/shared", "doi:10.2/own", "pmcid:PMC7"}
    assert {name for name, _ in pairs} == {f"filler-{number:03}" for number in range(450)} | {"both", "planned"}
    ledger.close()


def test_titles_and_addresses_of_before_are_columns(before: str) -> None:
    with former_ledger(before, "0023") as connection:
        renamed = msgspec.structs.replace(article("renamed"), canonical="https://x.org/r", address="present")
        _add(connection, renamed, 1)
    ledger = Ledger(before)
    ledger.migrate()
    with ledger.read() as transaction:
        row = transaction.execute(sa.select(contents).where(contents.c.canonical.is_not(None))).one()
        missing = transaction.scalar(sa.select(sa.func.count()).where(contents.c.title.is_(None)))
        heading = revisions.heading(transaction, "renamed", 1)
    ledger.close()
    assert (row.title, row.language, row.summary) == (renamed.title, renamed.language, renamed.answer)
    assert heading == Heading(
        renamed.title,
        renamed.language,
        renamed.answer,
        "https://x.org/r",
        "present",
        frozenset(topic.slug for topic in renamed.topics),
    )
    assert missing == 0


def test_what_a_worker_of_the_former_release_stores_meanwhile_has_its_title_too(before: str) -> None:
    ledger = Ledger(before)
    ledger.migrate()
    late = msgspec.structs.replace(article("late"), canonical="https://x.org/late")
    with ledger.write() as transaction:
        _add(transaction, late, 1)
    with ledger.read() as transaction:
        heading = revisions.heading(transaction, "late", 1)
        gone = revisions.heading(transaction, "never", 1)
    ledger.close()
    assert heading is not None
    assert (heading.title, heading.canonical) == (late.title, "https://x.org/late")
    assert heading.topics == {topic.slug for topic in late.topics}
    assert gone is None
