"""How bytes lie in the store: one zstd frame, whose header has their length.

A frame is read as a stranger's: it is decompressed no further than the length it states, or the one that the ledger
has, and what comes out must have the digest that it is stored under.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from pipeline.model.rendition import digest_of

if sys.version_info >= (3, 14):
    from compression.zstd import (
        CompressionParameter,
        DecompressionParameter,
        ZstdDecompressor,
        ZstdError,
        compress,
        get_frame_info,
    )
else:
    from backports.zstd import (
        CompressionParameter,
        DecompressionParameter,
        ZstdDecompressor,
        ZstdError,
        compress,
        get_frame_info,
    )

MAX_BYTES = 100_000_000  # of a rendition, decompressed; a backup has no longer ones either
_WRITTEN: Mapping[int, int] = {CompressionParameter.compression_level: 3, CompressionParameter.content_size_flag: 1}
_READ: Mapping[int, int] = {DecompressionParameter.window_log_max: 23}  # 8 MB, which is more than level 3 ever needs


class Damaged(Exception):
    """The stored bytes are not those that were stored under the digest."""


def packed(body: bytes) -> bytes:
    """Return the bytes as a frame."""
    return compress(body, options=_WRITTEN)


def unpacked(frame: bytes, digest: str, size: int | None = None) -> bytes:
    """Return the bytes of a frame. Raises Damaged unless they have the digest and, if it is given, the size."""
    try:
        stated = get_frame_info(frame).decompressed_size
        if stated is None or stated > MAX_BYTES or (size is not None and stated != size):
            raise Damaged(f"it states a length of {stated} bytes, and {size or f'at most {MAX_BYTES}'} are expected")
        reader = ZstdDecompressor(options=_READ)
        body = reader.decompress(frame, max_length=stated)
    except ZstdError as error:
        raise Damaged(f"it is no zstd frame that can be read: {error}") from error
    if len(body) != stated:
        raise Damaged(f"it ends after {len(body)} of {stated} bytes")
    return verified(body, digest)


def verified(body: bytes, digest: str) -> bytes:
    """Return the bytes if they have the digest. Raises Damaged otherwise."""
    if digest_of(body) != digest:
        raise Damaged("its bytes do not have the digest")
    return body
