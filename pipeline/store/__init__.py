"""The rendition store: bytes by digest, and files by name, in a folder or any object store (obstore).

Bytes are compressed (`frames`); files, which web servers serve as they are, are not.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obstore
import structlog
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError
from obstore.store import LocalStore, ObjectStore

from pipeline.errors import ConfigError, TransientError
from pipeline.store import clouds
from pipeline.store import folder as store_folder
from pipeline.store.frames import Damaged, packed, unpacked, verified

_log = structlog.get_logger()

_FRAME = ".zst"  # after the path of a digest whose bytes are compressed, as all are that this release writes
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
                return cls(clouds.opened(location))
            folder = Path(location)
            store = LocalStore(folder, automatic_cleanup=False, mkdir=True)
            store_folder.close(folder / "sha256")
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
        frame, path = packed(body), _path(digest) + _FRAME
        try:
            if self._folder is None:
                obstore.put(self._store, path, frame)
            else:
                self._put_into(self._folder / path, frame)
        except (BaseError, OSError) as error:
            raise TransientError("the rendition store did not take a rendition", code="store-unreachable") from error

    def get(self, digest: str, size: int | None = None) -> bytes | None:
        """Return the bytes, or None if there are none under the digest, or only bytes that do not have it.

        `size` is their number, if it is known. Raises TransientError if there is no answer.
        """
        path = _path(digest)
        try:
            if (frame := self._read(path + _FRAME)) is not None:
                return unpacked(frame, digest, size)
            plain = self._read(path)  # stored by a release that did not compress
            return None if plain is None else verified(plain, digest)
        except Damaged as damage:
            hint = "it is made again when it is wanted; look at the store's disk if there are many"
            _log.error("a stored rendition is damaged", digest=digest, why=str(damage), hint=hint)
            return None

    def _read(self, path: str) -> bytes | None:
        try:
            if self._folder is not None:  # read before every send, and several times as fast as through obstore
                return (self._folder / path).read_bytes()
            return bytes(obstore.get(self._store, path).bytes())
        except (NotFoundError, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            raise TransientError("the rendition store does not answer", code="store-unreachable") from error

    def drop(
        self, digest: str, *, wanted: Callable[[], bool] = lambda: False, before: dt.datetime | None = None
    ) -> bool:
        """Delete the bytes under a digest; return False if they are kept, or were not there.

        They are kept if they are `wanted`, or were written at `before` or later, by somebody who may not have recorded
        them yet. In a folder nobody can write them between these checks and the deletion. An object store deletes
        without conditions: whoever finds nothing under a digest that the ledger names makes the bytes again.
        """
        paths = (_path(digest) + _FRAME, _path(digest))
        try:
            if self._folder is None:
                return self._drop(paths, wanted, before)
            with store_folder.locked((self._folder / paths[0]).parent / store_folder.LOCK, patient=False):
                return self._drop(paths, wanted, before)
        except (FileNotFoundError, TimeoutError):  # there is no such folder, or somebody is writing into it
            return False
        except (BaseError, OSError) as error:
            raise TransientError("the rendition store does not answer", code="store-unreachable") from error

    def _drop(self, paths: Sequence[str], wanted: Callable[[], bool], before: dt.datetime | None) -> bool:
        states = {path: self.file_state(path) for path in paths}
        old = [path for path, state in states.items() if state and (before is None or state.modified < before)]
        if not old or wanted():
            return False
        for path in old:
            with suppress(NotFoundError, FileNotFoundError):
                obstore.delete(self._store, path)
        return True

    def _put_into(self, path: Path, frame: bytes) -> None:
        """Write the file of a digest, and keep others from dropping it meanwhile."""
        part = path.parent
        if not part.parent.is_dir():  # somebody has removed everything
            store_folder.close(part.parent)
        part.mkdir(mode=0o750, exist_ok=True)
        with store_folder.locked(part / store_folder.LOCK, shared=True):
            store_folder.write(path, frame)

    def digests(self, part: int, before: dt.datetime) -> list[str]:
        """Return the digests of the bytes in one of 256 parts of the store that were written before this."""
        prefix = f"sha256/{part:02x}"
        try:
            listed = [one for some in obstore.list(self._store, prefix) for one in some]
        except (BaseError, OSError) as error:
            raise TransientError("the rendition store does not answer", code="store-unreachable") from error
        old = (str(one["path"]) for one in listed if one["last_modified"] < before)
        values = (path.removeprefix("sha256/").removesuffix(_FRAME).replace("/", "", 1) for path in old)
        return [f"sha256:{value}" for value in dict.fromkeys(values) if len(value) == 64]

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
                store_folder.replace(self._folder, path, body, modified.timestamp(), check)
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

    def remove_file(self, path: str, *, check: Callable[[], None] = lambda: None) -> None:
        """Delete a file if it exists. `check` is as for `put_file`, except that an object store has no conditions."""
        try:
            if self._folder is not None:
                store_folder.remove(self._folder, path, check)
            elif self._version(path) is not None:
                check()
                obstore.delete(self._store, path)
        except (NotFoundError, FileNotFoundError):
            return
        except (BaseError, OSError) as error:
            raise TransientError("the rendition store does not answer", code="store-unreachable") from error


def _path(digest: str) -> str:
    """Return a digest's path: two levels of folders, so that none grows past what file systems handle well."""
    kind, _, value = digest.partition(":")
    return f"{kind}/{value[:2]}/{value[2:]}"
