"""What is not there: a page for people, problem details for programs (negotiated: RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from pipeline.feeds.site_pages import unknown_page
from pipeline.model.rendition import content_type
from pipeline.model.site import Site
from pipeline.web import problems
from pipeline.web.headers import POLICY, page_policy
from pipeline.web.problems import Problem

_OF_A_BODY = ("content-type", "content-length")
_ROOMS = ("/v1/", "/console", "/partners/", "/hub", "/metrics")  # of programs, or with pages of their own


def register(app: FastAPI, site: Site) -> None:
    """Answer people whose browser asks for what is not there with a page in the site's name."""
    page = unknown_page(site)
    app.add_exception_handler(Problem, _answering(page, problems.of_problem))
    app.add_exception_handler(HTTPException, _answering(page, problems.of_http))


def _answering(
    page: bytes, otherwise: Callable[[Request, Exception], Awaitable[Response]]
) -> Callable[[Request, Exception], Awaitable[Response]]:
    policy = page_policy(page)

    async def answer(request: Request, error: Exception) -> Response:
        refused = await otherwise(request, error)
        if refused.status_code != 404 or request.url.path.startswith(_ROOMS):
            return refused
        if not _reads_pages(request.headers.get("accept", "")):
            refused.headers.add_vary_header("Accept")
            return refused
        kept = {name: value for name, value in refused.headers.items() if name not in _OF_A_BODY}
        shown = Response(page, status_code=404, media_type=content_type("text/html"), headers=kept | {POLICY: policy})
        shown.headers.add_vary_header("Accept")
        return shown

    return answer


def _reads_pages(accepted: str) -> bool:
    """Return whether the client names HTML. Programs that take anything (`*/*`) are told what programs can read."""
    for one in accepted.lower().split(","):
        name, *parameters = (part.strip() for part in one.split(";"))
        if name == "text/html":
            return not any(_is_zero(parameter) for parameter in parameters)
    return False


def _is_zero(parameter: str) -> bool:
    key, _, weight = parameter.partition("=")
    return key == "q" and not weight.strip("0.")
