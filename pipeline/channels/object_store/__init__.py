"""The `object-store` channel: one object per article in S3, Google Cloud Storage, Azure or a folder.

    {prefix}/{article}.{extension}                and manifest/{article}.{extension}.json (see shared/manifest.py)
    {prefix}/index.json                           the latest `index` changes, newest first

Cloud stores are written to without locks. Every put is conditional on the version that the writer has read (If-Match,
or If-None-Match for a new object). The object's version is read before the manifest's, and the manifest is written
first. Of two concurrent writers, the one with the older revision therefore fails on either, tries again, and finds the
newer revision. Folders do not support conditional writes and use a lock instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TypeVar

import msgspec

from pipeline.channels import ChannelType
from pipeline.channels.object_store.objects import Objects, OvertakenError, Version
from pipeline.channels.object_store.settings import ObjectStoreSettings, gateway_of, place_of, store_of
from pipeline.channels.shared.deadline import Deadline
from pipeline.channels.shared.folder import Folder, failure_of
from pipeline.channels.shared.manifest import (
    INDEX,
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
from pipeline.channels.shared.marks import read_mark, write_mark
from pipeline.errors import ConfigError, TransientError
from pipeline.http import Http
from pipeline.http.gateway import Gateway, target_of
from pipeline.model.delivery import Difference, Found, Parcel, Receipt
from pipeline.model.rendition import digest_of

Done = TypeVar("Done")

_OF = f"{MANIFESTS}/"
_ROUNDS = 20  # each failed round means that another writer succeeded
_JSON = {"Content-Type": "application/json", "Cache-Control": "no-cache"}


class IndexEntry(msgspec.Struct, frozen=True):
    """A change in `index.json`."""

    name: str
    article: str
    revision: int
    event: str
    digest: str
    bytes: int
    media_type: str
    title: str
    at: str


class Index(msgspec.Struct, frozen=True):
    changes: tuple[IndexEntry, ...] = ()


class ObjectStoreChannel:
    def __init__(self, settings: ObjectStoreSettings, http: Http) -> None:
        self._settings, self._guard = settings, http.guard
        self._opened: tuple[Objects, Gateway | None] | None = self._open()

    def _open(self) -> tuple[Objects, Gateway | None]:
        gateway = gateway_of(self._settings, self._guard)
        try:
            store = store_of(self._settings, proxy=gateway.url if gateway else None)
        except ConfigError:
            if gateway is not None:
                gateway.close()
            raise
        return Objects(store, self._settings.url, conditional=self._settings.folder is None), gateway

    @property
    def _objects(self) -> Objects:
        if self._opened is None:  # it was closed, and is used again
            self._opened = self._open()
        return self._opened[0]

    def deliver(self, parcel: Parcel) -> Receipt:
        """Write the article's object. If the store already has a newer revision, change nothing and succeed."""
        deadline = self._start()
        name, expected = file_name(parcel), manifest_of(parcel)
        with self._locked():
            detail, newest = self._retry_if_overtaken(deadline, lambda: self._write(name, parcel, expected))
            for former in former_names(parcel):
                detail += self._remove_former(former, parcel)
            if newest and self._settings.index:
                self._retry_if_overtaken(deadline, lambda: self._announce(name, expected))
        return Receipt(detail=detail, remote_id=name)

    def shows(self, parcel: Parcel) -> str | None:
        self._start()
        for name in (file_name(parcel), *former_names(parcel)):
            digest, (there, _) = self._digest(name), self._manifest(name)
            if where := still_readable(name, parcel, digest, there):
                return f"{self._settings.url}: {where}"
        return None

    def differs(self, parcel: Parcel, digest: str) -> Difference | None:
        self._start()
        name = file_name(parcel)
        return difference(name, parcel.revision, digest, self._digest(name), self._manifest(name)[0])

    def found(self) -> Mapping[str, Found]:
        """Read every manifest: what a store lists does not say which article an object is."""
        self._start()
        files = {name for name in self._objects.names() if not name.rpartition("/")[2].startswith(".")}
        of_files = [one.removeprefix(_OF).removesuffix(".json") for one in files if one.startswith(_OF)]
        return listed(((name, self._manifest(name)[0]) for name in of_files), files)

    def check(self) -> str:
        """Also check that the store honours conditions: otherwise an older revision could replace a newer one."""
        self._start()
        objects, probe = self._objects, f".citewire-check-{os.getpid()}"
        with self._locked():
            objects.delete(probe)
            objects.put(probe, b"1", None, _JSON)
            try:
                if objects.conditional and not _honours_conditions(objects, probe):
                    raise ConfigError("the store ignores If-Match and If-None-Match", key="url")
            finally:
                objects.delete(probe)
        return f"{self._settings.url} can be written to"

    def close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None and opened[1] is not None:
            opened[1].close()

    def _start(self) -> Deadline:
        """Check the address of the store, and return the deadline.

        The gateway checks it again at each connection; here the error says what is wrong.
        """
        if self._settings.where is not None:
            host, port = target_of(self._settings.where)
            self._guard.resolve(host, port, timeout=self._settings.connect_timeout)
        return Deadline(self._settings.total_timeout)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        path = self._settings.folder
        if path is None:
            yield
            return
        try:
            with Folder.opened(path) as folder, folder.inner(MANIFESTS) as manifests, manifests.locked(".lock"):
                yield
        except OSError as error:
            raise failure_of(error, path) from error

    def _retry_if_overtaken(self, deadline: Deadline, step: Callable[[], Done]) -> Done:
        for _ in range(_ROUNDS):
            deadline.check()
            with suppress(OvertakenError):
                return step()
        raise TransientError(f"{self._settings.url}: too many concurrent writers", code="store-contended")

    def _write(self, name: str, parcel: Parcel, expected: Manifest) -> tuple[str, bool]:
        """Write manifest and object. Return what was done, and whether this revision is now the newest."""
        seen = self._objects.version(name)  # before the manifest: see the module's docstring
        there, seen_manifest = self._manifest(name)
        if parcel.erase:
            return self._erase(name, parcel, there)
        if there and there.revision > expected.revision:
            return f"the newer revision {there.revision} is there", False
        gone = parcel.event == "withdrawn" and self._settings.on_withdrawal == "delete"
        if expected.same_revision(there):
            if (seen is None) if gone else (self._digest(name) == expected.digest):
                return f"revision {expected.revision} was already there", True
        else:
            adopted = not gone and seen is not None and has_right_bytes(there, lambda: self._digest(name), expected)
            self._objects.put(manifest_path(name), encode(expected), seen_manifest, _JSON)
            if adopted:
                return f"revision {expected.revision} was already there", True
        if gone:
            self._objects.delete(name)
            return f"deleted {name}: revision {expected.revision}", True
        self._objects.put(name, parcel.rendition.body, seen, self._attributes(parcel))
        if self._settings.on_withdrawal == "delete" and (later := self._deleted_meanwhile(name, expected)):
            return f"the newer revision {later} is there", False
        return f"{name}: revision {expected.revision}, {expected.bytes} bytes", True

    def _erase(self, name: str, parcel: Parcel, there: Manifest | None) -> tuple[str, bool]:
        """Remove the object, and then its manifest, unless another channel keeps its object there by now."""
        if not is_from(there, parcel):
            return f"{name} is not this delivery's any longer", False
        self._objects.delete(name)
        self._objects.delete(manifest_path(name))
        return f"removed {name}", True

    def _deleted_meanwhile(self, name: str, expected: Manifest) -> int | None:
        """Delete the object again if a withdrawal deleted it in the meantime, and return the withdrawal's revision."""
        there, _ = self._manifest(name)
        if there is None or there.revision <= expected.revision or there.event != "withdrawn":
            return None
        self._objects.delete(name)
        return there.revision

    def _remove_former(self, former: str, parcel: Parcel) -> str:
        """Remove what was kept under the former format: the object before its manifest, as in a folder."""
        there, _ = self._manifest(former)
        if there is None or there.revision > parcel.revision:
            return ""
        self._objects.delete(former)
        self._objects.delete(manifest_path(former))
        return f"; removed {former}"

    def _announce(self, name: str, expected: Manifest) -> None:
        found = self._objects.get(INDEX)
        changes = _changes(found[0] if found else None)
        others = tuple(one for one in changes if one.name != name)
        known = next((one for one in changes if one.name == name), None)
        if known and known.revision >= expected.revision:
            return
        facts = {field: getattr(expected, field) for field in IndexEntry.__struct_fields__ if field != "name"}
        index = Index((IndexEntry(name=name, **facts), *others)[: self._settings.index])
        self._objects.put(INDEX, msgspec.json.encode(index), found[1] if found else None, _JSON)

    def _manifest(self, name: str) -> tuple[Manifest | None, Version | None]:
        found = self._objects.get(manifest_path(name))
        return (decode(found[0]), found[1]) if found else (None, None)

    def _digest(self, name: str) -> str | None:
        found = self._objects.get(name)
        return digest_of(found[0]) if found else None

    def _attributes(self, parcel: Parcel) -> dict[str, str]:
        attributes = {"Content-Type": self._settings.content_type or parcel.rendition.content_type}
        if self._settings.cache_control:
            attributes["Cache-Control"] = self._settings.cache_control
        return attributes


