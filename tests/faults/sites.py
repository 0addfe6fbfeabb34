"""The sites that faults are tried on: one host on SQLite, one on PostgreSQL, and three in a network of their own."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faked_clock import FakedClock, is_here
from network import Host, network
from own_database import administrator, own_database
from pgbouncer import Bouncer, bouncer, program
from running import SITE, WEBHOOK, Running, system, without_ours
from servers import Line, PostgresqlHost, QueueHost
from sqlalchemy.engine import URL
from world import RETRIED_SOON

from pipeline.channels.webhook.signing import new_secret
from standins.eutils import EutilsStandin
from standins.receiver import Receiver

HOSTS = ("one", "two", "three")
NETWORK = ("database", "queue", "partners", *HOSTS)
_DISK = "160m"
_MORE = f"""
{RETRIED_SOON}
[[channels]]
id = "second"
type = "webhook"
format = "ninjs"
url = "{{second}}"
secret = "env:SECOND_SECRET"

[[channels]]
id = "pulled"
type = "pull"
format = "markdown"
"""


@dataclass
class Site:
    """A site that runs, and everything of it that can be broken. What it does not have is None."""

    folder: Path
    systems: list[Running]
    receivers: dict[str, Receiver]
    small: Path | None = None  # a small disk that holds its data
    database: URL | None = None  # the way to PostgreSQL that no fault is on
    line: Line | None = None
    bouncer: Bouncer | None = None
    server: PostgresqlHost | None = None
    queue: QueueHost | None = None
    network: dict[str, Host] = field(default_factory=dict)
    clock: FakedClock | None = None  # of the last host

    @contextlib.contextmanager
    def administrator(self) -> Iterator[Any]:
        """A connection to its PostgreSQL database."""
        assert self.database is not None
        host = self.network.get("database")
        with host.inside() if host else contextlib.nullcontext(), administrator(self.database) as connection:
            yield connection


@contextlib.contextmanager
def one_host(folder: Path, server: URL | None, *, pooled: bool) -> Iterator[Site]:
    """One `up` with all that belongs to it. `pooled`: PostgreSQL is behind PgBouncer, where there is one."""
    first, second = new_secret(), new_secret()
    with (
        contextlib.ExitStack() as stack,
        small_disk(folder / "data") as small,
        EutilsStandin() as pubmed,
        Receiver(secrets=[first]) as one,
        Receiver(secrets=[second]) as two,
        system(
            folder,
            pubmed=pubmed.url,
            webhook=f"{one.url}in",
            secret=first,
            more=_MORE.format(second=f"{two.url}in"),
            start=False,
        ) as running,
    ):
        running.environment["SECOND_SECRET"] = second
        if small is not None:
            (small / "tmp").mkdir()
            running.environment["TMPDIR"] = str(small / "tmp")  # the queue's folder is there too
        site = Site(folder, [running], {"first": one, "second": two}, small)
        if server is not None:
            site.database = stack.enter_context(own_database(server))
            site.line = stack.enter_context(Line(site.database))
            url = site.line.url
            if pooled and program():
                site.bouncer = stack.enter_context(bouncer(url, connections=20))
                url = site.bouncer.url
            running.environment["CITEWIRE_DATABASE_URL"] = url.render_as_string(hide_password=False)
        running.start(within=120)
        yield site


@dataclass
class OnHost(Running):
    """An `up` on a host of a network."""

    host: Host | None = None

    def inside(self) -> AbstractContextManager[None]:
        assert self.host is not None
        return self.host.inside()

    def on_host(self, words: list[str]) -> list[str]:
        assert self.host is not None
        return self.host.command(*words)


@contextlib.contextmanager
def servers(folder: Path) -> Iterator[tuple[dict[str, Host], PostgresqlHost, QueueHost]]:
    """The network, and the servers that all hosts of the site share."""
    with network(*NETWORK) as hosts, contextlib.ExitStack() as stack:
        server = PostgresqlHost(hosts["database"], folder)
        queue = QueueHost(hosts["queue"], folder / "queue")
        for one in (server, queue):
            stack.callback(one.kill)
            one.start()
        yield hosts, server, queue


@contextlib.contextmanager
def three_hosts(folder: Path, shared: tuple[dict[str, Host], PostgresqlHost, QueueHost]) -> Iterator[Site]:
    """Three `up`, each on a host of its own, with one store and one folder. The clock of the last can be turned."""
    hosts, server, queue = shared
    partners = hosts["partners"]
    first, second = new_secret(), new_secret()
    with contextlib.ExitStack() as stack:
        small = stack.enter_context(small_disk(folder / "shared"))
        with partners.inside():
            one, two = (
                stack.enter_context(Receiver(host=partners.address, secrets=[secret])) for secret in (first, second)
            )
        with hosts["database"].inside():
            database = stack.enter_context(_on(hosts["database"], own_database(server.url)))
        site = Site(folder, [], {"first": one, "second": two}, small, database)
        site.server, site.queue, site.network = server, queue, hosts
        settings = _settings(folder, f"{one.url}in", f"{two.url}in")
        environment = without_ours(os.environ) | {
            "CITEWIRE_CONFIG": str(settings),
            "CITEWIRE_DATABASE_URL": database.render_as_string(hide_password=False),
            "CITEWIRE_REDIS_URL": queue.url,
            "CITEWIRE_STORE_URL": str(folder / "shared" / "renditions"),
            "PARTNER_SECRET": first,
            "SECOND_SECRET": second,
        }
        for name in HOSTS:
            own = folder / name
            (own / "tmp").mkdir(parents=True)
            running = OnHost(own / "data", environment | {"TMPDIR": str(own / "tmp")}, host=hosts[name])
            site.systems.append(running)
        if is_here():
            site.clock = FakedClock(folder / "clock")
            site.systems[-1].environment |= site.clock.environment
        stack.callback(_each, site.systems, Running.kill)
        _each(site.systems, lambda running: running.start(within=120))
        yield site
        _each(site.systems, Running.stop)


def _each(systems: list[Running], step: Callable[[Running], None]) -> None:
    """Do something to all hosts at once. Raises the first failure after all have been tried."""
    with ThreadPoolExecutor(len(systems)) as pool:
        for done in [pool.submit(step, running) for running in systems]:
            done.result()


@contextlib.contextmanager
def _on(host: Host, opened: AbstractContextManager[URL]) -> Iterator[URL]:
    with host.inside():
        value = opened.__enter__()
    try:
        yield value
    finally:
        with host.inside():
            opened.__exit__(None, None, None)


def _settings(folder: Path, first: str, second: str) -> Path:
    out = folder / "shared" / "out"
    out.mkdir()
    nowhere = "http://10.77.0.254/"  # no article of these runs cites anything
    text = SITE.format(pubmed=nowhere, idconv=nowhere, folder=out) + WEBHOOK.format(url=first)
    file = folder / "site.toml"
    file.write_text(text.replace('"127.0.0.0/8"', '"10.77.0.0/24"') + _MORE.format(second=second))
    return file


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """Mount a small disk as this folder, where root may."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "citewire-faults", str(folder)]
    mounted = os.geteuid() == 0 and not subprocess.run(mount, capture_output=True, check=False).returncode
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)
