"""What a hook says about a post, as the event that it makes: its HTML is read as a page is."""

from __future__ import annotations

import datetime as dt
from urllib.parse import unquote, urlsplit

import msgspec
from markupsafe import Markup
from msgspec import Struct, structs

from pipeline.errors import InvalidEvent
from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.fields.slugs import article_id
from pipeline.model.event import POST, Event, Publish
from pipeline.web.v1.cloudevents import MAX_ID, PREFIX, CloudEvent, event_of

_PAGE = Markup(
    '<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>{head}</head>'
    "<body><article><h1>{title}</h1>\n{body}\n</article></body></html>"
)
_META = Markup('<meta {kind}="{name}" content="{value}">')


class Post(Struct, frozen=True, kw_only=True):
    """A post of a CMS. `fields` names the members of its payload, for messages about them."""

    cms: str
    id: str
    slug: str
    is_out: bool  # False: it is to be withdrawn
    updated: dt.datetime | None
    fields: dict[str, str]
    title: str = ""
    html: str = ""
    url: str | None = None
    summary: str | None = None
    published: dt.datetime | None = None
    image: str | None = None
    authors: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    canonical: str | None = None


def event_from(post: Post, *, language: str, drop: tuple[str, ...]) -> Event:
    """Return the event that a hook makes, in the site's language. The same state of a post makes the same event.

    Raises InvalidEvent naming the payload's member.
    """
    name = _name(post)
    if post.updated is None:  # or a later change would be taken for a repetition of this one
        hint = "send when the post was changed last"
        raise InvalidEvent("is missing", field=post.fields["updated"], hint=hint)
    kind = "published" if post.is_out else "withdrawn"
    envelope = CloudEvent(
        specversion="1.0",
        id=f"{post.id} {kind} {post.updated.isoformat()}"[:MAX_ID],
        source=_source(post),
        type=f"{PREFIX}{kind}",
        subject=name,
        time=post.updated,
    )
    if not post.is_out:
        reason = {"reason": f"It was taken back in {post.cms}."}
        return event_of(envelope, "application/json", msgspec.json.encode(reason), drop)
    for member in ("title", "html"):
        if not getattr(post, member).strip():
            raise InvalidEvent("is empty", field=post.fields[member], hint="publish a post with a title and a text")
    event = event_of(envelope, "text/html", _page(post, language).encode(), drop)
    assert isinstance(event, Publish)
    return structs.replace(event, place=POST + envelope.source)


def _name(post: Post) -> str:
    """Return the article's id. A slug may be percent-encoded, and in any script."""
    try:
        return article_id(unquote(post.slug))
    except InvalidValue as error:
        raise InvalidEvent(error.message, field=post.fields["slug"], hint=error.hint) from error


def _source(post: Post) -> str:
    """Return the post's own source, which stays when its slug changes: its article is renamed then."""
    site = urlsplit(post.url or "").netloc[:300]
    return f"https://{site}/{post.cms.lower()}/{post.id}" if site else f"urn:{post.cms.lower()}:{post.id}"


def _page(post: Post, language: str) -> str:
    """Return the post as a page. Its HTML is sanitised as that of any page."""
    meta: list[tuple[str, str, str | None]] = [
        ("name", "description", post.summary),
        ("property", "og:image", post.image),
        ("property", "article:published_time", post.published.isoformat() if post.published else None),
        *(("name", "author", author) for author in post.authors),
        *(("property", "article:tag", topic) for topic in post.topics),
    ]
    head = Markup("").join(_META.format(kind=kind, name=name, value=value) for kind, name, value in meta if value)
    if post.canonical:
        head += Markup('<link rel="canonical" href="{}">').format(post.canonical)
    body = Markup(post.html)  # noqa: S704 # it is HTML, and is read by the intake alone
    return str(_PAGE.format(language=language, title=post.title, head=head, body=body))
