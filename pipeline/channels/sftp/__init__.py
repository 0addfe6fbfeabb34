"""The `sftp` channel: one file per article in a folder on a partner's server, with a manifest for each.

The layout is that of a `directory` channel (`shared/manifest.py`). A file is uploaded to `.parts/`, which readers
ignore, and renamed when complete. There is no lock on the server. Only one delivery of an article is in progress at a
time, thanks to its lease, which outlasts `total_timeout`; and the manifest is checked again before the rename.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from pipeline.channels import ChannelType
from pipeline.channels.sftp.connection import Connection, Login
from pipeline.channels.sftp.folder import RemoteFolder
from pipeline.channels.sftp.settings import SftpSettings, place_of, private_key, server_keys
from pipeline.channels.shared.deadline import Deadline
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
    manifest_path,
    still_readable,
)
from pipeline.errors import TransientError
from pipeline.http import Http
from pipeline.model.delivery import Difference, Found, Parcel, Receipt

Done = TypeVar("Done")

_PROBE = ".citewire-check"
_PORTION = 50  # manifests read within one time limit


class Sftp:
    """An open channel, which keeps its connection between deliveries and reconnects if it has ended."""

    def __init__(self, settings: SftpSettings, http: Http) -> None:
        self._settings, self._guard = settings, http.guard
        self._login = Login(
            host=settings.host,
            port=settings.port,
            username=settings.username,
            password=settings.password.resolve("password") if settings.password else None,
            key=private_key(settings),
            server_keys=server_keys(settings),
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
        )
        self._connection: Connection | None = None
        self._folder: RemoteFolder | None = None

    def deliver(self, parcel: Parcel) -> Receipt:
        """Upload the article's file. If the folder already has a newer revision, change nothing and succeed."""
        name = file_name(parcel)

        def update(folder: RemoteFolder) -> str:
            removed = (_remove_former(folder, former, parcel) for former in former_names(parcel))
            return _upload(folder, name, parcel) + "".join(removed)

        return Receipt(detail=self._run(update, parcel.at.timestamp()), remote_id=name)

    def shows(self, parcel: Parcel) -> str | None:
        names = [file_name(parcel), *former_names(parcel)]

        def find(folder: RemoteFolder) -> str | None:
            found = (still_readable(name, parcel, folder.digest(name), _manifest(folder, name)) for name in names)
            return next((one for one in found if one), None)

        where = self._run(find, parcel.at.timestamp())
        return where and f"{self._login.where}: {where}"

    def differs(self, parcel: Parcel, digest: str) -> Difference | None:
        name = file_name(parcel)

        def compare(folder: RemoteFolder) -> Difference | None:
            return difference(name, parcel.revision, digest, folder.digest(name), _manifest(folder, name))

        return self._run(compare, parcel.at.timestamp())

    def found(self) -> Mapping[str, Found]:
        """Read every manifest, a portion of them within each time limit."""
        files, named = self._run(lambda folder: (set(folder.names()), folder.names(MANIFESTS)), time.time())
        names = sorted(name.removesuffix(".json") for name in named)
        found: dict[str, Found] = {}
        for start in range(0, len(names), _PORTION):
            some = names[start : start + _PORTION]
            found |= self._run(functools.partial(_listed, names=some, files=files), time.time())
        return found

    def check(self) -> str:
        def probe(folder: RemoteFolder) -> None:
            folder.replace(_PROBE, b"")
            folder.remove(_PROBE)

        self._run(probe, time.time())
        return f"{self._login.where} can be written to"

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = self._folder = None

    def _run(self, work: Callable[[RemoteFolder], Done], now: float) -> Done:
        """Run `work` on the folder within `total_timeout`, a second time if a kept connection turns out to be cut."""
        deadline = Deadline(self._settings.total_timeout)
        kept = self._connection is not None and self._connection.usable
        try:
            return self._run_once(work, deadline, now)
        except TransientError as error:
            self.close()
            if not kept or error.code != "connection-failed":
                raise
        try:
            return self._run_once(work, deadline, now)
        except TransientError:
            self.close()
            raise

    def _run_once(self, work: Callable[[RemoteFolder], Done], deadline: Deadline, now: float) -> Done:
        if self._connection is None or not self._connection.usable:
            self.close()
            self._connection = Connection(self._login, self._guard, deadline)
        settings = self._settings
        with self._connection.within(deadline):
            if self._folder is None:
                self._folder = RemoteFolder(self._connection.sftp, settings.path, create=settings.create, now=now)
            return work(self._folder)


def _upload(folder: RemoteFolder, name: str, parcel: Parcel) -> str:
    expected = manifest_of(parcel)
    there = _manifest(folder, name)
    if parcel.erase:
        return _erase(folder, name, parcel, there)
    if there and there.revision > parcel.revision:
        return f"the newer revision {there.revision} is there"
    if has_right_bytes(there, lambda: folder.digest(name), expected):
        if not expected.same_revision(there):
            folder.replace(manifest_path(name), encode(expected))
        return f"revision {parcel.revision} was already there"
    part = folder.upload(name, parcel.rendition.body, expected.digest)
    there = _manifest(folder, name)  # the upload may have taken a while
    if there and there.revision > parcel.revision:
        folder.remove(part)
        return f"the newer revision {there.revision} is there"
    folder.replace(manifest_path(name), encode(expected))
    folder.rename(part, name)
    return f"{name}: revision {parcel.revision}, {expected.bytes} bytes"


def _erase(folder: RemoteFolder, name: str, parcel: Parcel, there: Manifest | None) -> str:
    """Remove the file, and then its manifest, unless another channel keeps its file there by now."""
    if not is_from(there, parcel):
        return f"{name} is not this delivery's any longer"
    folder.remove(name)
    folder.remove(manifest_path(name))
    return f"removed {name}"


def _remove_former(folder: RemoteFolder, former: str, parcel: Parcel) -> str:
    """Remove what was kept under the former format: the file before its manifest, or a crash would orphan the file."""
    there = _manifest(folder, former)
    if there is None or there.revision > parcel.revision:
        return ""
    folder.remove(former)
    folder.remove(manifest_path(former))
    return f"; removed {former}"


def _listed(folder: RemoteFolder, names: Sequence[str], files: Collection[str]) -> dict[str, Found]:
    return listed(((name, _manifest(folder, name)) for name in names), files)


def _manifest(folder: RemoteFolder, name: str) -> Manifest | None:
    return decode(folder.read(manifest_path(name)))


CHANNEL = ChannelType(name="sftp", settings=SftpSettings, open=Sftp, place=place_of)
