"""SQLite in the data folder, or PostgreSQL by URL, behind the same two kinds of transaction."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, make_url

from pipeline.errors import ConfigError, TransientError
from pipeline.ledger.failures import connection_is_useless, failure_of
from pipeline.ledger.poolers import support_poolers

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

Transaction = sa.Connection
T = TypeVar("T")

BUSY_TIMEOUT = 30.0  # seconds that a SQLite writer waits for another; after that the work stays due
_LOOK = 0.003  # seconds between checks whether it may write
_RUNS = 10  # attempts at a step that is rolled back by a deadlock each time
_PAUSE = 0.02  # seconds at most before the second run; longer before each further one
_POOL, _OVERFLOW = 20, 10  # connections of a process that are kept, and that are opened besides when all are in use
CONNECTIONS = _POOL + _OVERFLOW  # of a process to PostgreSQL at most
_POOL_TIMEOUT = 10.0  # seconds that a thread waits for one of its process's connections
# By default libpq waits for hours for a server whose machine is gone. Each of these can be overridden in the URL.
_DEADLINES = {
    "connect_timeout": "5",  # seconds
    "keepalives": "1",
    "keepalives_idle": "10",  # seconds without an answer, after which a keepalive is sent to the server
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",  # milliseconds that sent data may stay unacknowledged
}
_SESSION = (  # milliseconds, by the name of PostgreSQL's setting
    "-c statement_timeout=60000 -c lock_timeout=30000 -c idle_in_transaction_session_timeout=60000"
    # The same as `_DEADLINES`, for the server. None of the above runs while it waits for the rest of statements sent
    # together: only by these does it notice that the host has gone which held the locks.
    " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=20000"
)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Ledger:
    """An open ledger. Safe to share between threads; a forked child must open its own."""

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except sa.exc.ArgumentError as error:
            raise ConfigError("is not a database URL", key="database_url", code="invalid-database-url") from error
        self.url: URL = _with_driver(parsed)
        self._engine = _sqlite(self.url) if self.is_sqlite else _postgresql(self.url)

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a transaction that sees one consistent state and never waits for a writer."""
        with _reachable(self.url), self._engine.begin() as transaction:
            yield transaction

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """Open a transaction that reads all it wants, for as long as it takes, as it was when it began."""
        one_moment = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        engine = self._engine.execution_options(**one_moment)
        with _reachable(self.url), engine.begin() as connection:
            if not self.is_sqlite:
                for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
                    connection.execute(sa.text("SELECT set_config(:name, '0', true)"), {"name": name})
            yield connection

    @contextmanager
    def write(self, *, lasting: bool = True) -> Iterator[Transaction]:
        """Open a transaction that may write. SQLite writers queue at its start, so none fails on a lock later.

        What need not outlast a power cut, such as a lease, is not `lasting`: SQLite does not sync the disk for it.
        """
        writer = self._engine.execution_options(citewire_write=True, citewire_lasting=lasting)
        with _reachable(self.url), writer.begin() as transaction:
            yield transaction

    def written(self, step: Callable[[Transaction], T]) -> T:
        """Run the step in a transaction that may write, and return its result. After a deadlock, run it again.

        PostgreSQL ends a deadlock by rolling back one of the transactions, which finds the locks free the next time.
        """
        for left in reversed(range(_RUNS)):
            try:
                with self.write() as transaction:
                    return step(transaction)
            except TransientError as error:
                if error.code != "ledger-contended" or not left:
                    raise
                time.sleep(random.uniform(0, _PAUSE * (_RUNS - left)))  # noqa: S311 (so that the same two do not meet)
        raise AssertionError("a step is run at least once")

    def migrate(self) -> None:
        """Migrate the schema to this version's. Returns quickly if it is up to date."""
        from pipeline.ledger import migrations

        with _reachable(self.url):
            migrations.upgrade(self._engine)

    def check_schema(self) -> None:
        """Raise ConfigError unless the ledger exists with this version's schema. Creates and changes nothing."""
        from pipeline.ledger import migrations

        where = f"{self.url.host}/{self.url.database}" if self.url.host else str(self.url.database)
        if self.is_sqlite and not Path(where).is_file():
            raise migrations.missing(where)
        with _reachable(self.url):
            migrations.check(self._engine, where)

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    def close(self) -> None:
        self._engine.dispose()


