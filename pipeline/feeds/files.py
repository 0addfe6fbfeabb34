"""Where built documents lie in the rendition store: under the addresses that they are served at, below `public/`.

So any web server or CDN serves them as files. Beside each lie its compressed forms, made once when it was built
(`gzip_static` and `brotli_static` of nginx look for just these names).
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping

import brotli  # type: ignore[import-untyped]

ROOT = "public"

# How a document is compressed, by the name of the content coding: the ending of the file, and the making of it.
# gzip's header holds a time of its own: 0, so that equal documents are equal bytes.
CODINGS: Mapping[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": (".gz", lambda body: gzip.compress(body, 9, mtime=0)),
    "br": (".br", lambda body: bytes(brotli.compress(body, quality=5))),
}


def feed_path(feed_id: str, extension: str, page: int | None = None) -> str:
    """Of the subscription document, or of an archive page."""
    name = feed_id if page is None else f"{feed_id}/archive/{page}"
    return f"{ROOT}/feeds/{name}.{extension}"


def forms(body: bytes) -> dict[str, bytes]:
    """The document as it is and compressed, by what is added to its path."""
    return {"": body} | {ending: compress(body) for ending, compress in CODINGS.values()}
