"""What anyone may read: feeds, and articles in every format."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from pipeline.ledger import articles, feeds, renditions, revisions
from pipeline.ledger.articles import Standing
from pipeline.model.rendition import Format, digest_of
from pipeline.stages.context import Context
from pipeline.stages.render import stored_body
from pipeline.web.conditional import respond
from pipeline.web.problems import Problem

PAGE = "html"  # the format of /articles/{id} itself


def router(context: Context) -> APIRouter:
    public = APIRouter()
    by_extension = {format.extension: format for format in context.formats.values()}
    feed_formats = {_feed_extension(one): one for one in context.formats.values() if one.document is not None}

    @public.head("/feeds/{name}", include_in_schema=False)
    @public.get("/feeds/{name}")
    def feed(request: Request, name: str) -> Response:
        feed_id, _, extension = name.rpartition(".")
        format = feed_formats.get(extension)
        if format is None or feed_id not in context.feeds:
            raise Problem(404, "unknown-feed", f"no feed {name!r} is known")
        with context.ledger.read() as transaction:
            document = feeds.document(transaction, feed_id, format.name)
        body = context.store.get(document.digest) if document else None
        if document is None or body is None:
            _have_built(context, feed_id)
            raise Problem(503, "feed-not-built", "the feed is not built yet", {"Retry-After": "2"})
        answer = respond(
            request, body, media_type=document.media_type, digest=document.digest, modified=document.modified
        )
        own = context.site.feed_url(feed_id, extension)
        answer.headers["Link"] = ", ".join(
            [f'<{own}>; rel="self"', *(f'<{hub}>; rel="hub"' for hub in context.site.hubs)]
        )
        return answer

    @public.head("/articles/{name}", include_in_schema=False)
    @public.get("/articles/{name}")
    def article(request: Request, name: str) -> Response:
        article_id, format = _split(name, by_extension, context.formats.get(PAGE))
        with context.ledger.read() as transaction:
            standing = articles.standing(transaction, article_id)
            if standing is None or format is None:
                raise Problem(404, "unknown-article", f"no article {name!r} is known")
            if standing.state == "withdrawn":
                return _gone(context, format, standing)
            stored = None
            if standing.rendered is not None:
                stored = renditions.one(transaction, article_id, standing.rendered, format.name)
            if stored is None or standing.rendered is None:
                raise Problem(404, "not-published", f"{name!r} is not published yet")
            revision = revisions.get(transaction, article_id, standing.rendered)
        body = stored_body(context, stored, revision)
        return respond(request, body, media_type=stored.media_type, digest=stored.digest, modified=revision.updated)

    return public


def _feed_extension(format: Format) -> str:
    """Feeds are `.rss`, `.atom` and `.json`, whatever a single article's address is."""
    return "json" if format.name == "json-feed" else format.extension


def _split(name: str, by_extension: dict[str, Format], page: Format | None) -> tuple[str, Format | None]:
    """An article's id holds no dot, so what follows one is the format."""
    article_id, dot, extension = name.partition(".")
    return article_id, by_extension.get(extension) if dot else page


def _have_built(context: Context, feed_id: str) -> None:
    with context.ledger.write() as transaction:
        feeds.make_due(transaction, [feed_id], now=context.clock())
    context.doorbell.ring("feeds")


def _gone(context: Context, format: Format, standing: Standing) -> Response:
    """410 with the tombstone: there was an article, and there is none any more (RFC 9110, section 15.5.11)."""
    with context.ledger.read() as transaction:
        withdrawal = revisions.withdrawal(transaction, standing.id, standing.revision)
    body = format.tombstone(withdrawal, context.site)
    headers = {"Cache-Control": "public, max-age=60", "ETag": f'"{digest_of(body)[7:39]}"'}
    return Response(body, status_code=410, media_type=format.media_type, headers=headers)
