"""A database whose machine is gone: it refuses nothing, it answers nothing, and no wait for it lasts."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from faults.needed import a_network_can_be_made
from faults.run import folder_for
from network import Host, network
from servers import PostgresqlHost
from sqlalchemy.engine import URL
from waiting import PATIENCE

from pipeline.errors import CitewireError, TransientError
from pipeline.ledger import Ledger

# The defaults are longer by far.
SOON = {
    "connect_timeout": "5",
    "keepalives_idle": "1",
    "keepalives_interval": "1",
    "keepalives_count": "2",
    "tcp_user_timeout": "2000",
}


@pytest.fixture
def apart() -> Iterator[tuple[Host, PostgresqlHost]]:
    """A host of the site, and the host of its database."""
    a_network_can_be_made()
    with folder_for("machine-gone") as folder, network("database", "one") as hosts:
        folder.chmod(0o755)
        server = PostgresqlHost(hosts["database"], folder)
        server.start()
        try:
            yield hosts["one"], server
        finally:
            server.kill()


def assert_noticed_by_default(host: Host, url: URL) -> None:
    ledger = Ledger(url.render_as_string(hide_password=False))
    with contextlib.closing(ledger), host.inside(), ledger.read() as transaction:
        names = ("keepalives_idle", "keepalives_interval", "keepalives_count", "user_timeout")
        shown = [transaction.scalar(sa.text(f"SHOW tcp_{name}")) for name in names]
    assert shown == ["10", "5", "3", "20000"]


def asked(ledger: Ledger, host: Host, statement: str) -> CitewireError | None:
    try:
        with host.inside(), ledger.read() as transaction:
            transaction.execute(sa.text(statement))
    except CitewireError as error:
        return error
    return None


def test_every_wait_for_it_ends_and_the_next_one_finds_it_again(apart: tuple[Host, PostgresqlHost]) -> None:
    host, server = apart
    url: URL = server.url.update_query_dict(SOON)
    ledger = Ledger(url.render_as_string(hide_password=False))
    assert asked(ledger, host, "SELECT 1") is None  # this connection stays in the pool
    ended: list[CitewireError | None] = []
    waiting = threading.Thread(target=lambda: ended.append(asked(ledger, host, "SELECT pg_sleep(120)")))
    waiting.start()
    looking = Ledger(url.render_as_string(hide_password=False))
    with contextlib.closing(looking), host.inside(), looking.read() as transaction:
        asks = sa.text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(120)%' AND state = 'active'")
        while transaction.scalar(asks) < 2:  # itself, and the one that waits
            continue
    server.host.cut()
    waiting.join(PATIENCE)
    ended += [asked(ledger, host, "SELECT 1") for _ in range(2)]  # over the pool's connection, and over a new one
    server.host.mend()
    assert [isinstance(one, TransientError) for one in ended] == [True, True, True]
    while (again := asked(ledger, host, "SELECT 1")) is not None:
        assert isinstance(again, TransientError)
    ledger.close()


def test_a_host_that_goes_between_statements_sent_together_keeps_no_lock(apart: tuple[Host, PostgresqlHost]) -> None:
    """PostgreSQL's own deadlines do not run there: it has carried out what it got, and waits for the rest."""
    host, server = apart
    assert_noticed_by_default(host, server.url)
    soon = "-c tcp_keepalives_idle=1 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=1 -c tcp_user_timeout=2000"
    url = server.url.update_query_dict({**SOON, "options": soon}).render_as_string(hide_password=False)
    with contextlib.closing(Ledger(url)) as gone, contextlib.closing(Ledger(url)) as other:
        with server.host.inside(), other.write() as transaction:
            transaction.execute(sa.text("CREATE TABLE kept (id integer)"))
        granted = False
        with contextlib.suppress(TransientError), host.inside(), gone.write() as transaction:
            connection = transaction.connection.driver_connection
            assert connection is not None
            with connection.pipeline():
                connection.execute("LOCK TABLE kept")
                assert connection.execute("SELECT 1").fetchone() == (1,)  # it has the lock
                host.cut()
                with server.host.inside(), other.write() as waiting:
                    waiting.execute(sa.text("SET LOCAL lock_timeout = '20s'"))
                    waiting.execute(sa.text("LOCK TABLE kept"))
                    granted = True
        assert granted
