"""A folder with atomic, durable writes, in which symbolic links are never followed."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.errors import CitewireError, PermanentError, TransientError

_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW
_LOCK_WAIT = 10.0  # seconds
_PERMANENT = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG}
)


class Folder:
    """An open folder. Names are plain file names. A link in the folder is replaced or refused, never followed."""

    def __init__(self, descriptor: int) -> None:
        self._fd = descriptor

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Folder]:
        """Open `path`, which itself may be a link, since the operator created it. Every method may raise OSError."""
        with _closing(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as descriptor:
            yield cls(descriptor)

    @contextmanager
    def inner(self, name: str, *, create: bool = True) -> Iterator[Folder]:
        """Open the subfolder `name`, and `create` it if it is missing."""
        if create:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=self._fd)
        with _closing(os.open(name, os.O_RDONLY | os.O_DIRECTORY | _FLAGS, dir_fd=self._fd)) as descriptor:
            yield Folder(descriptor)

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Lock out every other thread and process. The lock is released when its holder exits or is killed."""
        with _closing(os.open(name, os.O_RDWR | os.O_CREAT | _FLAGS, 0o666, dir_fd=self._fd)) as descriptor:
            _lock(descriptor)
            yield

    def names(self) -> list[str]:
        """Return the names of everything in the folder."""
        return os.listdir(self._fd)  # noqa: PTH208  of a descriptor, which a Path does not take

    def read(self, name: str) -> bytes | None:
        """Return the contents of `name`, or None if it is not a regular file."""
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | _FLAGS, dir_fd=self._fd)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
                return None
            raise
        with _closing(descriptor), os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else None

    def replace(self, name: str, data: bytes) -> None:
        """Replace `name` atomically. The caller must hold a lock for it: the temporary name is fixed."""
        temporary = f".{name}.tmp"  # fixed, so that the next write removes what a killed process left
        self.remove(temporary)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o666, dir_fd=self._fd)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            os.replace(temporary, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        except OSError:
            self.remove(temporary)
            raise

    def remove(self, name: str) -> None:
        """Remove the file, if there is one."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._fd)

    def sync(self) -> None:
        """Make replacements durable, so that they survive a power failure."""
        os.fsync(self._fd)


def folder_place(path: Path) -> str:
    """Return the folder's canonical address. Links are followed: two names of one folder are one place."""
    return f"file://{os.path.realpath(path)}"


def failure_of(error: OSError, path: Path | str) -> CitewireError:
    """Return a PermanentError if someone has to fix permissions or file types, else a TransientError (disk, mount)."""
    message = f"{path}: {error.strerror or error}"
    if error.errno in _PERMANENT:
        return PermanentError(message, code="folder-refused")
    code = "disk-full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "folder-unavailable"
    return TransientError(message, code=code)


@contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    deadline = time.monotonic() + _LOCK_WAIT
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise TimeoutError(errno.ETIMEDOUT, "another process holds the lock") from error
            time.sleep(0.005)
