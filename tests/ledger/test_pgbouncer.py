"""Everything works through PgBouncer in transaction mode, without a setting for it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from bench import Bench, article
from judges.presence import missing
from own_database import own, server
from pgbouncer import IGNORING, bouncer, program
from sqlalchemy.engine import URL

from pipeline.errors import TransientError
from pipeline.ledger import Ledger, migrations, processes
from pipeline.ledger.clock import LedgerClock
from pipeline.ledger.connections import connections
from pipeline.ledger.database import CONNECTIONS
from pipeline.ledger.poolers import is_pooled
from pipeline.ledger.processes import Process
from pipeline.stages.sweep import sweep

__all__ = ["own", "server"]  # fixtures


@pytest.fixture(params=["refuses", "ignores"])
def pooled(request: pytest.FixtureRequest, own: URL) -> Iterator[URL]:
    """The address of a PgBouncer with two server connections, which refuses or ignores session settings."""
    if program() is None:
        missing("pgbouncer", "Debian's package `pgbouncer` has it")
    with bouncer(own, settings=IGNORING if request.param == "ignores" else "") as running:
        yield running.url


@pytest.fixture
def through(pooled: URL) -> Iterator[Ledger]:
    ledger = Ledger(pooled.render_as_string(hide_password=False))
    ledger.migrate()
    yield ledger
    ledger.close()


def test_a_pipeline_works_on_server_connections_that_change_with_each_transaction(through: Ledger) -> None:
    bench = Bench(through)
    for number in range(12):
        bench.publish(article(f"article-{number}", pmids=("1",)))
        assert sweep(bench.context)
        bench.work()
        bench.clock.pass_(1)
    bench.withdraw("article-3")
    bench.work_for(10)
    assert {one.article_id for one in bench.partner.got} == {f"article-{number}" for number in range(12)}
    assert bench.partner.last("article-3").event == "withdrawn"
    with through.read() as transaction:
        assert is_pooled(transaction)


def test_threads_share_statements_that_were_used_often(through: Ledger) -> None:
    """The same statement, many times, on many client connections over two server connections."""
    failures: list[Exception] = []

    def ask() -> None:
        try:
            for _ in range(30):
                with through.read() as transaction:
                    assert transaction.scalar(sa.text("SELECT :n + 1"), {"n": 1}) == 2
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_deadlines_hold_in_each_transaction(through: Ledger, pooled: URL) -> None:
    with through.read() as transaction:
        assert transaction.scalar(sa.text("SHOW statement_timeout")) == "1min"
        assert transaction.scalar(sa.text("SHOW lock_timeout")) == "30s"
    own_limit = pooled.update_query_dict({"options": "-c statement_timeout=50"})
    short = Ledger(own_limit.render_as_string(hide_password=False))
    with pytest.raises(TransientError, match="too long"), short.read() as transaction:
        transaction.execute(sa.text("SELECT pg_sleep(30)"))
    with through.read() as transaction:  # on the same two server connections
        assert transaction.scalar(sa.text("SHOW statement_timeout")) == "1min"
    short.close()


def test_the_connections_that_may_be_opened_are_counted(through: Ledger, own: URL) -> None:
    now = LedgerClock(through)()
    with through.write() as transaction:
        for number in range(5):
            processes.record(transaction, process(f"deliver-{number}@host", seen=now))
        pooled = connections(transaction, now=now)
    direct = Ledger(own.render_as_string(hide_password=False))
    with direct.read() as transaction:
        unpooled = connections(transaction, now=now)
    direct.close()
    assert pooled is not None
    assert unpooled is not None
    assert (pooled.processes, pooled.each, pooled.pooled, pooled.fits) == (5, CONNECTIONS, True, True)
    assert (unpooled.pooled, unpooled.fits) == (False, unpooled.server >= 5 * CONNECTIONS)


def process(name: str, *, seen: dt.datetime) -> Process:
    return Process(
        name=name,
        kind="deliver",
        host="host",
        started=seen,
        seen=seen,
        release="1",
        schema=migrations.HEAD,
        settings="sha256:0",
        clock_off=0,
    )


def test_without_a_pooler_nothing_changes(own: URL) -> None:
    ledger = Ledger(own.render_as_string(hide_password=False))
    with ledger.read() as transaction:
        assert not is_pooled(transaction)
    ledger.close()
