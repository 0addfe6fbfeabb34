"""A rendition: the bytes that go out, and the interface of a format module."""

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

    @property
    def content_type(self) -> str:
        return content_type(self.media_type)


def content_type(media_type: str) -> str:
    """Return the `Content-Type` of a body in this media type: text and XML name their encoding.

    JSON is always UTF-8 and has no such parameter (RFC 8259, section 11); other types are not text.
    """
    text = media_type.startswith("text/") or media_type.endswith(("/xml", "+xml"))
    return f"{media_type}; charset=utf-8" if text else media_type


def digest_of(body: bytes) -> str:
    """Return `sha256:` and the hexadecimal digest, which names the bytes in the store and in `status`."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@dataclass(frozen=True)
class Page:
    """Identifies one of a feed's documents (RFC 5005, section 4: archived feeds)."""

    number: int | None = None  # of an archive page, from 1 (the oldest); None: the subscription document
    previous: int | None = None  # the archive page with the next older entries
    partner: str | None = None  # the channel whose own feed this is; only its partner may read it


SUBSCRIPTION = Page()


@dataclass(frozen=True)
class Format:
    """What a module under `pipeline/renditions/` exports as `FORMAT`.

    All functions are pure: the same arguments give the same bytes in any process, time zone and locale.
    Only feed formats have `document` and `page`. `document` writes the `revisions` of a feed in the order
    given, with `updated` as the moment of the feed's newest change; `page` writes one of its pages, linked with the
    others. A feed format without `page` has a subscription document and no archive.
    """

    name: str  # as in settings and on the command line
    media_type: str
    extension: str  # of files and addresses, without the dot
    render: Callable[[Revision, Site], bytes]
    tombstone: Callable[[Withdrawal, Site], bytes]
    document: Callable[[Feed, Sequence[Revision | Withdrawal], Site], bytes] | None = None
    page: Callable[[Feed, Sequence[Revision | Withdrawal], Site, Page], bytes] | None = None
