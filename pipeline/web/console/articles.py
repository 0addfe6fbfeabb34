"""Actions on one article."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from pipeline.stages.accept import Intake
from pipeline.stages.accept.release import release
from pipeline.stages.context import Context
from pipeline.web.console.forms import MAX_BODY, Acting, acting
from pipeline.web.console.operations import address_of
from pipeline.web.console.pages import Pages, see
from pipeline.web.console.sessions import signed_in


def router(context: Context, pages: Pages, intake: Intake) -> APIRouter:
    routes = pages.router()
    admin = acting(signed_in(context))

    @routes.post("/articles/{article_id}/release", max_body_size=MAX_BODY)
    def release_article(article_id: str, act: Annotated[Acting, Depends(admin)]) -> Response:
        done = release(intake, article_id, act.form["channel"] or None, by=act.by)
        return see(address_of(done.operation))

    return routes
