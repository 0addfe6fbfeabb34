"""A delivery: what a channel is owed. An attempt: one try at it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pipeline.model.rendition import Rendition
from pipeline.model.revision import EventType

DeliveryState = Literal["pending", "sending", "delivered", "abandoned"]


@dataclass(frozen=True)
class Links:
    """The article's addresses on our own site, all absolute."""

    page: str  # the canonical page
    rendition: str  # in the channel's format
    amp: str
    feeds: tuple[str, ...] = ()  # of every document of every feed that holds it; of a withdrawn one, that held it


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
    remote_id: str | None = None  # what the channel called it when it took an earlier revision
    links: Links | None = None  # None only where nobody has use for them
    also: Mapping[str, Rendition] = field(default_factory=dict)  # by format: what the channel type asked for besides


@dataclass(frozen=True)
class Receipt:
    """A channel has it."""

    detail: str  # one line for the operator: "204 No Content"
    status: int | None = None
    remote_id: str | None = None
    answer: str | None = None  # the first kilobyte of what the other end said, without our secrets
