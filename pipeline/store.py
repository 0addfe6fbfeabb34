"""The rendition store: bytes by digest, and files by name, in a folder or any object store (obstore)."""

from __future__ import annotations

import datetime as dt
import errno
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError
from obstore.store import LocalStore, ObjectStore, from_url

from pipeline.errors import ConfigError, TransientError

_LOCK = ".lock"  # in the folder of a store, held for the moment in which a file is replaced
_LOCK_WAIT = 10.0  # seconds; a process that holds it longer is stopped, or its disk hangs
_ROUNDS = 20  # each failed round means that another writer succeeded


@dataclass(frozen=True)
class FileState:
    """The state from which a web server derives a file's validators."""

    size: int  # bytes
    modified: dt.datetime


class RenditionStore:
    """Stored bytes by digest, and files by name.

    The bytes under a digest never change, so they may be written twice and cached for ever.

    A file has a name that we choose (`public/feeds/latest.atom`) and is replaced whole: a concurrent reader gets either
    the old one or the new one. In a folder the file has the modification time given; an object store sets its own when
    it receives the file.
    """

    def __init__(self, store: ObjectStore, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder

    @classmethod
    def at(cls, location: str | Path) -> RenditionStore:
        """Return the store in a folder, which is created if absent, or at an obstore URL: `s3://…`, `gs://…`, `az://…`."""
        try:
            if isinstance(location, str) and "://" in location:
                return cls(from_url(location))
            folder = Path(location)
            store = LocalStore(folder, automatic_cleanup=False, mkdir=True)
            _close(folder / "sha256")
            return cls(store, folder)
        except (BaseError, OSError, ValueError) as error:
            hint = "use a folder that can be made, s3://…, gs://… or az://…"
            message = f"the rendition store cannot be opened: {str(error).splitlines()[0][:200]}"
            raise ConfigError(message, key="store_url", hint=hint, code="invalid-store-url") from error

    @property
    def local(self) -> bool:
        """Whether the store is a folder, which is read without a network."""
        return self._folder is not None

    def put(self, digest: str, body: bytes) -> None:
        """Store the bytes. Raises TransientError if the store refuses or does not answer."""
        try:
            obstore.put(self._store, _path(digest), body)
        except BaseError as error:
            raise TransientError("the rendition store did not take a rendition", code="store-unreachable") from error

    def get(self, digest: str) -> bytes | None:
        """Return the bytes, or None if there are none under the digest. Raises TransientError if there is no answer."""
        try:
            if self._folder is not None:  # read before every send, and several times as fast as through obstore
                return (self._folder / _path(digest)).read_bytes()
            return bytes(obstore.get(self._store, _path(digest)).bytes())
        except (NotFoundError, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            raise TransientError("the rendition store does not answer", code="store-unreachable") from error

    def drop(self, digest: str) -> None:
        """Delete the bytes under a digest if there are any."""
        self.remove_file(_path(digest))

    def digests(self, part: int, before: dt.datetime) -> list[str]:
        """Return the digests of the bytes in one of 256 parts of the store that were written before this."""
        prefix = f"sha256/{part:02x}"
        try:
            listed = [one for some in obstore.list(self._store, prefix) for one in some]
        except (BaseError, OSError) as error:
            raise TransientError("the rendition store does not answer", code="store-unreachable") from error
        old = (str(one["path"]) for one in listed if one["last_modified"] < before)
        values = (path.removeprefix("sha256/").replace("/", "", 1) for path in old)
        return [f"sha256:{value}" for value in values if len(value) == 64]

    def put_file(
        self, path: str, body: bytes, modified: dt.datetime, *, check: Callable[[], None] = lambda: None
    ) -> None:
        """Write or replace a file. Raises TransientError if the store refuses or does not answer.

        `check` raises if the caller may not write the file any longer. No other process can replace the file unnoticed
        between that check and the write, however long the write hangs: in a folder, others wait for a lock; an object
        store refuses the write if the version that it was to replace has been replaced meanwhile.
        """
        try:
            if self._folder is None:
                self._put_conditionally(path, body, check)
            else:
                _replace(self._folder, path, body, modified.timestamp(), check)
        except (BaseError, OSError) as error:
            raise TransientError("the rendition store did not take a file", code="store-unreachable") from error

    def _put_conditionally(self, path: str, body: bytes, check: Callable[[], None]) -> None:
        for _ in range(_ROUNDS):
            seen = self._version(path)
            check()
            try:
                obstore.put(self._store, path, body, mode=seen or "create", use_multipart=False)
                return
            except (AlreadyExistsError, PreconditionError):
                continue
        raise TransientError("the rendition store has too many concurrent writers", code="store-contended")

    def _version(self, path: str) -> Any:
        try:
            meta: Any = obstore.head(self._store, path)
        except (NotFoundError, FileNotFoundError):
            return None
        return {key: meta[key] for key in ("e_tag", "version") if meta.get(key)}

    def file_state(self, path: str) -> FileState | None:
        """Return the file's state, or None if there is no such file."""
        try:
            if self._folder is not None:
                found = (self._folder / path).stat()
                return FileState(found.st_size, dt.datetime.fromtimestamp(int(found.st_mtime), dt.UTC))
            meta = obstore.head(self._store, path)
            return FileState(meta["size"], meta["last_modified"].replace(microsecond=0))
        except (NotFoundError, FileNotFoundError, NotADirectoryError):
            return None
        except (BaseError, OSError) as error:
            raise TransientError("the rendition store does not answer", code="store-unreachable") from error

    def get_file(self, path: str) -> tuple[bytes, FileState] | None:
        """Return a file with the state that belongs to these bytes, or None if there is no such file."""
        try:
            if self._folder is not None:
                with (self._folder / path).open("rb") as file:
                    found = os.fstat(file.fileno())
                    modified = dt.datetime.fromtimestamp(int(found.st_mtime), dt.UTC)
                    return file.read(), FileState(found.st_size, modified)
            got = obstore.get(self._store, path)
            modified = got.meta["last_modified"].replace(microsecond=0)
            return bytes(got.bytes()), FileState(got.meta["size"], modified)
        except (NotFoundError, FileNotFoundError, NotADirectoryError):
            return None
        except (BaseError, OSError) as error:
            raise TransientError("the rendition store does not answer", code="store-unreachable") from error

    def remove_file(self, path: str) -> None:
        """Delete a file if it exists."""
        try:
            obstore.delete(self._store, path)
        except (NotFoundError, FileNotFoundError):
            return
        except BaseError as error:
            raise TransientError("the rendition store does not answer", code="store-unreachable") from error


def _replace(folder: Path, name: str, body: bytes, modified: float, check: Callable[[], None]) -> None:
    """Write the file atomically with its final modification time, from which web servers derive validators.

    Everything slow is done before the lock is taken.
    """
    path = folder / name
    _open_to_web_servers(folder, path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            os.fchmod(file.fileno(), 0o644)  # the web server may run as another user
        os.utime(temporary, (modified, modified))
        with _locked(folder / _LOCK):
            check()
            Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise


def _open_to_web_servers(store: Path, folder: Path) -> None:
    """Make the folder of a file, for which others may look, whatever the umask is."""
    if not folder.is_dir():
        if folder.parent != store:
            _open_to_web_servers(store, folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)


def _close(folder: Path) -> None:
    """Keep others from the bytes by digest, among which are articles under an embargo."""
    folder.mkdir(mode=0o750, exist_ok=True)
    if (mode := stat.S_IMODE(folder.stat().st_mode)) & 0o007:
        with suppress(PermissionError):  # a folder of another user, on a shared disk: theirs to close
            folder.chmod(mode & ~0o007)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock out every other writer. The lock is released when its holder exits or is killed."""
    deadline = time.monotonic() + _LOCK_WAIT
    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise TimeoutError(errno.ETIMEDOUT, "another process holds the store's lock") from error
                time.sleep(0.005)
        yield


def _path(digest: str) -> str:
    """Return a digest's path: two levels of folders, so that none grows past what file systems handle well."""
    kind, _, value = digest.partition(":")
    return f"{kind}/{value[:2]}/{value[2:]}"
