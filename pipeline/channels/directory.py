"""The `directory` channel: one file per article in a folder, with a manifest for each (`shared/manifest.py`).

Files are replaced atomically, so that a reader never sees a partial one. The manifest is replaced first: if its digest
does not match the file, the file is about to change.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from pipeline.channels import ChannelType
from pipeline.channels.shared.folder import Folder, failure_of, folder_place
from pipeline.channels.shared.manifest import (
    MANIFESTS,
    Manifest,
    decode,
    difference,
    encode,
    file_name,
    former_names,
    has_right_bytes,
    is_from,
    listed,
    manifest_of,
    still_readable,
)
from pipeline.channels.shared.marks import read_mark, write_mark
from pipeline.channels.shared.settings import ChannelSettings, LocalPath
from pipeline.errors import ConfigError
from pipeline.http import Http
from pipeline.model.delivery import Difference, Found, Parcel, Receipt
from pipeline.model.rendition import digest_of

_PROBE = ".citewire-check"
_LOCKS = 256  # lock files in total, shared by all articles; a lock is held for the milliseconds of a write


class DirectorySettings(ChannelSettings):
    path: LocalPath
    create: bool = True  # create the folder if missing; false for mount points, which may not be mounted


class Directory:
    setting = "path"

    def __init__(self, settings: DirectorySettings) -> None:
        self._settings = settings
        self.place = folder_place(settings.path)

    def deliver(self, parcel: Parcel) -> Receipt:
        """Write the article's file. If the folder already has a newer revision, change nothing and succeed."""
        name = file_name(parcel)
        try:
            with self._open() as folder, folder.inner(MANIFESTS) as manifests:
                with _locked(manifests, name):
                    detail = _write(folder, manifests, name, parcel)
                for former in former_names(parcel):
                    with _locked(manifests, former):
                        detail += _remove_former(folder, manifests, former, parcel)
        except OSError as error:
            raise failure_of(error, self._settings.path) from error
        return Receipt(detail=detail, remote_id=name)

    def shows(self, parcel: Parcel) -> str | None:
        names = [file_name(parcel), *former_names(parcel)]
        if self._is_to_be_created():
            return None
        try:
            with self._open() as folder, folder.inner(MANIFESTS) as manifests:
                found = [_still_readable(folder, manifests, name, parcel) for name in names]
        except OSError as error:
            raise failure_of(error, self._settings.path) from error
        return next((f"{self._settings.path}: {one}" for one in found if one), None)

    def differs(self, parcel: Parcel, digest: str) -> Difference | None:
        name = file_name(parcel)
        if not os.path.lexists(self._settings.path):
            return Difference("missing", f"the folder {self._settings.path} is not there")
        try:
            with Folder.opened(self._settings.path) as folder, folder.inner(MANIFESTS) as manifests:
                return difference(
                    name, parcel.revision, digest, _digest(folder, name), decode(manifests.read(f"{name}.json"))
                )
        except OSError as error:
            raise failure_of(error, self._settings.path) from error

    def found(self) -> Mapping[str, Found]:
        if not os.path.lexists(self._settings.path):
            return {}
        try:
            with Folder.opened(self._settings.path) as folder, folder.inner(MANIFESTS) as manifests:
                files = set(folder.names())
                known = ((name.removesuffix(".json"), decode(manifests.read(name))) for name in manifests.names())
                return listed(known, files)
        except OSError as error:
            raise failure_of(error, self._settings.path) from error

    def check(self) -> str:
        """Write and remove a file. A missing folder is not created before a delivery needs it."""
        path = self._settings.path
        if self._is_to_be_created():
            _try_to_create_in(next(above for above in path.absolute().parents if above.exists()), path)
            return f"{path} will be created by the first delivery"
        try:
            with self._open() as folder:
                folder.replace(_PROBE, b"")
                folder.remove(_PROBE)
        except OSError as error:
            raise ConfigError(str(failure_of(error, self._settings.path)), key="path") from error
        return f"{self._settings.path} can be written to"

    def mark(self) -> str | None:
        return read_mark(self._settings.path)

    def set_mark(self, mark: str) -> None:
        write_mark(self._settings.path, mark, create=self._settings.create)

    def close(self) -> None:
        """Do nothing: no file is kept open between deliveries."""

    def _is_to_be_created(self) -> bool:
        return self._settings.create and not os.path.lexists(self._settings.path)

    def _open(self) -> AbstractContextManager[Folder]:
        if self._settings.create:
            self._settings.path.mkdir(parents=True, exist_ok=True)
        return Folder.opened(self._settings.path)


def _try_to_create_in(parent: Path, path: Path) -> None:
    """Create a folder and remove it, since permissions alone are not conclusive (read-only mounts, quotas)."""
    try:
        Path(tempfile.mkdtemp(prefix=_PROBE, dir=parent)).rmdir()
    except OSError as error:
        message = f"{path} is missing and cannot be created: {failure_of(error, parent)}"
        raise ConfigError(message, key="path", hint="create it, or name another folder") from error


@contextmanager
def _locked(manifests: Folder, name: str) -> Iterator[None]:
    with manifests.locked(f".lock-{zlib.crc32(name.encode()) % _LOCKS:02x}"):
        yield


def _write(folder: Folder, manifests: Folder, name: str, parcel: Parcel) -> str:
    """Write the file and its manifest, synced to disk. The caller holds the article's lock."""
    there, expected = decode(manifests.read(f"{name}.json")), manifest_of(parcel)
    if parcel.erase:
        return _erase(folder, manifests, name, parcel, there)
    if there and there.revision > parcel.revision:
        return f"the newer revision {there.revision} is there"
    if has_right_bytes(there, lambda: _digest(folder, name), expected):
        if not expected.same_revision(there):
            manifests.replace(f"{name}.json", encode(expected))
            manifests.sync()
        return f"revision {parcel.revision} was already there"
    manifests.replace(f"{name}.json", encode(expected))
    folder.replace(name, parcel.rendition.body)
    manifests.sync()
    folder.sync()
    return f"{name}: revision {parcel.revision}, {expected.bytes} bytes"


def _erase(folder: Folder, manifests: Folder, name: str, parcel: Parcel, there: Manifest | None) -> str:
    """Remove the file, and then its manifest, unless another channel keeps its file there by now."""
    if not is_from(there, parcel):
        return f"{name} is not this delivery's any longer"
    folder.remove(name)
    folder.sync()
    manifests.remove(f"{name}.json")
    manifests.sync()
    return f"removed {name}"


def _remove_former(folder: Folder, manifests: Folder, former: str, parcel: Parcel) -> str:
    """Remove what was kept under the former format: the file before its manifest, or a crash would orphan the file."""
    there = decode(manifests.read(f"{former}.json"))
    if there is None or there.revision > parcel.revision:
        return ""
    folder.remove(former)
    folder.sync()
    manifests.remove(f"{former}.json")
    manifests.sync()
    return f"; removed {former}"


def _still_readable(folder: Folder, manifests: Folder, name: str, parcel: Parcel) -> str | None:
    """Return what is still readable under `name`. The file is read before the manifest, which is written first."""
    return still_readable(name, parcel, _digest(folder, name), decode(manifests.read(f"{name}.json")))


def _digest(folder: Folder, name: str) -> str | None:
    body = folder.read(name)
    return None if body is None else digest_of(body)


def _channel(settings: DirectorySettings, http: Http) -> Directory:
    return Directory(settings)


def _place(settings: DirectorySettings) -> str:
    return folder_place(settings.path)


CHANNEL = ChannelType(name="directory", settings=DirectorySettings, open=_channel, place=_place)
