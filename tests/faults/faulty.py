"""The faults: each begins, lasts for a while, and ends by itself or is ended."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import redis
import sqlalchemy as sa
from running import until
from world import World

from standins.receiver import Conduct

CHILDREN = {
    "pipeline": ("worker", "pipeline"),
    "deliver": ("worker", "deliver"),
    "web": ("workers.cli", "web"),
    "queue": ("valkey-server",),
}


class Faults:
    """`small`: a folder on a small disk that holds the system's data, or None where there is none."""

    def __init__(self, world: World, *, database: str, small: Path | None) -> None:
        self.world, self.database, self.small = world, database, small
        self._ending: list[threading.Timer] = []
        self._lock = threading.Lock()
        self.done: dict[str, int] = {}
        self.errors: list[Exception] = []

    def begin(self, what: str, seconds: float) -> None:
        kind, _, which = what.partition("-")
        step: Callable[[], None] | None = {
            "kill": lambda: self._kill(which),
            "stop": lambda: self._stop(which, seconds),
            "wipe": self._wipe,
            "remove": self._remove,
            "receiver": lambda: self._receiver(which, seconds),
            "database": lambda: self._database(which, seconds),
            "disk": lambda: self._fill(seconds),
        }[kind]
        if what == "disk-full" and self.small is None:
            return
        try:
            step()
        except (psutil.Error, AssertionError, redis.RedisError):
            return  # what it was to hit is already gone
        self.done[what] = self.done.get(what, 0) + 1
        self.world.faults += 1

    def end(self) -> None:
        """Wait until everything that lasts has ended. Raises what went wrong in ending it."""
        for timer in self._ending:
            timer.join()
        for error in self.errors:
            raise error

    def _later(self, seconds: float, step: Callable[[], None]) -> None:
        def ended() -> None:
            try:
                step()
            except Exception as error:
                self.errors.append(error)

        timer = threading.Timer(seconds, ended)
        timer.daemon = True
        timer.start()
        self._ending.append(timer)

    def _kill(self, which: str) -> None:
        if which == "everything":
            self.world.running.kill()
            self.world.running.start(within=120)
        else:
            self.world.running.child(*CHILDREN[which]).kill()

    def _stop(self, which: str, seconds: float) -> None:
        process = self.world.running.child(*CHILDREN[which])
        process.suspend()
        self._later(seconds, lambda: _resumed(process))

    def _wipe(self) -> None:
        valkey = self.world.running.child("valkey-server")
        sockets = list(Path(valkey.cwd()).glob("*.sock"))
        with redis.Redis(unix_socket_path=str(sockets[0]) if sockets else "/nowhere", socket_timeout=2) as client:
            client.flushall()

    def _remove(self) -> None:
        valkey = self.world.running.child("valkey-server")
        shutil.rmtree(valkey.cwd(), ignore_errors=True)

    def _receiver(self, how: str, seconds: float) -> None:
        conducts = {
            "503": Conduct(status=503, path="/"),
            "404": Conduct(status=404, path="/"),
            "410": Conduct(status=410, path="/"),
            "hangs": Conduct(mode="hang", path="/"),
            "cuts": Conduct(mode="cut", path="/"),
            "drips": Conduct(mode="drip-head", seconds=1.0, path="/"),
            "lies": Conduct(mode="garbage", path="/"),
        }
        names = sorted(self.world.receivers)
        receiver = self.world.receivers[names[self.world.faults % len(names)]]
        receiver.conduct(conducts[how])
        channel = "partner" if receiver is self.world.receivers["first"] else "second"

        def end() -> None:
            receiver.behave()
            if how == "410":  # only the operator may call such a channel again
                time.sleep(2.0)  # what was being sent is answered
                until(lambda: self.world.running.run("replay", "--channel", channel).status == 0, 60)

        self._later(seconds, end)

    def _database(self, how: str, seconds: float) -> None:
        if self.database == "sqlite":
            self._lock_sqlite(min(seconds, 5.0))
            return
        url = self.world.running.environment["CITEWIRE_DATABASE_URL"]
        engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
        others = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
        with engine.connect() as connection:
            name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
            if how == "read-only":
                connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            connection.exec_driver_sql(others)

        def end() -> None:
            if how == "read-only":
                with engine.connect() as connection:
                    connection.exec_driver_sql("SET default_transaction_read_only = off")
                    connection.exec_driver_sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
                    connection.exec_driver_sql(others)
            engine.dispose()

        self._later(5.0 if how == "read-only" else 0.1, end)

    def _lock_sqlite(self, seconds: float) -> None:
        """Keep every writer out, as a backup tool or a slow disk does."""
        connection = sqlite3.connect(
            self.world.running.data / "ledger.sqlite", timeout=10, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            connection.close()
            return

        def end() -> None:
            connection.execute("ROLLBACK")
            connection.close()

        self._later(seconds, end)

    def _fill(self, seconds: float) -> None:
        assert self.small is not None
        full = self.small / "full"
        with full.open("wb") as file:
            try:
                while True:
                    os.write(file.fileno(), bytes(1 << 20))
            except OSError:
                pass
        self._later(seconds, lambda: full.unlink(missing_ok=True))


def _resumed(process: psutil.Process) -> None:
    try:
        process.send_signal(signal.SIGCONT)
    except psutil.Error:
        time.sleep(0)
