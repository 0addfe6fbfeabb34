"""Articles in every format, for anyone. Feeds and sitemaps: `feeds`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import lru_cache, partial

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from msgspec import Struct

from pipeline.ledger import Transaction
from pipeline.ledger.articles import names, renditions, revisions
from pipeline.ledger.articles import public as public_articles
from pipeline.ledger.articles.renditions import Stored
from pipeline.model.rendition import Format, digest_of
from pipeline.model.revision import Revision, Withdrawal
from pipeline.stages.context import Context
from pipeline.stages.render import made_again
from pipeline.stages.render.wanted import on_demand
from pipeline.views import statements as statements_views
from pipeline.web.bounded import Bounded, Key
from pipeline.web.conditional import respond
from pipeline.web.openapi.answers import REQUEST_HEADERS, Responses, document, problems
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room

_KEPT = 256  # tombstones
PAGE = "html"  # the format of /articles/{id} itself


def router(context: Context, bounded: Bounded) -> Room:
    public = Room(tags=["articles"])
    answers = answers_with({format.media_type for format in context.formats.values()})
    tombstones = _tombstones(context, bounded)
    by_extension = {format.extension: format for format in context.formats.values()}

    @public.get("/articles/{name}.evidence.json", responses=problems(404, 422))
    def article_evidence(name: str) -> statements_views.ArticleEvidence:
        """Return the evidence statement of an article: its references, what was done to them, and who says so."""
        with context.ledger.read() as transaction:
            shape = statements_views.article_evidence(transaction, name, today=context.clock().date())
        if shape is None:
            raise Problem(404, "unknown-article", f"no article {name!r} is known")
        return shape

    @public.head("/articles/{name}", include_in_schema=False)
    @public.get("/articles/{name}", response_class=Response, responses=answers, openapi_extra=REQUEST_HEADERS)
    def article(request: Request, name: str) -> Response:
        """Return an article as a page, or with an extension in another format: `/articles/ID.amp`.

        301 to its present address: the article was renamed. 410 with a tombstone: the article was withdrawn.
        """
        article_id, format = _split(name, by_extension, context.formats.get(PAGE))
        with context.ledger.read() as transaction:
            known = names.article_shown_as(transaction, article_id)
            shown = public_articles.find(transaction, known)
            if shown is None or format is None:
                raise Problem(404, "unknown-article", f"no article {name!r} is known")
            if shown.state == "withdrawn":
                found: Withdrawal | _Live = revisions.withdrawal(transaction, known, shown.revision)
            else:
                found = _live(transaction, known, shown.revision, format.name)
        if isinstance(found, Withdrawal):
            return _gone(request, tombstones(format.name, found), format)
        present = found.revision.article.name
        if present != article_id:
            return RedirectResponse(present + name.removeprefix(article_id), status_code=301)
        return live(request, found, (known, shown.revision, format.name))

    def live(request: Request, found: _Live, key: Key) -> Response:
        revision, stored = found.revision, found.stored
        answered = partial(respond, request, modified=found.modified)
        if stored is None:
            made = bounded.within(key, lambda: on_demand(context, revision, key[-1]))
            return answered(made.body, media_type=made.media_type, digest=made.digest)
        body = context.store.get(stored.digest, stored.bytes)
        if body is None:
            body = bounded.within(key, lambda: made_again(context, stored, revision))
        return answered(body, media_type=stored.media_type, digest=stored.digest)

    return public


class _Live(Struct, frozen=True):
    """A published revision, with what is kept of it in the format that is asked for."""

    revision: Revision
    stored: Stored | None
    modified: dt.datetime


def _live(transaction: Transaction, article_id: str, number: int, format: str) -> _Live:
    revision = revisions.get(transaction, article_id, number)
    stored = renditions.one(transaction, article_id, number, format)
    return _Live(revision, stored, revisions.came_out(transaction, article_id, number) or revision.updated)


def answers_with(media_types: set[str]) -> Responses:
    """Return the responses to a request for an article in one of these media types."""
    gone = document(media_types, "The article was withdrawn; the tombstone says when and why.", cached=False)[200]
    moved: Responses = {301: {"description": "The article was renamed; `Location` is its present address."}}
    return document(media_types, "The article.") | moved | {410: gone} | problems(404, 422)


_Tombstones = Callable[[str, Withdrawal], bytes]


def _tombstones(context: Context, bounded: Bounded) -> _Tombstones:
    """Return a function that renders tombstones, and keeps the last ones: these take no place of those that render."""

    @lru_cache(maxsize=_KEPT)
    def tombstone(format: str, withdrawal: Withdrawal) -> bytes:
        key = (withdrawal.article_id, withdrawal.number, format)
        return bounded.within(key, lambda: context.formats[format].tombstone(withdrawal, context.site))

    return tombstone


def _split(name: str, by_extension: dict[str, Format], page: Format | None) -> tuple[str, Format | None]:
    """Return the id and the format. An id contains no dot, so anything after a dot is the format's extension."""
    article_id, dot, extension = name.partition(".")
    return article_id, by_extension.get(extension) if dot else page


def _gone(request: Request, tombstone: bytes, format: Format) -> Response:
    """Return 410 with the tombstone: there was an article, but it is gone (RFC 9110, section 15.5.11)."""
    digest = digest_of(tombstone)
    return respond(request, tombstone, media_type=format.media_type, digest=digest, modified=None, status=410)
