"""A rendition: the bytes that leave the house, and the form that a format module takes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Feed, Site


@dataclass(frozen=True)
class Rendition:
    format: str
    media_type: str  # without parameters; text is always UTF-8
    body: bytes

    @cached_property
    def digest(self) -> str:
        return digest_of(self.body)


def digest_of(body: bytes) -> str:
    """`sha256:` and the hexadecimal digest: the name of the bytes in the store and in `status`."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@dataclass(frozen=True)
class Format:
    """What a module under `pipeline/renditions/` exports as `FORMAT`.

    All three functions are pure: the same arguments give the same bytes in any process, time zone and locale.
    `document` is there for feed formats only: it writes the newest `revisions` of a feed, newest first, with
    `updated` as the moment of the feed's newest change.
    """

    name: str  # as in settings and on the command line
    media_type: str
    extension: str  # of files and addresses, without the dot
    render: Callable[[Revision, Site], bytes]
    tombstone: Callable[[Withdrawal, Site], bytes]
    document: Callable[[Feed, Sequence[Revision | Withdrawal], Site], bytes] | None = None
