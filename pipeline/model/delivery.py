"""What a channel is sent, and its answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pipeline.model.rendition import Rendition
from pipeline.model.revision import Cause, EventType

DeliveryState = Literal["pending", "sending", "delivered", "abandoned"]


@dataclass(frozen=True)
class Links:
    """The article's addresses on our own site, all absolute."""

    page: str  # the canonical page
    rendition: str  # in the channel's format
    amp: str
    feeds: tuple[str, ...] = ()  # every document of each feed that contains it, or did before its withdrawal


@dataclass(frozen=True)
class Parcel:
    """One revision of one article, ready for one channel.

    `message_id` is the same at every attempt at one revision, so that the receiver can drop a copy.
    """

    message_id: str
    article_id: str
    title: str
    revision: int
    event: EventType
    rendition: Rendition
    extension: str  # of the rendition's format
    at: dt.datetime  # of this attempt
    remote_id: str | None = None  # the channel's own id for the article, from an earlier delivery
    links: Links | None = None  # None only if the channel does not use them
    also: Mapping[str, Rendition] = field(default_factory=dict)  # further renditions, by format
    formers: tuple[str, ...] = ()  # extensions of files that earlier attempts in other formats may have left
    erase: bool = False  # of a withdrawal: leave nothing, not even a tombstone, because the channel has left the place
    cause: Cause | None = None  # refreshed: the channel has the same text with the same references already
    trace: str | None = None  # the `traceparent` of the span in which it is sent; None: it is not traced


@dataclass(frozen=True)
class Receipt:
    """A channel's confirmation that it has accepted a parcel."""

    detail: str  # one line for the operator: "204 No Content"
    status: int | None = None
    remote_id: str | None = None
    answer: str | None = None  # the first kilobyte of the response, without our secrets


@dataclass(frozen=True)
class SignatureCheck:
    """A check of a message that says it was signed by us. `why`: why it fails; None if it passes."""

    name: str
    why: str | None


@dataclass(frozen=True)
class Found:
    """What a manifest says of an article's file at a place, whichever system wrote it."""

    article: str
    revision: int
    event: str
    digest: str
    at: str  # when it was written, RFC 3339
    is_there: bool  # the file itself is


@dataclass(frozen=True)
class Difference:
    """How what lies at a place differs from what was delivered there."""

    kind: Literal["missing", "older", "unknown"]  # unknown: neither that revision nor an older one
    detail: str  # one line for the operator
