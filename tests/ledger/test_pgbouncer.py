"""Through PgBouncer in transaction mode everything works as without it, and nothing has to be set for it."""

from __future__ import annotations

import datetime as dt
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from bench import Bench, article
from judges.presence import missing
from own_database import own, server
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
def bouncer(request: pytest.FixtureRequest, own: URL) -> Iterator[URL]:
    """The address of a PgBouncer with two server connections, which refuses or ignores session settings."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        missing("pgbouncer", "Debian's package `pgbouncer` has it")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="citewire-pgbouncer-") as folder:
        settings = Path(folder) / "pgbouncer.ini"
        host = own.query.get("host") or own.host
        ignored = "ignore_startup_parameters = options, extra_float_digits" if request.param == "ignores" else ""
        settings.write_text(
            f"[databases]\n{own.database} = host={host} port={own.port or 5432} user={own.username}"
            f"{f' password={own.password}' if own.password else ''}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            f"pool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 100\n{ignored}\n"
        )
        Path(folder).chmod(0o755)  # PgBouncer refuses to run as root: it runs as the user of the server
        user = Path(str(host)).owner() if str(host).startswith("/") else pwd.getpwuid(os.geteuid()).pw_name
        process = subprocess.Popen([program, "-q", "-u", user, str(settings)], stderr=subprocess.PIPE, text=True)
        try:
            _answers(process, port)
            yield URL.create("postgresql", username=own.username, host="127.0.0.1", port=port, database=own.database)
        finally:
            process.terminate()
            process.wait(20)
            assert process.stderr is not None
            process.stderr.close()


def _answers(process: subprocess.Popen[str], port: int) -> None:
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        assert process.poll() is None, process.stderr and process.stderr.read()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("PgBouncer does not answer")


@pytest.fixture
def through(bouncer: URL) -> Iterator[Ledger]:
    ledger = Ledger(bouncer.render_as_string(hide_password=False))
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


def test_deadlines_hold_in_each_transaction(through: Ledger, bouncer: URL) -> None:
    with through.read() as transaction:
        assert transaction.scalar(sa.text("SHOW statement_timeout")) == "1min"
        assert transaction.scalar(sa.text("SHOW lock_timeout")) == "30s"
    own_limit = bouncer.update_query_dict({"options": "-c statement_timeout=50"})
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
