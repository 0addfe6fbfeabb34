"""No page of the console or the site and no list of the API reads a whole table, on either database.

Every page is fetched from a ledger with 20,000 deliveries, and each statement that was sent for it is explained: with
the plan that does not know the values, as PostgreSQL makes it for prepared statements; and by what is read when it is
carried out. `python -m benchmarks.console_size` measures the same pages with a million deliveries.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from bench import START
from console_person import Person
from empty_ledger import emptied_ledger
from served import Served, served

from benchmarks.big_ledger import Size, fill
from benchmarks.big_pages import pages, public_pages, settings, without_a_page
from pipeline.ledger import Transaction, tables
from pipeline.web.needed import NEEDED

SIZE = Size(10_000, ("partner", "reader"))
ADDRESSES = pages(SIZE, START)
PUBLIC = public_pages(SIZE)
LARGE = {  # tables that grow with the archive
    tables.articles, tables.attempts, tables.article_names, tables.changes, tables.channel_contents, tables.citations,
    tables.contents, tables.deliveries, tables.events, tables.feed_entries, tables.identifier_citations,
    tables.identifiers, tables.operation_parts, tables.operations, tables.origins, tables.proofs, tables.pulls,
    tables.references, tables.renditions, tables.revisions, tables.source_checks, tables.topics,
}  # fmt: skip
NAMES = {table.name for table in LARGE}
PARTIAL = {
    index.name for table in LARGE for index in table.indexes if index.dialect_options["sqlite"]["where"] is not None
}  # of few rows: they may be read whole

Sent = dict[str, tuple[str, Any]]  # statements, each with the page that sent it first and its parameters


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("large")
    url = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    if url is not None:
        emptied_ledger(url).close()
    with served(folder, settings(SIZE), formats=("html", "ninjs"), database=url) as site:
        fill(site.context.ledger, SIZE, now=START)
        yield site
    if url is not None:
        emptied_ledger(url).close()


@pytest.fixture(scope="module")
def asked(site: Served) -> dict[str, list[tuple[str, Any]]]:
    """The statements of each page, with their parameters."""
    person = Person(site.app)
    person.sign_in()
    found: dict[str, list[tuple[str, Any]]] = {}
    for address in (*ADDRESSES, *PUBLIC):
        with listened() as statements:
            answer = person.get(address) if address.startswith("/console") else site.ask("GET", address)
        assert answer.status == 200, (address, answer.body[:300])
        found[address] = statements
    return found


@pytest.fixture(scope="module")
def sent(asked: dict[str, list[tuple[str, Any]]]) -> Sent:
    """The statements of all pages."""
    found: Sent = {}
    for address, statements in asked.items():
        for statement, parameters in statements:
            found.setdefault(statement, (address, parameters))
    return found


@contextmanager
def listened() -> Iterator[list[tuple[str, Any]]]:
    statements: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if re.match(r"\s*(SELECT|WITH)", statement):
            statements.append((statement, parameters))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def test_every_page_and_list_is_among_them() -> None:
    reading = {route for route in NEEDED if route.startswith("GET")}
    assert {route for route in reading if not without_a_page(route)} == set(ADDRESSES.values())


def test_no_plan_reads_a_whole_table(site: Served, sent: Sent) -> None:
    with site.context.ledger.read() as transaction:
        if transaction.dialect.name == "postgresql":  # of tables as small as these it may well read all: it must not
            for way in ("seqscan", "hashjoin", "mergejoin"):
                transaction.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        found = {
            (address, words)
            for statement, (address, parameters) in sent.items()
            for words in whole_tables(transaction, statement, parameters)
        }
    assert found == set(), "\n".join(map(str, sorted(found)))


def whole_tables(transaction: Transaction, statement: str, parameters: Any) -> Iterator[str]:
    """Yield each step of the plan that reads a large table, or a whole index of one, from its beginning to its end."""
    if transaction.dialect.name == "sqlite":
        rows = transaction.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        yield from (f"{row.detail}: {statement}" for row in rows if _is_whole(row.detail, "LIMIT" in statement))
        return
    plan = _generic_plan(transaction, statement)
    yield from (f"{words}: {statement}" for words in _whole_steps(plan, limited=False))


def _is_whole(detail: str, limited: bool) -> bool:
    if re.search(r"USING INDEX ix_\w+_due \(due=\?\)", detail):  # all that is not due
        return True
    step = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", detail)
    if step is None:
        return False
    table, index = step[1], step[2]
    return _named(table) in NAMES and index not in PARTIAL and not (limited and index)


def _named(table: str) -> str:
    return re.sub(r"_\d+$", "", table)


def _generic_plan(transaction: Transaction, statement: str) -> Any:
    names: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    generic = re.sub(r"%\((\w+)\)s", numbered, statement)
    return transaction.exec_driver_sql(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {generic}").scalar_one()[0]["Plan"]


def _whole_steps(plan: Any, *, limited: bool) -> Iterator[str]:
    kind, table, index = plan["Node Type"], plan.get("Relation Name"), plan.get("Index Name")
    limited = limited or kind == "Limit"
    if table in NAMES and (
        kind == "Seq Scan"
        or (kind.startswith("Index") and "Index Cond" not in plan and not limited and index not in PARTIAL)
    ):
        yield f"{kind} on {table} using {index}"
    for below in plan.get("Plans", ()):
        yield from _whole_steps(below, limited=limited and kind not in ("Sort", "Aggregate", "Hash", "Materialize"))


MOST_STATEMENTS = 60  # for a page, of however many rows


def test_no_page_asks_about_each_of_its_rows(asked: dict[str, list[tuple[str, Any]]]) -> None:
    many = {address: len(statements) for address, statements in asked.items() if len(statements) > MOST_STATEMENTS}
    assert many == {}


MOST_STEPS = 500_000  # of SQLite's machine, for a page: a look at every delivery for each of many articles takes more


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)  # PostgreSQL does not count its steps
def test_no_page_takes_many_steps(site: Served) -> None:
    """What an index is used for may still be too much: each of many articles with everything that was given up."""
    person = Person(site.app)
    person.sign_in()
    taken: dict[str, int] = {}
    with stepping() as count:
        for address in (*ADDRESSES, *PUBLIC):
            before = count()
            _ = person.get(address) if address.startswith("/console") else site.ask("GET", address)
            taken[address] = count() - before
    assert {address: steps for address, steps in taken.items() if steps > MOST_STEPS} == {}


@contextmanager
def stepping() -> Iterator[Callable[[], int]]:
    """Count the steps of SQLite's machine, by the thousand, on connections that are used from now on."""
    thousands = itertools.count()
    seen = [0]

    def step() -> int:
        seen[0] = next(thousands) + 1
        return 0

    def watch(connection: sa.Connection, *_: object) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_progress_handler(step, 1_000)

    sa.event.listen(sa.Engine, "begin", watch)
    try:
        yield lambda: 1_000 * seen[0]
    finally:
        sa.event.remove(sa.Engine, "begin", watch)
