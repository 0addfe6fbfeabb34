"""Ghost's webhooks: `post.published`, `post.published.edited`, `post.unpublished` and `post.deleted`.

The payload is `{"post": {"current": {…}, "previous": {…}}}`; `previous` has only what changed. Ghost signs with
`X-Ghost-Signature: sha256=HEX, t=MILLISECONDS`: an HMAC of the body and the time after it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from pipeline.errors import InvalidEvent
from pipeline.web.v1.hooks.post import Post
from pipeline.web.v1.payload import decoded

_HINT = "send what Ghost's webhook of a post sends"
_SIGNATURE = re.compile(r"sha256=([0-9a-f]{64}), ?t=([0-9]{1,15})")
_Id = Annotated[str, Meta(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
FIELDS = {
    "updated": "post.current.updated_at",
    "slug": "post.current.slug",
    "title": "post.current.title",
    "html": "post.current.html",
}


class _Named(Struct, frozen=True):
    name: str


class _State(Struct, frozen=True):
    """A post, or those of its members that changed. A deleted post has nothing as its current state."""

    id: _Id | UnsetType = UNSET
    slug: str | None = None
    status: str | None = None
    title: str | None = None
    html: str | None = None
    url: str | None = None
    visibility: str | None = None
    custom_excerpt: str | None = None
    feature_image: str | None = None
    canonical_url: str | None = None
    published_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None
    authors: list[_Named] | None = None
    tags: list[_Named] | None = None


class _Change(Struct, frozen=True):
    current: _State
    previous: _State = _State()


class _Payload(Struct, frozen=True):
    post: _Change


def post_of(body: bytes) -> Post:
    """Return what a webhook says of a post. Raises InvalidEvent."""
    change: _Change = decoded(body, _Payload, hint=_HINT).post
    state = change.current if change.current.id is not UNSET else change.previous
    if state.id is UNSET or not state.slug:
        missing = "id" if state.id is UNSET else "slug"
        raise InvalidEvent("is missing", field=f"post.current.{missing}", hint=_HINT)
    is_out = state is change.current and state.status == "published"
    if is_out and state.visibility not in (None, "public"):
        hint = "publish it for everyone, or do not send its hook"
        raise InvalidEvent("is not public: members alone may read it", field="post.current.visibility", hint=hint)
    return Post(
        cms="Ghost",
        id=str(state.id),
        slug=state.slug,
        is_out=is_out,
        updated=state.updated_at,
        fields=FIELDS,
        title=state.title or "",
        html=state.html or "",
        url=state.url,
        summary=state.custom_excerpt,
        published=state.published_at,
        image=state.feature_image,
        authors=tuple(one.name for one in state.authors or ()),
        topics=tuple(one.name for one in state.tags or () if not one.name.startswith("#")),  # internal tags
        canonical=state.canonical_url,
    )


def is_signed(body: bytes, header: str, secret: str) -> bool:
    """Return whether the header is Ghost's signature of the body with this secret."""
    found = _SIGNATURE.fullmatch(header.strip())
    if found is None:
        return False
    signed = hmac.new(secret.encode(), body + found[2].encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(signed, found[1])
