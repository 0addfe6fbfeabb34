"""The `sftp` channel: one file for each article in a folder on a partner's server, and what it is beside it.

The layout is a `directory` channel's (`manifest.py`). A file is uploaded to `.parts/`, where nobody looks, and renamed
when it is whole. No lock is held at the other end: one delivery of an article is under way at a time, by its lease,
which is longer than `total_timeout`; and before a file is renamed the manifest is looked at again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from pipeline.channels import ChannelType
from pipeline.channels.sftp.connection import Connection, Login
from pipeline.channels.sftp.folder import RemoteFolder
from pipeline.channels.sftp.settings import SftpSettings, private_key, server_keys
from pipeline.channels.shared.manifest import (
    MANIFESTS,
    Manifest,
    file_name,
    former_name,
    manifest_of,
    read,
    shown,
    written,
)
from pipeline.errors import TransientError
from pipeline.http import Http
from pipeline.model.delivery import Parcel, Receipt

Done = TypeVar("Done")

_PROBE = ".citewire-check"


class Sftp:
    """Keeps its connection from one delivery to the next, and makes another where it has ended."""

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
        """An older revision than the one there changes nothing and succeeds: the folder is already further."""
        name, former = file_name(parcel), former_name(parcel)

        def bring(folder: RemoteFolder) -> str:
            detail = _bring(folder, name, parcel)
            return detail + _clear(folder, former, parcel) if former else detail

        return Receipt(detail=self._done(bring, parcel.at.timestamp()), remote_id=name)

    def shows(self, parcel: Parcel) -> str | None:
        names = [name for name in (file_name(parcel), former_name(parcel)) if name]

        def look(folder: RemoteFolder) -> str | None:
            found = (shown(name, parcel, folder.digest(name), _manifest(folder, name)) for name in names)
            return next((one for one in found if one), None)

        where = self._done(look, parcel.at.timestamp())
        return where and f"{self._login.where}: {where}"

    def check(self) -> str:
        def probe(folder: RemoteFolder) -> None:
            folder.replace(_PROBE, b"")
            folder.remove(_PROBE)

        self._done(probe, time.time())
        return f"{self._login.where} can be written to"

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = self._folder = None

    def _done(self, work: Callable[[RemoteFolder], Done], now: float) -> Done:
        """`work` on the folder, within the whole time; once more where a kept connection turns out to have been cut."""
        deadline = time.monotonic() + self._settings.total_timeout
        kept = self._connection is not None and self._connection.usable
        try:
            return self._worked(work, deadline, now)
        except TransientError as error:
            self.close()
            if not kept or error.code != "connection-failed":
                raise
        try:
            return self._worked(work, deadline, now)
        except TransientError:
            self.close()
            raise

    def _worked(self, work: Callable[[RemoteFolder], Done], deadline: float, now: float) -> Done:
        if self._connection is None or not self._connection.usable:
            self.close()
            self._connection = Connection(self._login, self._guard, deadline)
        settings = self._settings
        with self._connection.within(deadline):
            if self._folder is None:
                self._folder = RemoteFolder(self._connection.sftp, settings.path, create=settings.create, now=now)
            return work(self._folder)


def _bring(folder: RemoteFolder, name: str, parcel: Parcel) -> str:
    wanted = manifest_of(parcel)
    there = _manifest(folder, name)
    if there and there.revision > parcel.revision:
        return f"the newer revision {there.revision} is there"
    if wanted.same(there) and folder.digest(name) == wanted.digest:
        return f"revision {parcel.revision} was already there"
    part = folder.upload(name, parcel.rendition.body, wanted.digest)
    there = _manifest(folder, name)  # the upload may have taken its time
    if there and there.revision > parcel.revision:
        folder.remove(part)
        return f"the newer revision {there.revision} is there"
    folder.replace(_beside(name), written(wanted))
    folder.rename(part, name)
    return f"{name}: revision {parcel.revision}, {wanted.bytes} bytes"


def _clear(folder: RemoteFolder, former: str, parcel: Parcel) -> str:
    """Takes away what the channel kept under its former format; the file first, or nobody would know it any more."""
    there = _manifest(folder, former)
    if there is None or there.revision > parcel.revision:
        return ""
    folder.remove(former)
    folder.remove(_beside(former))
    return f"; removed {former}"


def _manifest(folder: RemoteFolder, name: str) -> Manifest | None:
    return read(folder.read(_beside(name)))


def _beside(name: str) -> str:
    return f"{MANIFESTS}/{name}.json"


CHANNEL = ChannelType(name="sftp", settings=SftpSettings, open=Sftp)
