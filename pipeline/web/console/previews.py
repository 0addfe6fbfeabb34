"""Renditions as their readers see them, each in a document that may do nothing."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from pipeline.ledger import articles
from pipeline.ledger.articles import names, renditions, revisions
from pipeline.model.rendition import content_type
from pipeline.stages.context import Context
from pipeline.stages.render import made_again
from pipeline.stages.render.wanted import on_demand
from pipeline.web.bounded import Bounded
from pipeline.web.console.pages import Pages
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.headers import POLICY
from pipeline.web.problems import Problem

# `sandbox` without more: no script, no form, an origin of its own. AMP pages show themselves without AMP's script.
_POLICY = (
    "sandbox; default-src 'none'; img-src https: http: data:; media-src https: http:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEADERS = {"Cache-Control": "no-store", POLICY: _POLICY, "Referrer-Policy": "no-referrer"}
_PAGES = ("text/html",)


def router(context: Context, pages: Pages, bounded: Bounded) -> APIRouter:
    routes = pages.router()

    @routes.get("/articles/{article_id}/preview/{format}")
    def preview(article_id: str, format: str, _: Annotated[SignedIn, Depends(signed_in(context))]) -> Response:
        """Return the newest rendered revision in a format; what is no page is shown as text."""
        with context.ledger.read() as transaction:
            known = names.article_named(transaction, article_id)
            current = articles.get(transaction, known)
            rendered = current.rendered if current is not None and current.state == "live" else None
            if rendered is None or format not in context.formats:
                raise Problem(404, "unknown-page", "the article is not rendered in such a format")
            stored = renditions.one(transaction, known, rendered, format)
            revision = revisions.get(transaction, known, rendered)

        def made() -> bytes:
            return made_again(context, stored, revision) if stored else on_demand(context, revision, format).body

        body = context.store.get(stored.digest, stored.bytes) if stored else None
        if body is None:
            body = bounded.within((known, rendered, format), made)
        media_type = context.formats[format].media_type
        kind = media_type if media_type in _PAGES else "text/plain"
        return Response(body, media_type=content_type(kind), headers=_HEADERS)

    return routes
