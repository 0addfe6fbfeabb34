"""The pages of changes that partners pull."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from pipeline.model.revision import Cause, EventType
from pipeline.stages.partners.pull import Page


class PartnerChange(Struct, frozen=True, omit_defaults=True):
    """One change of an article in a channel. Members that do not apply are left out.

    The newest change of an article has either `content` or `href`. An earlier one has `superseded_by` instead.
    """

    article: str
    revision: Annotated[int, Meta(ge=1)]
    event: EventType
    at: dt.datetime
    media_type: str
    content: Annotated[str | None, Meta(description="The rendition, or the tombstone of a withdrawal.")] = None
    href: Annotated[str | None, Meta(description="Where to fetch it, if it is too large to be on this page.")] = None
    cause: Annotated[Cause | None, Meta(description="refreshed: the text and its references did not change.")] = None
    superseded_by: Annotated[int | None, Meta(description="The revision that replaces this one.")] = None


class ChangePage(Struct, frozen=True):
    """Changes in the order of their commits, and the cursor to continue with. An empty page is the end, for now."""

    changes: tuple[PartnerChange, ...]
    cursor: str


def change_page(page: Page) -> ChangePage:
    return msgspec.convert({"changes": page.changes, "cursor": page.cursor}, ChangePage)