class FolderStoreChannel(ObjectStoreChannel):
    """A store in a folder, which all hosts of a site have to share."""

    setting = "url"

    def __init__(self, settings: ObjectStoreSettings, http: Http) -> None:
        super().__init__(settings, http)
        assert settings.folder is not None
        self._folder = settings.folder
        self.place = place_of(settings)

    def mark(self) -> str | None:
        return read_mark(self._folder)

    def set_mark(self, mark: str) -> None:
        write_mark(self._folder, mark, create=True)


def _open(settings: ObjectStoreSettings, http: Http) -> ObjectStoreChannel:
    return (ObjectStoreChannel if settings.folder is None else FolderStoreChannel)(settings, http)


def _changes(data: bytes | None) -> tuple[IndexEntry, ...]:
    """Parse the index. If it is missing or unreadable, a new one is started."""
    try:
        return msgspec.json.decode(data, type=Index).changes if data else ()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ()


def _honours_conditions(objects: Objects, probe: str) -> bool:
    """Return whether puts fail if a new object already exists, or if the version to replace is outdated."""
    first = objects.version(probe)
    try:
        objects.put(probe, b"2", None, _JSON)
    except OvertakenError:
        objects.put(probe, b"3", first, _JSON)
    else:
        return False
    try:
        objects.put(probe, b"4", first, _JSON)
    except OvertakenError:
        return True
    return False


CHANNEL = ChannelType(name="object-store", settings=ObjectStoreSettings, open=_open, place=place_of)
