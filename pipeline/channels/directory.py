"""The `directory` channel: one file for each article in a folder, and what it is beside it.

    {path}/{article}.{extension}                the rendition; of a withdrawn article, its tombstone
    {path}/manifest/{article}.{extension}.json  article, revision, event, message id, digest, size, media type, time

Each is replaced as a whole, so a reader never meets half a file. There is one small manifest for each file, not
one for all, so that a change costs the same however many articles there are. The manifest is replaced first: when
its digest is not the file's, the file is about to change.
"""

from __future__ import annotations

import datetime as dt
import re
import zlib
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from pipeline.channels import ChannelType
from pipeline.channels.folder import Folder, failure_of
from pipeline.channels.settings import ChannelSettings
from pipeline.errors import ConfigError, PermanentError
from pipeline.http import Http
from pipeline.model.delivery import Parcel, Receipt
from pipeline.model.rendition import digest_of

# Checked at the door too; here because what passes becomes a path.
_SAFE_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SAFE_EXTENSION = re.compile(r"[a-z0-9][a-z0-9-]*")
_MANIFEST = "manifest"
_PROBE = ".citewire-check"
_LOCKS = 256  # lock files in all: articles share them, for the milliseconds that a write takes


class DirectorySettings(ChannelSettings):
    path: Path
    create: bool = True  # make the folder where it is missing; false for mounted ones, which may be away


class Manifest(msgspec.Struct, frozen=True):
    """What stands in `manifest/`, as JSON."""

    article: str
    revision: int
    event: str
    message_id: str
    digest: str  # of the file: "sha256:…"
    bytes: int
    format: str
    media_type: str
    title: str
    at: str  # RFC 3339, UTC: of the attempt that wrote it


class Directory:
    def __init__(self, settings: DirectorySettings) -> None:
        self._settings = settings

    def deliver(self, parcel: Parcel) -> Receipt:
        """An older revision than the one there changes nothing and succeeds: the folder is already further."""
        name = _file_name(parcel)
        lock = f".lock-{zlib.crc32(name.encode()) % _LOCKS:02x}"
        try:
            with self._opened() as folder, folder.inner(_MANIFEST) as manifests, manifests.locked(lock):
                return Receipt(detail=_bring(folder, manifests, name, parcel))
        except OSError as error:
            raise failure_of(error, self._settings.path) from error

    def check(self) -> str:
        try:
            with self._opened() as folder:
                folder.replace(_PROBE, b"")
                folder.remove(_PROBE)
        except OSError as error:
            raise ConfigError(str(failure_of(error, self._settings.path)), key="path") from error
        return f"{self._settings.path} can be written to"

    def close(self) -> None:
        """Nothing is kept open between deliveries."""

    def _opened(self) -> AbstractContextManager[Folder]:
        if self._settings.create:
            self._settings.path.mkdir(parents=True, exist_ok=True)
        return Folder.opened(self._settings.path)


def _bring(folder: Folder, manifests: Folder, name: str, parcel: Parcel) -> str:
    """Under the article's lock. Ends with everything on the disk, or with an OSError."""
    there = _manifest(manifests.read(f"{name}.json"))
    if there and there.revision > parcel.revision:
        return f"the newer revision {there.revision} is there"
    wanted = _manifest_of(parcel)
    if there == msgspec.structs.replace(wanted, at=there.at if there else "") and _holds(folder, name, wanted.digest):
        return f"revision {parcel.revision} was there"
    manifests.replace(f"{name}.json", msgspec.json.encode(wanted))
    folder.replace(name, parcel.rendition.body)
    manifests.sync()
    folder.sync()
    return f"{name}: revision {parcel.revision}, {wanted.bytes} bytes"


def _holds(folder: Folder, name: str, digest: str) -> bool:
    body = folder.read(name)
    return body is not None and digest_of(body) == digest


def _manifest(data: bytes | None) -> Manifest | None:
    """None where there is none, or none that can be read: then what is there is replaced."""
    try:
        return msgspec.json.decode(data, type=Manifest) if data else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _manifest_of(parcel: Parcel) -> Manifest:
    rendition = parcel.rendition
    return Manifest(
        article=parcel.article_id,
        revision=parcel.revision,
        event=parcel.event,
        message_id=parcel.message_id,
        digest=rendition.digest,
        bytes=len(rendition.body),
        format=rendition.format,
        media_type=rendition.media_type,
        title=parcel.title,
        at=parcel.at.astimezone(dt.UTC).isoformat(timespec="seconds"),
    )


def _file_name(parcel: Parcel) -> str:
    """Raises PermanentError (`unsafe-name`) for what may not become a path."""
    if not (_SAFE_ID.fullmatch(parcel.article_id) and _SAFE_EXTENSION.fullmatch(parcel.extension)):
        raise PermanentError(f"{parcel.article_id!r} cannot be a file's name", code="unsafe-name")
    return f"{parcel.article_id}.{parcel.extension}"


def _open(settings: DirectorySettings, http: Http) -> Directory:
    return Directory(settings)


CHANNEL = ChannelType(name="directory", settings=DirectorySettings, open=_open)
