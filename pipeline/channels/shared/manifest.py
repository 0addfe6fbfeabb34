"""What stands beside each file that is kept for a partner: which revision of what it is. Pure.

    {article}.{extension}                the rendition; of a withdrawn article, its tombstone
    manifest/{article}.{extension}.json  article, revision, event, message id, digest, size, media type, time

Folders, SFTP servers and object stores have the same layout. There is one small manifest for each file, not one for
all, so that a change costs the same however many articles there are.
"""

from __future__ import annotations

import re

import msgspec

from pipeline.errors import PermanentError
from pipeline.model.delivery import Parcel
from pipeline.model.moment import rfc3339

MANIFESTS = "manifest"  # the folder
# Checked at the door too; here because what passes becomes a path.
_SAFE_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SAFE_EXTENSION = re.compile(r"[a-z0-9][a-z0-9-]*")


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

    def same(self, other: Manifest | None) -> bool:
        """Whether both stand for one revision, whenever it was written."""
        return other is not None and self == msgspec.structs.replace(other, at=self.at)


def manifest_of(parcel: Parcel) -> Manifest:
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


def written(manifest: Manifest) -> bytes:
    return msgspec.json.encode(manifest)


def read(data: bytes | None) -> Manifest | None:
    """None where there is none, or none that can be read: then what is there is replaced."""
    try:
        return msgspec.json.decode(data, type=Manifest) if data else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def file_name(parcel: Parcel) -> str:
    """Raises PermanentError (`unsafe-name`) for what may not become a path."""
    if not (_SAFE_ID.fullmatch(parcel.article_id) and _SAFE_EXTENSION.fullmatch(parcel.extension)):
        raise PermanentError(f"{parcel.article_id!r} cannot be a file's name", code="unsafe-name")
    return f"{parcel.article_id}.{parcel.extension}"


def former_name(parcel: Parcel) -> str | None:
    """The name under which an earlier revision was kept, where the channel had another format then.

    A file's name is its receipt's remote id, so nothing has to be looked for.
    """
    article, _, extension = (parcel.remote_id or "").partition(".")
    if article != parcel.article_id or extension == parcel.extension or not _SAFE_EXTENSION.fullmatch(extension):
        return None
    return f"{article}.{extension}"


def shown(name: str, parcel: Parcel, digest: str | None, manifest: Manifest | None) -> str | None:
    """What is still to be read of a withdrawn article under `name`, where a file with `digest` stands, in a line.

    `parcel` is the withdrawal. Its tombstone is no article, and neither is what was published after it one of the past.
    """
    later = manifest is not None and manifest.revision > parcel.revision and manifest.digest == digest
    if digest is None or later or digest == parcel.rendition.digest:
        return None
    which = f"revision {manifest.revision}" if manifest and manifest.digest == digest else "another body"
    return f"{name} holds {which} in place of the withdrawal"
