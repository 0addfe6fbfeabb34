"""Objects in a store, written with conditions so that a newer version is never overwritten by mistake."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import ObjectStore

from pipeline.errors import CitewireError, PermanentError, TransientError

Version = dict[str, str]  # an ETag, and a generation if the store has one

_STATUS = re.compile(r"status code: (\d{3})")
_NOT_HTTP = ("Parse(", "MissingEtag", "MissingContentLength", "Metadata {", "InvalidResponse", "Deserialize")
_MISSING = (NotFoundError, FileNotFoundError)


class OvertakenError(Exception):
    """Another writer was first. Never leaves the channel."""


@dataclass(frozen=True)
class Objects:
    """Access to a store. Methods raise TransientError and PermanentError.

    `where`: the store's name in messages, without secrets. `conditional`: whether it supports conditional writes.
    """

    store: ObjectStore
    where: str
    conditional: bool

    def get(self, name: str) -> tuple[bytes, Version] | None:
        """Return the content and version of an object, or None if there is none."""
        try:
            found = obstore.get(self.store, name)
            return bytes(found.bytes()), _version(found.meta)
        except _MISSING:
            return None
        except (BaseError, OSError) as error:
            raise _failure(error, self.where) from None

    def version(self, name: str) -> Version | None:
        """Return the version of an object, or None if there is none."""
        try:
            return _version(obstore.head(self.store, name))
        except _MISSING:
            return None
        except (BaseError, OSError) as error:
            raise _failure(error, self.where) from None

    def put(self, name: str, body: bytes, seen: Version | None, attributes: dict[str, str]) -> None:
        """Replace the version `seen`, or create the object if None. Raises OvertakenError if that is outdated."""
        options: dict[str, Any] = {"use_multipart": False}
        if self.conditional:
            options["mode"] = seen or "create"
            options["attributes"] = attributes
        try:
            obstore.put(self.store, name, body, **options)
        except (AlreadyExistsError, PreconditionError):
            raise OvertakenError from None
        except (BaseError, OSError) as error:
            raise _failure(error, self.where) from None

    def names(self) -> list[str]:
        """Return the names of all objects under the store's prefix."""
        try:
            return [one["path"] for some in obstore.list(self.store) for one in some]
        except (BaseError, OSError) as error:
            raise _failure(error, self.where) from None

    def delete(self, name: str) -> None:
        """Delete an object, if there is one."""
        with suppress(*_MISSING):
            try:
                obstore.delete(self.store, name)
            except _MISSING:
                raise
            except (BaseError, OSError) as error:
                raise _failure(error, self.where) from None


def _version(meta: Any) -> Version:
    return {key: meta[key] for key in ("e_tag", "version") if meta.get(key)}


def _failure(error: Exception, where: str) -> CitewireError:
    """Return the error to raise, without obstore's message, which may contain tokens."""
    words = str(error)
    found = _STATUS.search(words)
    status = int(found[1]) if found else None
    if isinstance(error, PermissionDeniedError | UnauthenticatedError | PermissionError):
        return PermanentError(f"{where} denies access", status=status, code="store-refused")
    if isinstance(error, _MISSING):
        return PermanentError(f"{where} has no such bucket or container", status=status, code="store-refused")
    if status is not None and (status >= 500 or status in (408, 429)):
        return TransientError(f"{where} answered {status}", status=status, code="try-later")
    if status is not None:
        return PermanentError(f"{where} answered {status}", status=status, code="store-refused")
    if "TimedOut" in words or "kind: Timeout" in words:
        return TransientError(f"{where} did not answer in time", code="timeout")
    if any(sign in words for sign in _NOT_HTTP):
        return TransientError(f"{where} did not answer like an object store", code="bad-response")
    if isinstance(error, OSError) or "Generic LocalFileSystem" in words:
        return TransientError(f"{where} cannot be written to", code="folder-unavailable")
    return TransientError(f"{where}: the connection failed", code="connection-failed")
