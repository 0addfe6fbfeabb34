"""The `object-store` channel: one object for each article in S3, Google Cloud Storage, Azure or a folder.

    {prefix}/{article}.{extension}                and manifest/{article}.{extension}.json, as in a folder (manifest.py)
    {prefix}/index.json                           the newest changes, newest first, as many as `index` says

Writers hold no lock. Every put names the object that its writer has seen (If-Match; If-None-Match for a new one), the
manifest goes first, and what a writer has seen of the object is older than what it has seen of the manifest. So of
two writers the one with the older revision fails at the manifest or at the object, looks again, and finds that the
store is further. A folder cannot compare: there a lock does it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from pipeline.channels import ChannelType
from pipeline.channels.object_store.objects import Objects, OvertakenError, Version
from pipeline.channels.object_store.settings import ObjectStoreSettings, store_of
from pipeline.channels.shared.folder import Folder, failure_of
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
from pipeline.errors import ConfigError, TransientError
from pipeline.http import Http
from pipeline.model.delivery import Parcel, Receipt
from pipeline.model.rendition import digest_of

Done = TypeVar("Done")

_INDEX = "index.json"
_TURNS = 20  # each that is lost was another writer's success
_JSON = {"Content-Type": "application/json", "Cache-Control": "no-cache"}


class Entry(msgspec.Struct, frozen=True):
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
    changes: tuple[Entry, ...] = ()


class ObjectStoreChannel:
    def __init__(self, settings: ObjectStoreSettings, http: Http) -> None:
        self._settings, self._guard = settings, http.guard
        folder = settings.folder
        self._objects = Objects(store_of(settings), settings.url, conditional=folder is None)

    def deliver(self, parcel: Parcel) -> Receipt:
        """An older revision than the one there changes nothing and succeeds: the store is already further."""
        deadline = self._begin()
        name, former, wanted = file_name(parcel), former_name(parcel), manifest_of(parcel)
        with self._alone():
            detail, newest = self._won(deadline, lambda: self._bring(name, parcel, wanted))
            if former:
                detail += self._clear(former, parcel)
            if newest and self._settings.index:
                self._won(deadline, lambda: self._announce(name, wanted))
        return Receipt(detail=detail, remote_id=name)

    def shows(self, parcel: Parcel) -> str | None:
        self._begin()
        for name in filter(None, (file_name(parcel), former_name(parcel))):
            digest, (there, _) = self._digest(name), self._manifest(name)
            if where := shown(name, parcel, digest, there):
                return f"{self._settings.url}: {where}"
        return None

    def check(self) -> str:
        """Also whether the store compares: one that does not would let an older revision replace a newer one."""
        self._begin()
        objects, probe = self._objects, f".citewire-check-{os.getpid()}"
        with self._alone():
            objects.delete(probe)
            objects.put(probe, b"1", None, _JSON)
            try:
                if objects.conditional and not _compares(objects, probe):
                    raise ConfigError("the store takes no notice of If-Match and If-None-Match", key="url")
            finally:
                objects.delete(probe)
        return f"{self._settings.url} can be written to"

    def close(self) -> None:
        """obstore keeps its connections to itself, and closes idle ones."""

    def _begin(self) -> float:
        """The deadline. Checks where the store's name leads to.

        obstore makes its own connections, in Rust, so that the guard cannot hand it the checked address: a name that
        is answered otherwise a moment later is not caught.
        """
        if self._settings.where is not None:
            parts = urlsplit(self._settings.where)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            self._guard.resolve(str(parts.hostname), port, timeout=self._settings.connect_timeout)
        return time.monotonic() + self._settings.total_timeout

    @contextmanager
    def _alone(self) -> Iterator[None]:
        path = self._settings.folder
        if path is None:
            yield
            return
        try:
            with Folder.opened(path) as folder, folder.inner(MANIFESTS) as manifests, manifests.locked(".lock"):
                yield
        except OSError as error:
            raise failure_of(error, path) from error

    def _won(self, deadline: float, step: Callable[[], Done]) -> Done:
        for _ in range(_TURNS):
            if time.monotonic() > deadline:
                raise TransientError(f"{self._settings.url} did not answer in time", code="timeout")
            with suppress(OvertakenError):
                return step()
        raise TransientError(f"{self._settings.url}: others write there all the time", code="store-contended")

    def _bring(self, name: str, parcel: Parcel, wanted: Manifest) -> tuple[str, bool]:
        """What was done, and whether this revision is the newest that is there."""
        seen = self._objects.version(name)  # before the manifest: see above
        there, seen_manifest = self._manifest(name)
        if there and there.revision > wanted.revision:
            return f"the newer revision {there.revision} is there", False
        gone = parcel.event == "withdrawn" and self._settings.on_withdrawal == "delete"
        if wanted.same(there):
            if (seen is None) if gone else (self._digest(name) == wanted.digest):
                return f"revision {wanted.revision} was already there", True
        else:
            self._objects.put(_beside(name), written(wanted), seen_manifest, _JSON)
        if gone:
            self._objects.delete(name)
            return f"{name} is gone: revision {wanted.revision}", True
        self._objects.put(name, parcel.rendition.body, seen, self._attributes(parcel))
        if self._settings.on_withdrawal == "delete" and (later := self._taken_back(name, wanted)):
            return f"the newer revision {later} is there", False
        return f"{name}: revision {wanted.revision}, {wanted.bytes} bytes", True

    def _taken_back(self, name: str, wanted: Manifest) -> int | None:
        """The withdrawal that came while the object was put. Nothing was left that the put could have failed at."""
        there, _ = self._manifest(name)
        if there is None or there.revision <= wanted.revision or there.event != "withdrawn":
            return None
        self._objects.delete(name)
        return there.revision

    def _clear(self, former: str, parcel: Parcel) -> str:
        """Takes away what the channel kept under its former format; the object first."""
        there, _ = self._manifest(former)
        if there is None or there.revision > parcel.revision:
            return ""
        self._objects.delete(former)
        self._objects.delete(_beside(former))
        return f"; removed {former}"

    def _announce(self, name: str, wanted: Manifest) -> None:
        found = self._objects.get(_INDEX)
        changes = _changes(found[0] if found else None)
        others = tuple(one for one in changes if one.name != name)
        known = next((one for one in changes if one.name == name), None)
        if known and known.revision >= wanted.revision:
            return
        facts = {field: getattr(wanted, field) for field in Entry.__struct_fields__ if field != "name"}
        index = Index((Entry(name=name, **facts), *others)[: self._settings.index])
        self._objects.put(_INDEX, msgspec.json.encode(index), found[1] if found else None, _JSON)

    def _manifest(self, name: str) -> tuple[Manifest | None, Version | None]:
        found = self._objects.get(_beside(name))
        return (read(found[0]), found[1]) if found else (None, None)

    def _digest(self, name: str) -> str | None:
        found = self._objects.get(name)
        return digest_of(found[0]) if found else None

    def _attributes(self, parcel: Parcel) -> dict[str, str]:
        attributes = {"Content-Type": self._settings.content_type or parcel.rendition.content_type}
        if self._settings.cache_control:
            attributes["Cache-Control"] = self._settings.cache_control
        return attributes


def _beside(name: str) -> str:
    return f"{MANIFESTS}/{name}.json"


def _changes(data: bytes | None) -> tuple[Entry, ...]:
    """None where there is no index, or none that can be read: then a new one begins."""
    try:
        return msgspec.json.decode(data, type=Index).changes if data else ()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ()


def _compares(objects: Objects, probe: str) -> bool:
    """Whether puts that must fail do: one for a new object where one is, one over an object that is no more."""
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


CHANNEL = ChannelType(name="object-store", settings=ObjectStoreSettings, open=ObjectStoreChannel)
