"""The media type of an image by its address, for enclosures and manifests, which state it without fetching it."""

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
    """Return the media type, or None if the address's path does not show it."""
    try:
        path = urlsplit(address).path
    except ValueError:
        return None
    return _TYPES.get(PurePosixPath(path).suffix.lower())
