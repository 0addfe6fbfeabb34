"""What becomes of a database's failures: each has its class, and none is met twice on the same connection."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import sqlalchemy as sa
from own_database import own, run, server
from sqlalchemy.engine import URL, make_url

from pipeline.errors import ConfigError, TransientError
from pipeline.ledger import Ledger, database

__all__ = ["own", "server"]  # fixtures


def end_sessions(server: sa.Engine, of: URL) -> None:
    ended = sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
    with server.connect() as connection:
        connection.execute(ended, {"name": of.database})


def opened(url: URL, **query: str) -> contextlib.closing[Ledger]:
    return contextlib.closing(Ledger(url.update_query_dict(query).render_as_string(hide_password=False)))


def write(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        transaction.execute(sa.text("INSERT INTO leases (name, failures) VALUES ('x', 0) ON CONFLICT DO NOTHING"))


def test_a_failover_is_transient_and_its_connections_are_not_used_again(server: sa.Engine, own: URL) -> None:
    """A session keeps the read-only default that it began with: only a new connection can write again."""
    with opened(own) as ledger:
        ledger.migrate()
        run(server, f"ALTER DATABASE {own.database} SET default_transaction_read_only = on")
        end_sessions(server, own)
        for _ in range(3):
            with pytest.raises(TransientError, match="read-only") as failed:
                write(ledger)
            assert failed.value.code == "ledger-unreachable"
        run(server, f"ALTER DATABASE {own.database} RESET default_transaction_read_only")
        write(ledger)


def test_a_shutdown_in_the_middle_of_a_transaction_is_transient(server: sa.Engine, own: URL) -> None:
    with opened(own) as ledger:
        ledger.migrate()
        with pytest.raises(TransientError), ledger.write() as transaction:
            end_sessions(server, own)
            transaction.execute(sa.text("SELECT 1"))
        write(ledger)


@pytest.mark.parametrize("statement", ["SELECT 1 FROM no_such_table", "SELECT no_such_column FROM leases"])
def test_a_schema_that_does_not_fit_is_the_operators(ledger: Ledger, statement: str) -> None:
    with pytest.raises(ConfigError) as refused, ledger.read() as transaction:
        transaction.execute(sa.text(statement))
    assert refused.value.code == "ledger-older"
    assert "migrate" in str(refused.value)


def test_a_statement_with_a_fault_is_ours(ledger: Ledger) -> None:
    with pytest.raises(sa.exc.DBAPIError), ledger.read() as transaction:
        transaction.execute(sa.text("SELEKT 1"))


def test_a_pool_without_a_free_connection_is_transient(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_POOL_TIMEOUT", 0.01)
    with opened(ledger.url) as crowded, contextlib.ExitStack() as held:
        with pytest.raises(TransientError) as failed:
            for _ in range(100):
                held.enter_context(crowded.read())
        assert failed.value.code == "ledger-busy"


def test_a_writer_that_waits_too_long_for_another_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.0)
    with opened(make_url(f"sqlite:///{tmp_path / 'ledger.sqlite'}")) as ledger:
        ledger.migrate()
        with ledger.write(), pytest.raises(TransientError) as failed, ledger.write():
            pass
        assert failed.value.code == "ledger-unreachable"
        write(ledger)


def test_a_statement_that_takes_too_long_is_cancelled(own: URL) -> None:
    with (
        opened(own, options="-c statement_timeout=20") as ledger,
        pytest.raises(TransientError, match="too long"),
        ledger.read() as transaction,
    ):
        transaction.execute(sa.text("SELECT pg_sleep(60)"))


def test_a_lock_that_is_not_granted_is_given_up(own: URL) -> None:
    with opened(own, options="-c lock_timeout=20") as ledger:
        ledger.migrate()
        with ledger.write() as first, pytest.raises(TransientError, match="lock"), ledger.write() as second:
            first.execute(sa.text("LOCK TABLE leases"))
            second.execute(sa.text("LOCK TABLE leases"))


def test_every_session_has_deadlines_that_the_url_may_change(own: URL) -> None:
    def shown(url: URL, *names: str, **query: str) -> list[str]:
        with opened(url, **query) as ledger, ledger.read() as transaction:
            return [transaction.scalar(sa.text(f"SHOW {name}")) for name in names]

    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    assert shown(own, *names) == ["1min", "30s", "1min"]
    assert shown(own, *names, options="-c statement_timeout=5s") == ["5s", "30s", "1min"]


def test_a_url_without_parameters_gets_a_limit_to_every_wait() -> None:
    """The timeouts passed to libpq: a server whose machine is gone is noticed in half a minute, not in hours."""
    query = database.with_deadlines(make_url("postgresql+psycopg://db.example.org/x?keepalives_idle=99")).query
    assert query["keepalives_idle"] == "99"
    assert {"connect_timeout", "keepalives", "keepalives_interval", "keepalives_count", "tcp_user_timeout"} <= set(
        query
    )
