from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
import without_syncing
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from former_ledger import former_ledger

from pipeline.errors import ConfigError, TransientError
from pipeline.ledger import Ledger, articles, database, evidence, leases, migrations, tokens
from pipeline.ledger.evidence import rechecks
from pipeline.ledger.evidence.denials import Rules
from pipeline.ledger.tables import metadata
from pipeline.model.article import CitedWork

NOW = dt.datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)


def later(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


def test_the_migrations_make_the_schema_that_the_code_uses(empty_database: str) -> None:
    with former_ledger(empty_database, "head") as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    assert differences == []


def test_an_index_is_partial_in_both_databases(ledger: Ledger) -> None:
    every = (index for table in metadata.tables.values() for index in table.indexes)
    partial = {index.name for index in every if index.dialect_options["sqlite"]["where"] is not None}
    there = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    if not ledger.is_sqlite:
        there = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
    with ledger.read() as transaction:
        found = {name for name, text in transaction.execute(sa.text(there)) if " WHERE " in text}
    assert found == partial


def test_head_is_the_newest_migration() -> None:
    folder = Path(migrations.__file__).parent
    assert ScriptDirectory(str(folder)).get_heads() == [migrations.HEAD]


def test_migrating_again_does_nothing(ledger: Ledger) -> None:
    ledger.migrate()
    with ledger.read() as transaction:
        assert articles.counts(transaction) == {}


def test_several_processes_may_migrate_at_once(tmp_path: Path) -> None:
    ledgers = [Ledger(f"sqlite:///{tmp_path / 'new.sqlite'}") for _ in range(4)]
    failures: list[Exception] = []

    def migrate(one: Ledger) -> None:
        try:
            one.migrate()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=migrate, args=(one,)) for one in ledgers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in ledgers:
        one.close()
    assert failures == []


@pytest.mark.parametrize("url", ["mysql://host/name", "not a url"])
def test_a_database_that_is_not_supported_is_a_configuration_error(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Ledger(url)
    assert refused.value.key == "database_url"


def test_a_ledger_that_cannot_be_reached_is_a_matter_of_time(tmp_path: Path) -> None:
    closed = Ledger(f"sqlite:///{tmp_path / 'absent' / 'ledger.sqlite'}")
    with pytest.raises(TransientError) as failed, closed.read():
        pass
    assert failed.value.code == "ledger-unreachable"
    with pytest.raises(TransientError):
        closed.migrate()
    closed.close()


def test_a_schema_that_is_newer_than_the_program_is_left_alone(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        transaction.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(ConfigError) as refused:
            ledger.migrate()
        assert refused.value.code == "ledger-too-new"
    finally:
        with ledger.write() as transaction:
            back = sa.text("UPDATE alembic_version SET version_num = :head")
            transaction.execute(back, {"head": migrations.HEAD})


def test_a_transaction_that_fails_leaves_nothing(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), ledger.write() as transaction:
        tokens.add(transaction, "secret", name="x", scope="publish", now=NOW)
        raise ZeroDivisionError
    with ledger.read() as transaction:
        assert tokens.find(transaction, "secret", now=NOW) is None


def test_times_come_back_as_they_went_in(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        evidence.cite(transaction, "a", [CitedWork("pmid", "1")], now=NOW)
        denied = Rules(NOW, later(1), dt.timedelta(minutes=5))
        evidence.answered(transaction, {}, ["1"], denied=denied, next_look=None)
        assert evidence.fetched(transaction, "1") == NOW


def test_a_token_is_kept_only_as_its_hash(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        tokens.add(transaction, "cw_secret", name="cms", scope="publish", now=NOW)
    with ledger.read() as transaction:
        found = tokens.find(transaction, "cw_secret", now=NOW)
        assert found is not None and found.scope == "publish"
        assert tokens.find(transaction, "cw_secre", now=NOW) is None
        assert "cw_secret" not in str(transaction.execute(sa.text("SELECT * FROM tokens")).all())


def test_a_lease_is_one_holders_until_it_ends(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        assert leases.acquire(transaction, "x", token="a", now=NOW, seconds=10)
        assert not leases.acquire(transaction, "x", token="b", now=later(9), seconds=10)
        assert leases.acquire(transaction, "x", token="b", now=later(10), seconds=10)
        leases.release(transaction, "x", token="a")
        assert not leases.acquire(transaction, "x", token="c", now=later(11), seconds=10)


def test_a_lease_may_be_barred_for_a_while_and_counts_failures_in_a_row(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        for _ in range(3):
            assert leases.acquire(transaction, "x", token="a", now=NOW, seconds=10)
            leases.release(transaction, "x", token="a", failed=True)
        assert leases.failures(transaction, "x") == 3
        leases.acquire(transaction, "x", token="a", now=NOW, seconds=10)
        leases.release(transaction, "x", token="a", not_before=later(5), failed=False)
        assert leases.failures(transaction, "x") == 0
        assert not leases.acquire(transaction, "x", token="a", now=later(4), seconds=10)
        assert leases.acquire(transaction, "x", token="a", now=later(5), seconds=10)


def test_what_a_dead_process_held_is_given_back_and_nothing_else(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        for name, token in (("a", "lease_dead_1"), ("b", "lease_dead_2"), ("c", "lease_alive_1")):
            leases.acquire(transaction, name, token=token, now=NOW, seconds=60)
        leases.release_all(transaction, owner="lease_dead_")
        free = [name for name in "abc" if leases.acquire(transaction, name, token="new", now=later(1), seconds=1)]
    assert free == ["a", "b"]


def test_claimers_at_the_same_time_get_different_rows(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        evidence.cite(transaction, "a", [CitedWork("pmid", str(number)) for number in range(1, 101)], now=NOW)
    got: list[str] = []
    barrier = threading.Barrier(4)

    def take(token: str) -> None:
        barrier.wait()
        for _ in range(5):
            with ledger.write() as transaction:
                claimed = rechecks.claim(transaction, token=token, now=later(1), seconds=60, limit=10, night=False)
                got.extend(claimed)

    threads = [threading.Thread(target=take, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)) == 100


def test_only_what_need_not_outlast_a_power_cut_is_written_without_a_sync_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_set_syncing", without_syncing.set_syncing)
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    ledger.migrate()
    levels = []
    for lasting in (True, False, True, True, False):  # one connection, which the pool hands out again
        with ledger.write(lasting=lasting) as transaction:
            levels.append(transaction.exec_driver_sql("PRAGMA synchronous").scalar_one())
    ledger.close()
    full, normal = 2, 1
    assert levels == [full, normal, full, full, normal]
