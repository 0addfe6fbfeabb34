"""WordPress: a post as its REST API shows it, or as plug-ins for webhooks send it (the fields of `WP_Post`).

The REST API's form has `title.rendered` and `content.rendered`, by itself or under `post`. The other has `post_title`
and `post_content` under `post`, and the address beside it as `post_permalink`.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec
from markupsafe import Markup
from msgspec import Meta, Struct, convert, structs

from pipeline.errors import InvalidEvent
from pipeline.web.v1.hooks.post import Post
from pipeline.web.v1.payload import decoded

_HINT = "send the post as WordPress' REST API shows it, or the fields of WP_Post under `post`"
_Number = Annotated[int, Meta(ge=1, le=10**15)]
_WITHDRAWN = frozenset({"trash", "draft", "private", "pending", "auto-draft"})
_NEVER = "0000-00-00 00:00:00"  # what WordPress writes for a time that is not set


class _Rendered(Struct, frozen=True):
    rendered: str
    protected: bool = False


class _RestPost(Struct, frozen=True):
    id: _Number
    slug: str
    status: str
    title: _Rendered
    content: _Rendered
    excerpt: _Rendered | None = None
    link: str | None = None
    date_gmt: str | None = None
    modified_gmt: str | None = None


class _WpPost(Struct, frozen=True, rename={"id": "ID"}):
    id: _Number
    post_name: str
    post_status: str
    post_title: str = ""
    post_content: str = ""
    post_excerpt: str = ""
    post_password: str = ""
    post_date_gmt: str | None = None
    post_modified_gmt: str | None = None


def post_of(body: bytes) -> Post:
    """Return what a webhook says of a post. Raises InvalidEvent."""
    payload: Any = decoded(body, dict[str, Any], hint=_HINT)
    inner = payload.get("post")
    at, members = ("post.", inner) if isinstance(inner, dict) else ("", payload)
    if "ID" in members:
        return _of_plugin(_converted(members, _WpPost, at), at, payload.get("post_permalink"))
    return _of_rest(_converted(members, _RestPost, at), at)


def _converted(members: dict[str, Any], type: Any, at: str) -> Any:
    try:
        return convert(members, type, strict=False)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        field = at + path.strip("`").removeprefix("$").lstrip(".")
        raise InvalidEvent(message, field=field.rstrip(".") or None, hint=_HINT) from error


def _of_rest(one: _RestPost, at: str) -> Post:
    return structs.replace(
        _post(
            one.id, one.slug, one.status, one.link, (one.date_gmt, one.modified_gmt), at, ("date_gmt", "modified_gmt")
        ),
        fields={
            "updated": f"{at}modified_gmt",
            "slug": f"{at}slug",
            "title": f"{at}title.rendered",
            "html": f"{at}content.rendered",
        },
        title=Markup(one.title.rendered).striptags(),  # noqa: S704 # an HTML fragment, of which the text is taken
        html=_open(one.content.rendered, one.content.protected, f"{at}content.protected"),
        summary=Markup(one.excerpt.rendered).striptags() if one.excerpt else None,  # noqa: S704 # as above
    )


def _of_plugin(one: _WpPost, at: str, link: object) -> Post:
    url = link if isinstance(link, str) else None
    times = (one.post_date_gmt, one.post_modified_gmt)
    return structs.replace(
        _post(one.id, one.post_name, one.post_status, url, times, at, ("post_date_gmt", "post_modified_gmt")),
        fields={
            "updated": f"{at}post_modified_gmt",
            "slug": f"{at}post_name",
            "title": f"{at}post_title",
            "html": f"{at}post_content",
        },
        title=one.post_title,
        html=_open(one.post_content, bool(one.post_password), f"{at}post_password"),
        summary=one.post_excerpt or None,
    )


def _post(
    id: int,
    slug: str,
    status: str,
    url: str | None,
    times: tuple[str | None, str | None],
    at: str,
    names: tuple[str, str],
) -> Post:
    """Return what both forms say alike."""
    status_field = f"{at}{'status' if names[0] == 'date_gmt' else 'post_status'}"
    if status != "publish" and status not in _WITHDRAWN:
        hint = "send the hook when the post is published or taken back"
        raise InvalidEvent(f"{status!r} is neither published nor taken back", field=status_field, hint=hint)
    published, updated = (_time(text, f"{at}{name}") for text, name in zip(times, names, strict=True))
    # WordPress marks a slug in the trash, so that another post may have it.
    plain = slug.removesuffix("__trashed")
    return Post(
        cms="WordPress",
        id=str(id),
        slug=plain,
        is_out=status == "publish",
        updated=updated,
        published=published,
        url=url,
        fields={},
    )


def _open(html: str, is_protected: bool, field: str) -> str:
    if is_protected:
        hint = "publish it without a password, or do not send its hook"
        raise InvalidEvent("is protected by a password", field=field, hint=hint)
    return html


def _time(text: str | None, field: str) -> dt.datetime | None:
    """Parse a time of WordPress, which is in UTC if it says no zone."""
    if not text or text.startswith(_NEVER[:10]):
        return None
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidEvent(f"{text!r} is not a time", field=field, hint="send it as 2026-03-01T12:00:00") from error
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)
