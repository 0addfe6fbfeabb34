"""The rendition store: bytes under their digest, in a folder or in anyone's object store (obstore)."""

from __future__ import annotations

from pathlib import Path

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from pipeline.errors import TransientError


class RenditionStore:
    """What stands under a digest never changes, so it may be written twice and cached for ever."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @classmethod
    def at(cls, location: str | Path) -> RenditionStore:
        """A folder (made where it is absent), or a URL that obstore knows: `s3://…`, `gs://…`, `az://…`."""
        if isinstance(location, str) and "://" in location:
            return cls(from_url(location))
        return cls(LocalStore(Path(location), automatic_cleanup=False, mkdir=True))

    def put(self, digest: str, body: bytes) -> None:
        """Raises TransientError where the store does not take it."""
        try:
            obstore.put(self._store, _path(digest), body)
        except BaseError as error:
            raise TransientError("the rendition store did not take a rendition", code="store-unreachable") from error

    def get(self, digest: str) -> bytes | None:
        """None where nothing stands under the digest. Raises TransientError where the store does not say."""
        try:
            return bytes(obstore.get(self._store, _path(digest)).bytes())
        except (NotFoundError, FileNotFoundError):
            return None
        except BaseError as error:
            raise TransientError("the rendition store does not answer", code="store-unreachable") from error


def _path(digest: str) -> str:
    """Two levels of folders, so that none grows past what file systems like."""
    kind, _, value = digest.partition(":")
    return f"{kind}/{value[:2]}/{value[2:]}"
