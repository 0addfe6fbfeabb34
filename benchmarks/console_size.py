"""How long the console's pages and the API's lists take with 100,000 articles and 1,000,000 deliveries.

python -m benchmarks.console_size [--articles N] [--channels N] [--rounds N] [--database URL | --postgresql]

A ledger is filled with rows, on SQLite or PostgreSQL, and `citewire web` is started. Every page is fetched in every
round. The table shows the time until a page was there, and the CPU time that the web server and the database took for
it. It fails if a page takes more than 300 ms of CPU in the mean. Which pages took longer than 300 ms in the median, or
1 s at the 99th percentile, is said: on a machine that others use, that says little.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

from benchmarks.big_ledger import Size, fill
from benchmarks.big_pages import pages, settings
from benchmarks.figures import percentile, table
from benchmarks.processes import cpu_seconds, end_on_signals, peak_megabytes, plain_environment
from benchmarks.serving import web_server
from benchmarks.setting_up import database
from config import load
from pipeline.channels.webhook.signing import new_secret
from pipeline.ledger import Ledger, sessions, tokens

MEDIAN, P99 = 0.3, 1.0  # seconds
_COOKIE = "citewire-console"


@dataclass
class Page:
    """What a page took, in seconds: until it was there, of the web server's CPU, and of the database's."""

    wall: list[float] = field(default_factory=list)
    web: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)

    def row(self, address: str) -> tuple[str, ...]:
        cpu = (statistics.mean(self.web), statistics.mean(self.database))
        return (address, *(f"{1000 * one:.0f}" for one in (self.median, self.p99, *cpu)))

    @property
    def median(self) -> float:
        return statistics.median(self.wall)

    @property
    def p99(self) -> float:
        return percentile(self.wall, 99)

    @property
    def is_late(self) -> bool:
        return self.median > MEDIAN or self.p99 > P99

    @property
    def is_slow(self) -> bool:
        return statistics.mean(self.web) + statistics.mean(self.database) > MEDIAN


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console_size", description=__doc__.splitlines()[0])
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--channels", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL server of its own")
    parser.add_argument("--database", help="the URL of an empty database, or of one that this has filled before")
    arguments = parser.parse_args()
    end_on_signals()
    size = Size(arguments.articles, tuple(f"channel-{number}" for number in range(arguments.channels)))
    with tempfile.TemporaryDirectory(prefix="citewire-benchmark-") as folder:
        own = Path(folder)
        with database(arguments.database, arguments.postgresql, own) as url:
            found, memory = _measured(own, url, size, arguments.rounds)
    print(report(found))
    load_average = os.getloadavg()[0]
    print(
        f"\nmemory of the web process: {memory:.0f} MB at most; {os.cpu_count()} cores, load average {load_average:.1f}"
    )
    if late := [address for address, page in found.items() if page.is_late]:
        print(f"late: {', '.join(late)}")
    if slow := [address for address, page in found.items() if page.is_slow]:
        sys.exit(f"too slow: {', '.join(slow)}")


def report(found: Mapping[str, Page]) -> str:
    """Return a table of the pages, the slowest first."""
    columns = ("page", "median ms", "p99 ms", "CPU ms, web", "CPU ms, database")
    by_time = sorted(found.items(), key=lambda each: -each[1].median)
    every = [wall for page in found.values() for wall in page.wall]
    whole = (
        f"all pages: {1000 * statistics.median(every):.0f} ms in the median, {1000 * percentile(every, 99):.0f} ms p99"
    )
    return f"{table(columns, [page.row(address) for address, page in by_time])}\n\n{whole}"


def _measured(folder: Path, url: str, size: Size, rounds: int) -> tuple[dict[str, Page], float]:
    now = dt.datetime.now(dt.UTC)
    token, cookie = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
    with closing(Ledger(url)) as ledger:
        ledger.migrate()
        with ledger.read() as transaction:
            is_filled = transaction.exec_driver_sql("SELECT 1 FROM articles LIMIT 1").first() is not None
        if not is_filled:
            fill(ledger, size, now=now)
        with ledger.write() as transaction:
            tokens.add(transaction, token, name="benchmark", scope="admin", now=now)
            sessions.begin(transaction, cookie, who=token, client="127.0.0.1", now=now)
        files = folder / "site.toml"
        files.write_text(settings(size))
        own = {"CITEWIRE_CONFIG": str(files), "CITEWIRE_DATA": str(folder / "data"), "CITEWIRE_DATABASE_URL": url}
        environment = plain_environment() | own | {"PARTNER_SECRET": new_secret()}
        load(environment).data.mkdir()
        with web_server(folder, environment) as (web, process), requests.Session() as client:
            client.headers["authorization"] = f"Bearer {token}"
            client.cookies.set(_COOKIE, cookie)
            found = _rounds(client, web, pages(size, now), rounds, process, ledger)
            return found, peak_megabytes(process)


def _rounds(
    client: requests.Session,
    web: str,
    addresses: Mapping[str, str],
    rounds: int,
    process: psutil.Process,
    ledger: Ledger,
) -> dict[str, Page]:
    found = {address: Page() for address in addresses}
    servers: list[psutil.Process] = []
    for number in range(rounds + 1):  # the first of which is not counted: it opens connections and fills caches
        for address, page in found.items():
            before = cpu_seconds([process]), cpu_seconds(servers)
            begun = time.perf_counter()
            answer = client.get(web + address, allow_redirects=False, timeout=60)
            took = time.perf_counter() - begun
            if answer.status_code != 200:
                raise SystemExit(f"{address}: {answer.status_code} {answer.text[:500]}")
            if number:
                page.wall.append(took)
                page.web.append(cpu_seconds([process]) - before[0])
                page.database.append(cpu_seconds(servers) - before[1])
        servers = servers or _servers(ledger)
    return found


def _servers(ledger: Ledger) -> list[psutil.Process]:
    """Return PostgreSQL's processes, of which it has one for each connection; none if the ledger is on SQLite."""
    if ledger.is_sqlite:
        return []
    others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with ledger.read() as transaction:
        return [psutil.Process(pid) for pid in transaction.exec_driver_sql(others).scalars()]


if __name__ == "__main__":
    main()
