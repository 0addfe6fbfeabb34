"""Manifests, which tell a partner which revision of which article each file contains.

    {article}.{extension}                the rendition, or the tombstone of a withdrawn article
    manifest/{article}.{extension}.json  article, revision, event, message id, digest, size, media type, time

Folders, SFTP servers and object stores use the same layout. Each file has a small manifest of its own, so that the cost
of a change does not depend on the number of articles.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable

import msgspec

from pipeline.errors import UnsendableError
from pipeline.model.delivery import Difference, Found, Parcel
from pipeline.model.moment import rfc3339

MANIFESTS = "manifest"  # the folder
# Ids are validated on intake too. They are checked again here because they become part of a path.
_SAFE_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# Names that mean something where files lie: a folder's own page and a store's list, and Windows' devices.
_RESERVED = re.compile(r"index|con|prn|aux|nul|com[0-9]|lpt[0-9]")
INDEX = "index.json"  # what an object store lists its latest changes in
_SAFE_EXTENSION = re.compile(r"[a-z0-9][a-z0-9-]*")


class Manifest(msgspec.Struct, frozen=True):
    """The manifest of one file, as JSON in the manifest folder."""

    article: str
    revision: int
    event: str
    message_id: str
    digest: str  # of the file: "sha256:…"
    bytes: int
    format: str
    media_type: str
    title: str
    at: str  # RFC 3339, UTC: when it was written

    def same_revision(self, other: Manifest | None) -> bool:
        """Return whether both describe the same revision, regardless of when they were written."""
        return other is not None and self == msgspec.structs.replace(other, at=self.at)


def manifest_path(name: str) -> str:
    """Return the path of a file's manifest, relative to the file's folder."""
    return f"{MANIFESTS}/{name}.json"


def manifest_of(parcel: Parcel) -> Manifest:
    """Return the manifest of a parcel's rendition."""
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
        at=rfc3339(parcel.at),
    )


def encode(manifest: Manifest) -> bytes:
    """Return the manifest as JSON."""
    return msgspec.json.encode(manifest)


def decode(data: bytes | None) -> Manifest | None:
    """Parse a manifest. Return None if it is missing or unreadable, in which case it gets replaced."""
    try:
        return msgspec.json.decode(data, type=Manifest) if data else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def file_name(parcel: Parcel) -> str:
    """Return the name of the article's file. Raises UnsendableError (`unsafe-name`)."""
    if not (_SAFE_ID.fullmatch(parcel.article_id) and _SAFE_EXTENSION.fullmatch(parcel.extension)):
        raise UnsendableError(f"{parcel.article_id!r} cannot be used as a file name", code="unsafe-name")
    return f"{_stem(parcel.article_id)}.{parcel.extension}"


def _stem(article_id: str) -> str:
    """Return the name without its extension. No article's id begins with a `_`, so that no two get one name."""
    return f"_{article_id}" if _RESERVED.fullmatch(article_id) else article_id


def former_names(parcel: Parcel) -> list[str]:
    """Return the names of files that hold the article in formats which the channel had before, or may hold it.

    One is the remote id of the last receipt; the others are those of attempts whose worker was killed. So the folder
    need not be searched.
    """
    stem, former = _stem(parcel.article_id), parcel.remote_id or ""
    article, _, extension = former.partition(".")
    extensions = ((extension,) if article == stem else ()) + parcel.formers
    safe = (one for one in extensions if one != parcel.extension and _SAFE_EXTENSION.fullmatch(one))
    names = [f"{stem}.{one}" for one in dict.fromkeys(safe)]
    if article == parcel.article_id != stem and former != INDEX and _SAFE_EXTENSION.fullmatch(extension):
        names.append(former)  # from before names were reserved
    return names


def has_right_bytes(there: Manifest | None, digest: Callable[[], str | None], expected: Manifest) -> bool:
    """Return whether the file is the wanted one, whichever delivery put it there.

    Such a file is adopted, as after the folder was moved by hand: only its manifest is written again. `digest` reads
    the file, which may be far away: only if the manifest does not already say that it is another one.
    """
    if there is None or (there.revision, there.digest) != (expected.revision, expected.digest):
        return False
    return digest() == expected.digest


def difference(
    name: str, revision: int, expected: str, digest: str | None, manifest: Manifest | None
) -> Difference | None:
    """Return how the file found under `name`, which has this digest, differs from what it should be, or None.

    `expected` is the digest that it should have, being of this revision.
    """
    if digest is None:
        return Difference("missing", f"{name} is not there")
    if digest == expected:
        return None
    if manifest is not None and manifest.digest == digest and manifest.revision < revision:
        return Difference("older", f"{name} contains revision {manifest.revision}")
    return Difference("unknown", f"{name} contains something else")


def listed(manifests: Iterable[tuple[str, Manifest | None]], files: Collection[str]) -> dict[str, Found]:
    """Return what manifests say of their files, by the files' names. A withdrawn article's file may be gone."""
    return {name: _found(manifest, name in files) for name, manifest in manifests if manifest is not None}


def _found(manifest: Manifest, is_there: bool) -> Found:
    return Found(manifest.article, manifest.revision, manifest.event, manifest.digest, manifest.at, is_there)


def is_from(there: Manifest | None, parcel: Parcel) -> bool:
    """Return whether this delivery wrote the file. Another channel's file, in the same folder, is not erased."""
    own, _, _ = parcel.message_id.partition(".")
    return there is not None and there.article == parcel.article_id and there.message_id.partition(".")[0] == own


def still_readable(name: str, parcel: Parcel, digest: str | None, manifest: Manifest | None) -> str | None:
    """Return a line on what is still readable of a withdrawn article under `name`, or None.

    `parcel` is the withdrawal and `digest` that of the file found. The tombstone does not count as the article, and
    neither does a revision published after the withdrawal.
    """
    if parcel.erase:
        return f"{name} is still there" if digest is not None and is_from(manifest, parcel) else None
    later = manifest is not None and manifest.revision > parcel.revision and manifest.digest == digest
    if digest is None or later or digest == parcel.rendition.digest:
        return None
    which = f"revision {manifest.revision}" if manifest and manifest.digest == digest else "other content"
    return f"{name} contains {which} instead of the withdrawal"
