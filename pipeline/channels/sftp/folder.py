"""A remote folder: files replaced whole, uploads that go on where they were cut."""

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

PARTS = ".parts"  # what is being uploaded, each under its name and the digest of what it will be
_CHUNK = 32_768  # bytes: what every server takes in one write
_LONGEST = 64_000_000  # bytes that are read back; more is certainly none of ours
_STALE = 86_400  # seconds after which an upload will not be taken up again


class RemoteFolder:
    """Raises OSError, EOFError and paramiko's errors."""

    def __init__(self, sftp: paramiko.SFTPClient, path: str, *, create: bool, now: float) -> None:
        """`now`: Unix time, to tell stale uploads by."""
        self._sftp, self._path = sftp, path
        self._syncs = True  # until the server says that it cannot
        if create:
            self._make(path)
        for folder in (MANIFESTS, PARTS):
            self._make(self._of(folder), above=False)
        self._parts = self._left_behind(now)

    def read(self, name: str) -> bytes | None:
        """None where there is no such file."""
        try:
            with self._sftp.open(self._of(name), "rb") as file:
                return file.read(_LONGEST)
        except FileNotFoundError:
            return None

    def digest(self, name: str) -> str | None:
        body = self.read(name)
        return None if body is None else digest_of(body)

    def replace(self, name: str, data: bytes) -> None:
        """A small file, whole or not at all."""
        temporary = posixpath.join(PARTS, name.replace("/", "."))
        self._write(temporary, data, 0)
        self.rename(temporary, name)

    def upload(self, name: str, body: bytes, digest: str) -> str:
        """Brings `body` to the server under a name that no reader looks at, and gives that.

        Goes on where an earlier try ended. Other half uploads of the same file will not be needed any more.
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
        """Over what is there. Without OpenSSH's extension there is a moment in which nothing is there."""
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
        """The folder, and those above it."""
        try:
            if stat.S_ISDIR(self._sftp.stat(path).st_mode or 0):
                return
            raise NotADirectoryError(errno.ENOTDIR, "a file stands where the folder should")
        except FileNotFoundError:
            parent = posixpath.dirname(path)
            if above and parent not in ("", "/", path):
                self._make(parent)
        try:
            self._sftp.mkdir(path)
        except OSError:
            # Another one may have made it meanwhile.
            if not stat.S_ISDIR(self._sftp.stat(path).st_mode or 0):
                raise

    def _left_behind(self, now: float) -> set[str]:
        """Uploads that were cut, read once for each connection: a cut is also the end of one."""
        found = set()
        for one in self._sftp.listdir_attr(self._of(PARTS)):
            if one.st_mtime is not None and now - one.st_mtime > _STALE:
                self.remove(posixpath.join(PARTS, one.filename))
            else:
                found.add(one.filename)
        return found

    def _sound(self, path: str, body: bytes) -> int:
        """How many bytes an earlier upload has brought: all that are there, if the last of them are `body`'s."""
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
        # Pipelined writes are not answered one by one, so that what arrived is measured.
        size = self._sftp.stat(self._of(name)).st_size
        if size != len(body):
            raise OSError(f"{size} of {len(body)} bytes arrived")

    @contextmanager
    def _opened(self, name: str, mode: str) -> Iterator[paramiko.SFTPFile]:
        with self._sftp.open(self._of(name), mode) as file:
            yield file

    def _sync(self, file: paramiko.SFTPFile) -> None:
        """OpenSSH's `fsync@openssh.com`, for which paramiko has no name."""
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