def insert(transaction: Transaction, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that supports ON CONFLICT, in the dialect of the transaction."""
    if transaction.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def chunks(values: Iterable[T], size: int = 500) -> Iterator[list[T]]:
    """Yield the values in lists short enough for the bound parameters of one statement."""
    remaining = iter(values)
    while some := list(itertools.islice(remaining, size)):
        yield some


class Instant(sa.types.TypeDecorator[dt.datetime]):
    """An aware UTC datetime, kept as whole microseconds since 1970: sortable and exact in every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // dt.timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> dt.datetime | None:
        return None if value is None else moment_of(value)


def moment_of(micros: int) -> dt.datetime:
    """Return the moment that is stored as so many microseconds since 1970."""
    return _EPOCH + dt.timedelta(microseconds=micros)


def instant(at: dt.datetime | None) -> sa.BindParameter[dt.datetime | None]:
    """Return a time as part of an expression in which no column determines its type."""
    return sa.literal(at, Instant())


@contextmanager
def _reachable(url: URL) -> Iterator[None]:
    """Translate the driver's errors. Most are transient, such as a server that does not answer."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        failure = failure_of(error, url)
        if failure is None:
            raise
        raise failure from error
    except sa.exc.TimeoutError as error:  # of SQLAlchemy's pool
        message = f"all connections of this process to the ledger at {url.database} are in use"
        raise TransientError(message, code="ledger-busy") from error


def _with_driver(url: URL) -> URL:
    match url.get_backend_name():
        case "sqlite":
            return url
        case "postgresql" | "postgres":
            return url.set(drivername="postgresql+psycopg")
        case other:
            raise ConfigError(
                f"{other} is not supported: use sqlite or postgresql", key="database_url", code="invalid-database-url"
            )


def _sqlite(url: URL) -> sa.Engine:
    arguments = {"timeout": BUSY_TIMEOUT, "check_same_thread": False}
    engine = sa.create_engine(
        url, connect_args=arguments, pool_size=20, pool_timeout=_POOL_TIMEOUT, hide_parameters=True
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = FULL")  # what was answered with 202 survives a power cut

    line = threading.Lock()  # the queue of this process's threads

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        if options.get("citewire_write", False):
            _set_syncing(connection, "FULL" if options.get("citewire_lasting", True) else "NORMAL")
            with line:
                _begin_writing(connection)
        else:
            _execute(connection, "BEGIN")

    return engine


def _set_syncing(connection: sa.Connection, level: str) -> None:
    """Set when SQLite syncs: at each commit, with all that was written before, or (NORMAL) only at a checkpoint."""
    if connection.info.get("synchronous", "FULL") != level:
        _execute(connection, f"PRAGMA synchronous = {level}")
        connection.info["synchronous"] = level


def _begin_writing(connection: sa.Connection) -> None:
    """Wait for the other writers. SQLite's own busy handler polls ever less often and so starves the longest waiter."""
    give_up = time.monotonic() + BUSY_TIMEOUT
    _execute(connection, "PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                _execute(connection, "BEGIN IMMEDIATE")
                return
            except sa.exc.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > give_up:
                    raise
            time.sleep(_LOOK)
    finally:
        _execute(connection, f"PRAGMA busy_timeout = {BUSY_TIMEOUT * 1000:.0f}")


def _execute(connection: sa.Connection, statement: str) -> None:
    """Execute what has no values and no result by the driver, at a tenth of SQLAlchemy's cost, with its exceptions.

    Each transaction begins with several of these.
    """
    driver = connection.connection.driver_connection
    assert driver is not None
    try:
        driver.execute(statement)
    except sqlite3.Error as error:
        raise sa.exc.DBAPIError.instance(statement, None, error, sqlite3.Error, dialect=connection.dialect) from error


def _is_busy(error: sa.exc.OperationalError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_BUSY)  # in the low byte of extended codes
    return code & 0xFF == sqlite3.SQLITE_BUSY


def _write_ahead(connection: Any) -> None:
    """Switch to WAL, which SQLite refuses at once while another process opens or closes the file."""
    for left in reversed(range(100)):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if not left:
                raise
            time.sleep(0.05)


def _postgresql(url: URL) -> sa.Engine:
    limited = with_deadlines(url)
    engine = sa.create_engine(
        limited,
        pool_size=_POOL,
        max_overflow=_OVERFLOW,
        pool_pre_ping=True,
        pool_timeout=_POOL_TIMEOUT,
        hide_parameters=True,  # texts and reasons of articles have no place in a traceback
    )
    support_poolers(engine, str(limited.query["options"]))

    @sa.event.listens_for(engine, "handle_error")
    def _shorten(context: sa.engine.ExceptionContext) -> None:
        """Leave out the server's DETAIL, which quotes whole rows."""
        for error in (context.original_exception, context.sqlalchemy_exception):
            if error is not None and error.args:
                error.args = (str(error.args[0]).partition("\nDETAIL:")[0], *error.args[1:])

    @sa.event.listens_for(engine, "handle_error")
    def _throw_away(context: sa.engine.ExceptionContext) -> None:
        if connection_is_useless(context.original_exception):
            context.is_disconnect = True  # SQLAlchemy closes this connection and, when idle, all others of the pool

    return engine


def with_deadlines(url: URL) -> URL:
    """Return a PostgreSQL URL with a limit on every wait. Parameters already in the URL are kept.

    Its `options` come after ours, so that session settings in them take precedence.
    """
    given = url.query
    missing = {name: value for name, value in _DEADLINES.items() if name not in given}
    own = given.get("options", "")
    options = f"{_SESSION} {own if isinstance(own, str) else ' '.join(own)}".rstrip()
    return url.update_query_dict({**missing, "options": options})
