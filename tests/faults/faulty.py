"""The faults: each begins, lasts for a while, and ends by itself or is ended."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shutil
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import redis
import sqlalchemy as sa
from beside import Beside, former_release, with_clock, worker
from faked_clock import is_here
from running import Running
from sites import Site
from waiting import until
from world import CHILDREN, World

from standins.receiver import Conduct

_CONDUCTS = {
    "503": Conduct(status=503),
    "404": Conduct(status=404),
    "302": Conduct(status=302, headers={"location": "https://elsewhere.example.org/"}),
    "410": Conduct(status=410),
    "hangs": Conduct(mode="hang"),
    "cuts": Conduct(mode="cut"),
    "drips": Conduct(mode="drip-head", seconds=1.0),
    "lies": Conduct(mode="garbage"),
}
_CLAIMED = 3.0  # seconds in which a worker sends what it had claimed before it took no more work
_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
)


class NotSeenError(Exception):
    """A fault did not happen, or nothing met it: why."""


class Faults:
    """Breaks a site. Every planned fault is in `done` if it was seen to happen, or in `missed` with the reason.

    Both count by the plan's words.
    """

    def __init__(self, site: Site, world: World) -> None:
        self.site, self.world = site, world
        self._ending: list[threading.Timer] = []
        self.done: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.errors: list[BaseException] = []
        self._begun = 0
        self._counting = threading.Lock()
        self._what = ""

    def begin(self, what: str, seconds: float) -> None:
        """Begin a fault. One that lasts is counted when it ends."""
        self._what, self._begun = what, self._begun + 1
        kind, _, which = what.partition("-")
        steps: dict[str, Callable[[], None]] = {
            "kill": lambda: self._kill(which),
            "stop": lambda: self._stop(which.removesuffix("-80"), seconds),
            "wipe": self._wipe,
            "remove": self._remove,
            "damage": lambda: self._damage(seconds),
            "receiver": lambda: self._receiver(which.removesuffix("-80"), seconds),
            "database": lambda: self._database(which, seconds),
            "pooler": lambda: self._restart_pooler(seconds),
            "unplug": lambda: self._unplug(which, seconds),
            "disk": lambda: self._fill(seconds),
            "clock": lambda: self._turn_clock(which, seconds),
            "former": lambda: self._former_release(seconds),
        }
        before = len(self._ending)
        try:
            steps[kind]()
        except NotSeenError as why:
            self._count(what, str(why))
        except (psutil.Error, AssertionError, redis.RedisError, sa.exc.OperationalError) as error:
            self._count(what, f"what it was to hit was gone ({type(error).__name__})")
        else:
            if len(self._ending) == before:
                self._count(what, None)

    def end(self) -> None:
        """Wait until every lasting fault has ended. Raises what went wrong in ending one."""
        for timer in self._ending:
            timer.join()
        for error in self.errors:
            raise error
        assert self.done.total() + self.missed.total() == self._begun, "a planned fault was not accounted for"

    def _count(self, what: str, missed: str | None) -> None:
        with self._counting:
            if missed is None:
                self.done[what] += 1
            else:
                self.missed[f"{what}: {missed}"] += 1

    def _later(self, seconds: float, step: Callable[[], Any], *, counts: bool = True) -> None:
        """Do this later. The last step of a fault counts it: as missed if it raises NotSeenError."""
        what = self._what

        def ended() -> None:
            why: str | None = None
            try:
                step()
            except NotSeenError as error:
                why = str(error)
            except BaseException as error:
                self.errors.append(error)
            if counts:
                self._count(what, why)

        timer = threading.Timer(seconds, ended)
        timer.daemon = True
        timer.start()
        self._ending.append(timer)

    @property
    def _number(self) -> int:
        return self._begun

    def _system(self) -> Running:
        return self.site.systems[self._number % len(self.site.systems)]

    # --- processes

    def _kill(self, which: str) -> None:
        if which == "queue" and self.site.queue is not None:
            self.site.queue.kill()
            self.site.queue.start()
            return
        system = self._system()
        if which == "everything":
            system.kill()
            self._later(0.1, lambda: _started_as_by_systemd(system))
        else:
            _killed(system.child(*CHILDREN[which]))

    def _stop(self, which: str, seconds: float) -> None:
        process = self._system().child(*CHILDREN[which])
        process.suspend()
        time.sleep(0.05)
        if process.status() != psutil.STATUS_STOPPED:
            process.resume()
            raise NotSeenError("it was not stopped")

        def resume() -> None:
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGCONT)

        self._later(seconds, resume)

    def _former_release(self, seconds: float) -> None:
        """A worker of the former release that was forgotten in an upgrade."""
        system = self._system()
        one = Beside(system, former_release("deliver"), {})
        one.start()

        def end() -> None:
            told = one.said("takes no work")
            time.sleep(2 * _CLAIMED)
            lines = [json.loads(line) for line in one.end().splitlines() if line.startswith("{")]
            said = [dt.datetime.fromisoformat(each["timestamp"]) for each in lines if "takes no work" in each["event"]]
            sent = [_began(each) for each in lines if each["event"] == "delivered"]
            late = [each for each in sent if told and each > said[0] + dt.timedelta(seconds=_CLAIMED)]
            assert not late, "a former release took work"
            if not told:
                raise NotSeenError("it never looked at the ledger")

        self._later(seconds, end)

    def _turn_clock(self, to: str, seconds: float) -> None:
        if not is_here():
            raise NotSeenError("this machine has no libfaketime")
        if (clock := self.site.clock) is not None:
            log, before = self.site.systems[-1].log, self.site.systems[-1].log.stat().st_size
            clock.turn(to)

            def turn_back() -> None:
                clock.turn("+0")
                if b"clock-wrong" not in log.read_bytes()[before:]:
                    raise NotSeenError("no process of that host noticed")

            self._later(seconds, turn_back)
            return
        clock, environment = with_clock(self.world.folder)
        both = [Beside(self._system(), worker(kind), environment) for kind in ("pipeline", "deliver")]
        for one in both:
            one.start()
        self._later(5.0, lambda: clock.turn(to), counts=False)  # when they have begun to work
        self._later(5.0 + seconds, lambda: clock.turn("+0"), counts=False)

        def end() -> None:
            logs = [one.end() for one in both]
            if not any("clock-wrong" in log for log in logs):
                raise NotSeenError("neither of its processes noticed")

        self._later(8.0 + seconds, end)

    # --- the queue

    def _wipe(self) -> None:
        if self.site.queue is not None:
            self.site.queue.wipe()
            return
        sockets = list(self._queue_folder().glob("*.sock"))
        with redis.Redis(unix_socket_path=str(sockets[0]) if sockets else "/nowhere", socket_timeout=2) as client:
            client.flushall()

    def _remove(self) -> None:
        folder = self._queue_folder()
        shutil.rmtree(folder, ignore_errors=True)
        if (folder / "valkey.sock").exists():
            raise NotSeenError("its socket is still there")

    def _damage(self, seconds: float) -> None:
        """A power cut leaves zeros at the end of its files."""
        if (queue := self.site.queue) is not None:
            queue.kill()
            queue.damage()
            queue.start()  # which Valkey refuses, until somebody sets the file aside
            self._later(seconds, lambda: (queue.kill(), queue.set_aside(), queue.start()))
            return
        folder = self._queue_folder()
        (folder / "appendonlydir").mkdir(exist_ok=True)
        for name in ("dump.rdb", "appendonly.aof", "appendonlydir/appendonly.aof.1.incr.aof"):
            with (folder / name).open("ab") as file:
                file.write(bytes(64))
        _killed(self.site.systems[0].child("valkey-server"))

    def _queue_folder(self) -> Path:
        return Path(self.site.systems[0].child("valkey-server").cwd())

    # --- partners

    def _receiver(self, how: str, seconds: float) -> None:
        names = sorted(self.site.receivers)
        name = names[self._number % len(names)]
        receiver = self.site.receivers[name]
        before = len(receiver.received)
        receiver.conduct(_CONDUCTS[how])

        def end() -> None:
            receiver.behave()
            called = len(receiver.received) > before
            if how == "410":  # only the operator may call such a channel again
                time.sleep(2.0)  # what was being sent is answered
                channel = "partner" if name == "first" else "second"
                until(lambda: self.site.systems[0].run("replay", "--channel", channel).status == 0, 60)
            if not called:
                raise NotSeenError("nothing was sent to that partner meanwhile")

        self._later(seconds, end)

    # --- the database

    def _database(self, how: str, seconds: float) -> None:
        if self.site.database is None:
            self._lock_sqlite(min(seconds, 5.0))
        elif how == "silent":
            line = self.site.line
            assert line is not None
            line.die()
            self._later(seconds, line.live)
        elif how == "killed":
            server = self.site.server
            assert server is not None
            server.kill()
            self._later(seconds, server.start)
        elif how == "read-only":
            self._read_only(seconds)
        else:
            with self.site.administrator() as connection:
                if not connection.exec_driver_sql(_OTHERS).all():
                    raise NotSeenError("no connection was open")

    def _read_only(self, seconds: float) -> None:
        with self.site.administrator() as connection:
            name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
            connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            connection.exec_driver_sql(_OTHERS)

        def end() -> None:
            with self.site.administrator() as connection:
                connection.exec_driver_sql("SET default_transaction_read_only = off")
                connection.exec_driver_sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
                connection.exec_driver_sql(_OTHERS)

        self._later(seconds, lambda: _repeated(end))

    def _lock_sqlite(self, seconds: float) -> None:
        """Keep every writer out, as a backup tool or a slow disk does."""
        file = self.site.systems[0].data / "ledger.sqlite"
        connection = sqlite3.connect(file, timeout=10, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            connection.close()
            raise NotSeenError("another writer had it for ten seconds") from None

        def end() -> None:
            connection.execute("ROLLBACK")
            connection.close()

        self._later(seconds, end)

    def _restart_pooler(self, seconds: float) -> None:
        if (pooler := self.site.bouncer) is None:
            raise NotSeenError("this site has no PgBouncer")
        pooler.kill()
        self._later(seconds, pooler.start)

    # --- machines

    def _unplug(self, which: str, seconds: float) -> None:
        names = {"host": self._system().data.parent.name}
        host = self.site.network[names.get(which, which)]
        host.cut()
        self._later(seconds, host.mend)

    def _fill(self, seconds: float) -> None:
        if self.site.small is None:
            raise NotSeenError("no small disk can be mounted here")
        full = self.site.small / "full"
        with full.open("wb") as file:
            try:
                while True:
                    os.write(file.fileno(), bytes(1 << 20))
            except OSError:
                pass
        self._later(seconds, lambda: full.unlink(missing_ok=True))


def _began(delivered: dict[str, Any]) -> dt.datetime:
    took = dt.timedelta(milliseconds=delivered["milliseconds"])
    return dt.datetime.fromisoformat(delivered["timestamp"]) - took


def _killed(process: psutil.Process) -> None:
    process.kill()
    process.wait(10)


def _started_as_by_systemd(system: Running) -> None:
    """Start it until it runs, as `Restart=always` and `RestartSec=2` do: its database may be away too."""
    deadline = time.monotonic() + 120
    while True:
        try:
            system.start(within=120)
            return
        except AssertionError:
            system.kill()
            if time.monotonic() > deadline:
                raise
            time.sleep(2.0)


def _repeated(step: Callable[[], None]) -> None:
    """Another fault may be on the same server."""
    for left in reversed(range(60)):
        try:
            step()
            return
        except sa.exc.OperationalError:
            if not left:
                raise
            time.sleep(0.5)
