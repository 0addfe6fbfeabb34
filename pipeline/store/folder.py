"""The files of a rendition store in a folder, which processes replace and remove under locks."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK = ".lock"  # held for the moment in which a file is replaced or removed
_WAIT = 10.0  # seconds; a process that holds it longer is stopped, or its disk hangs


def write(path: Path, body: bytes) -> None:
    """Write a file atomically into a folder that is there.

    obstore does it in a thread of its own, which an article waits for once a format: on a busy machine that takes four
    times as long.
    """
    with _beside(path, body) as new:
        new.replace(path)


def replace(folder: Path, name: str, body: bytes, modified: float, check: Callable[[], None]) -> None:
    """Write the file atomically with its final modification time, from which web servers derive validators.

    Everything slow is done before the lock is taken.
    """
    path = folder / name
    _open_to_web_servers(folder, path.parent)
    with _beside(path, body) as new:
        new.chmod(0o644)  # the web server may run as another user
        os.utime(new, (modified, modified))
        with locked(folder / LOCK):
            check()
            new.replace(path)


@contextmanager
def _beside(path: Path, body: bytes) -> Iterator[Path]:
    """Write a file beside a path, whose place it is to take. Nothing is left of it if that fails."""
    new = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with new.open("xb") as file:
            file.write(body)
        yield new
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def remove(folder: Path, name: str, check: Callable[[], None]) -> None:
    """Delete a file if it exists, after a check that no other process can get in between."""
    path = folder / name
    if path.exists():
        with locked(folder / LOCK):
            check()
            path.unlink(missing_ok=True)


def close(folder: Path) -> None:
    """Keep others from the bytes by digest, among which are articles under an embargo."""
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    if (mode := stat.S_IMODE(folder.stat().st_mode)) & 0o007:
        with suppress(PermissionError):  # a folder of another user, on a shared disk: theirs to close
            folder.chmod(mode & ~0o007)


@contextmanager
def locked(path: Path, *, shared: bool = False, patient: bool = True) -> Iterator[None]:
    """Lock out every other process, or only those that do not share. A process that ends releases its lock."""
    deadline = time.monotonic() + (_WAIT if patient else 0.0)
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    raise TimeoutError(errno.ETIMEDOUT, "another process holds the store's lock") from error
                time.sleep(0.005)
        yield


def _open_to_web_servers(store: Path, folder: Path) -> None:
    """Make the folder of a file, for which others may look, whatever the umask is."""
    if not folder.is_dir():
        if folder.parent != store:
            _open_to_web_servers(store, folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
