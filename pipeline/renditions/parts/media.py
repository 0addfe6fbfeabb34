"""The media type of an image, by its address: what enclosures and manifests must say without fetching it."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import urlsplit

# Not `mimetypes`: that reads the machine's own files, and two machines differ.
_TYPES = {
    ".avif": "image/avif",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}


def media_type_of(address: str) -> str | None:
    """None where the address's path does not tell."""
    try:
        path = urlsplit(address).path
    except ValueError:
        return None
    return _TYPES.get(PurePosixPath(path).suffix.lower())
