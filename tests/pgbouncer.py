"""A PgBouncer in transaction mode in front of a database."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ports import answering, free_port
from sqlalchemy.engine import URL

# More start-up parameters of ours than PgBouncer knows; without this it refuses the connection.
IGNORING = "ignore_startup_parameters = options, extra_float_digits"


def program() -> str | None:
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


class Bouncer:
    """`url`: how to reach the database through it. It can be killed and started again on the same port."""

    def __init__(self, database: URL, folder: Path, *, connections: int, settings: str) -> None:
        self._port = free_port()
        self.url = URL.create(
            "postgresql", username=database.username, host="127.0.0.1", port=self._port, database=database.database
        )
        host = database.query.get("host") or database.host
        self._file = folder / "pgbouncer.ini"
        self._file.write_text(
            f"[databases]\n{database.database} = host={host} port={database.port or 5432} user={database.username}"
            f"{f' password={database.password}' if database.password else ''}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self._port}\nunix_socket_dir =\nauth_type = any\n"
            f"pool_mode = transaction\ndefault_pool_size = {connections}\nmax_client_conn = 200\n{settings}\n"
        )
        # It refuses to run as root: then it runs as the user of the server.
        own = pwd.getpwuid(os.geteuid()).pw_name
        self._user = Path(str(host)).owner() if str(host).startswith("/") else own if os.geteuid() else "nobody"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [str(program()), "-q", "-u", self._user, str(self._file)]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        answering(self._port, self._process, lambda: "PgBouncer")

    def kill(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait(20)
        assert self._process.stderr is not None
        self._process.stderr.close()
        self._process = None


@contextmanager
def bouncer(database: URL, *, connections: int = 2, settings: str = "") -> Iterator[Bouncer]:
    with tempfile.TemporaryDirectory(prefix="citewire-pgbouncer-") as folder:
        Path(folder).chmod(0o755)
        one = Bouncer(database, Path(folder), connections=connections, settings=settings)
        try:
            one.start()
            yield one
        finally:
            one.kill()
