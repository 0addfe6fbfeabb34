"""Renditions as their readers see them, each in a document that may do nothing."""

from typing import Annotated

from fastapi import Depends, Response

from pipeline.model.rendition import content_type
from pipeline.stages.context import Context
from pipeline.web.console.pages import Pages
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.headers import POLICY
from pipeline.web.looked_at import Renditions
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room

# `sandbox` without more: no script, no form, an origin of its own. AMP pages show themselves without AMP's script.
_POLICY = (
    "sandbox; default-src 'none'; img-src https: http: data:; media-src https: http:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEADERS = {"Cache-Control": "no-store", POLICY: _POLICY, "Referrer-Policy": "no-referrer"}
_PAGES = ("text/html",)


def router(context: Context, pages: Pages, renditions: Renditions) -> Room:
    routes = pages.router()

    @routes.get("/articles/{article_id}/preview/{format}")
    def preview(article_id: str, format: str, _: Annotated[SignedIn, Depends(signed_in(context))]) -> Response:
        """Return the newest rendered revision in a format; what is no page is shown as text."""
        found = renditions.find(article_id, format)
        if found is None:
            raise Problem(404, "unknown-page", "the article is not rendered in such a format")
        media_type = found.rendition.media_type
        kind = media_type if media_type in _PAGES else "text/plain"
        return Response(found.rendition.body, media_type=content_type(kind), headers=_HEADERS)

    return routes
