"""A remote folder with atomic replacement of files and resumable uploads."""

from __future__ import annotations

import contextlib
import errno
import posixpath
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paramiko
from paramiko.sftp import CMD_EXTENDED

from pipeline.channels.shared.manifest import MANIFESTS
from pipeline.model.rendition import digest_of

PARTS = ".parts"  # uploads in progress, named after the file and the digest of its content
_CHUNK = 32_768  # bytes that every server accepts in one write
_LONGEST = 64_000_000  # bytes read back at most; a larger file is not one of ours
_STALE = 86_400  # seconds after which an upload is not resumed


class RemoteFolder:
    """A folder on the server. Methods raise OSError, EOFError and paramiko's errors."""

    def __init__(self, sftp: paramiko.SFTPClient, path: str, *, create: bool, now: float) -> None:
        """Open the folder, and create it if `create`. `now`: Unix time, to recognise stale uploads."""
        self._sftp, self._path = sftp, path
        self._syncs = True  # until the server turns out not to support it
        if create:
            self._make(path)
        for folder in (MANIFESTS, PARTS):
            self._make(self._of(folder), above=False)
        self._parts = self._left_behind(now)

    def read(self, name: str) -> bytes | None:
        """Return the contents of a file, or None if there is none."""
        try:
            with self._sftp.open(self._of(name), "rb") as file:
                return file.read(_LONGEST)
        except FileNotFoundError:
            return None

    def names(self, inner: str = "") -> list[str]:
        """Return the names of everything in the folder, or in a folder in it."""
        return self._sftp.listdir(self._of(inner))

    def digest(self, name: str) -> str | None:
        body = self.read(name)
        return None if body is None else digest_of(body)

    def replace(self, name: str, data: bytes) -> None:
        """Replace a small file atomically."""
        temporary = posixpath.join(PARTS, name.replace("/", "."))
        self._write(temporary, data, 0)
        self.rename(temporary, name)

    def upload(self, name: str, body: bytes, digest: str) -> str:
        """Upload `body` under a temporary name, and return that name.

        An earlier upload of the same content is resumed, and partial uploads of other content are removed.
        """
        part = f"{name}.{digest.removeprefix('sha256:')[:16]}"
        for other in [one for one in self._parts if one.startswith(f"{name}.") and one != part]:
            self.remove(posixpath.join(PARTS, other))
            self._parts.discard(other)
        path = posixpath.join(PARTS, part)
        self._write(path, body, self._sound(path, body) if part in self._parts else 0)
        self._parts.discard(part)
        return path

    def rename(self, old: str, new: str) -> None:
        """Rename, replacing what exists. Without OpenSSH's extension there is a moment without either file."""
        try:
            self._sftp.posix_rename(self._of(old), self._of(new))
        except OSError as error:
            if error.errno is not None:
                raise
            self._rename_the_old_way(old, new)

    def remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._sftp.remove(self._of(name))

    def _of(self, name: str) -> str:
        return posixpath.join(self._path, name)

    def _make(self, path: str, *, above: bool = True) -> None:
        """Create the folder, and its parents if `above`."""
        try:
            if stat.S_ISDIR(self._sftp.stat(path).st_mode or 0):
                return
            raise NotADirectoryError(errno.ENOTDIR, "there is a file in place of the folder")
        except FileNotFoundError:
            parent = posixpath.dirname(path)
            if above and parent not in ("", "/", path):
                self._make(parent)
        try:
            self._sftp.mkdir(path)
        except OSError:
            # It may have been created concurrently.
            if not stat.S_ISDIR(self._sftp.stat(path).st_mode or 0):
                raise

    def _left_behind(self, now: float) -> set[str]:
        """Return interrupted uploads and remove stale ones. Done once per connection, since an interruption ends it."""
        found = set()
        for one in self._sftp.listdir_attr(self._of(PARTS)):
            if one.st_mtime is not None and now - one.st_mtime > _STALE:
                self.remove(posixpath.join(PARTS, one.filename))
            else:
                found.add(one.filename)
        return found

    def _sound(self, path: str, body: bytes) -> int:
        """Return how many bytes of an earlier upload can be kept: all, if the last of them match `body`."""
        try:
            with self._sftp.open(self._of(path), "rb") as file:
                size = file.stat().st_size or 0
                start = max(size - _CHUNK, 0)
                file.seek(start)
                return size if size <= len(body) and file.read(_CHUNK) == body[start:size] else 0
        except FileNotFoundError:
            return 0

    def _write(self, name: str, body: bytes, start: int) -> None:
        with self._opened(name, "r+b" if start else "wb") as file:
            file.set_pipelined(True)
            file.seek(start)
            for position in range(start, len(body), _CHUNK):
                file.write(body[position : position + _CHUNK])
            self._sync(file)
        # Pipelined writes are not acknowledged one by one, so check the size of the result.
        size = self._sftp.stat(self._of(name)).st_size
        if size != len(body):
            raise OSError(f"{size} of {len(body)} bytes arrived")

    @contextmanager
    def _opened(self, name: str, mode: str) -> Iterator[paramiko.SFTPFile]:
        with self._sftp.open(self._of(name), mode) as file:
            yield file

    def _sync(self, file: paramiko.SFTPFile) -> None:
        """Request OpenSSH's `fsync@openssh.com`, for which paramiko has no method."""
        if not self._syncs:
            return
        sftp: Any = self._sftp
        handle: Any = file
        try:
            sftp._request(CMD_EXTENDED, "fsync@openssh.com", handle.handle)
        except OSError:
            self._syncs = False

    def _rename_the_old_way(self, old: str, new: str) -> None:
        self.remove(new)
        self._sftp.rename(self._of(old), self._of(new))
