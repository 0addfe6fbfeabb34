"""The paths of built documents in the rendition store: the addresses they are served at, below `public/`.

Any web server or CDN can therefore serve them as files. Next to each are its compressed forms, made once when it is
built, under the names that nginx's `gzip_static` and `brotli_static` look for.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping

import brotli  # type: ignore[import-untyped]

ROOT = "public"

# By content coding: the file name's suffix and the compression function.
# The time in gzip's header is 0, so that equal documents give equal bytes.
CODINGS: Mapping[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": (".gz", lambda body: gzip.compress(body, 9, mtime=0)),
    "br": (".br", lambda body: bytes(brotli.compress(body, quality=5))),
}


def feed_path(feed_id: str, extension: str, page: int | None = None) -> str:
    """Return the path of the subscription document, or of an archive page."""
    name = feed_id if page is None else f"{feed_id}/archive/{page}"
    return f"{ROOT}/feeds/{name}.{extension}"


def forms(body: bytes) -> dict[str, bytes]:
    """Return the document, plain and compressed, by the suffix added to its path."""
    return {"": body} | {ending: compress(body) for ending, compress in CODINGS.values()}
