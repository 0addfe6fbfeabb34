"""Make random runs of changes of articles and settings, and check every place from outside at the end.

    make places SEED=1 RUNS=20
    python tests/places/run.py --seed 1 --runs 20 --database postgresql --types directory sftp

A seed gives the same run again. All runs share the servers: moto, OpenSSH, two Apple stand-ins, a webhook receiver.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "stages"), str(HERE.parent / "channels"), str(HERE.parent), str(ROOT)]

import structlog  # noqa: E402  (after the paths that the modules of the tests need)
from empty_ledger import emptied_ledger, empty_ledger  # noqa: E402
from own_database import administrator  # noqa: E402
from own_postgresql import postgresql_server  # noqa: E402
from place_servers import TYPES, serving  # noqa: E402
from random_run import run_once  # noqa: E402
from sqlalchemy.engine import make_url  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--types", nargs="+", choices=TYPES, default=list(TYPES))
    parser.add_argument("--processes", action="store_true", help="work in processes that are killed with kill -9")
    parser.add_argument("--restores", action="store_true", help="bring older backups back too")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no run after this long")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    failed, total, of_types, began = 0, 0, Counter[str](), time.monotonic()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgresql_server()) if given.database == "postgresql" else None
        spare = _database_beside(server) if server and given.restores else None
        servers = stack.enter_context(serving(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        for seed in range(given.seed, given.seed + given.runs):
            if time.monotonic() - began > given.seconds:
                break
            total += 1
            done = _one(servers, server, spare, seed, given)
            failed += done is None
            of_types += done or Counter()
            if total % 10 == 0:
                print(f"{total} runs, {failed} failed", flush=True)
    seconds = time.monotonic() - began
    print(f"{total} runs on {given.database}, {failed} failed, {seconds / total:.1f} s each")
    print(", ".join(f"{name}: {count}" for name, count in sorted(of_types.items())))
    return failed > 0


def _database_beside(server: str) -> str:
    """Create another database on the server, into which backups are restored, and return its URL."""
    with administrator(make_url(server)) as connection:
        connection.exec_driver_sql("CREATE DATABASE citewire_spare")
    url = make_url(server).set(drivername="postgresql+psycopg", database="citewire_spare")
    return url.render_as_string(hide_password=False)


def _one(
    servers: Any, server: str | None, spare: str | None, seed: int, given: argparse.Namespace
) -> Counter[str] | None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        ledger = emptied_ledger(server) if server else empty_ledger(Path(name) / "var")
        try:
            run = run_once(
                servers,
                ledger,
                Path(name),
                seed,
                given.types,
                processes=given.processes,
                restores=given.restores,
                spare=spare,
            )
        except AssertionError as error:
            print(error, flush=True)
            return None
        finally:
            ledger.close()
    return Counter({f"runs with {kind}" if kind in TYPES else kind: 1 if kind in TYPES else count
                    for kind, count in run.done.items()})  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
