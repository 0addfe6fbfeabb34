"""/v1/articles/{article_id}/renditions/{format}/verdict: what the judge of a format says of an article in it."""

from typing import Annotated

from fastapi import Depends

from pipeline.ledger import articles
from pipeline.ledger.articles import names
from pipeline.stages.context import Context
from pipeline.views import judged as judged_views
from pipeline.web.auth import Grant, granted
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.looked_at import Renditions
from pipeline.web.openapi.answers import problems
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room


def router(context: Context, renditions: Renditions) -> Room:
    api = Room("/v1", tags=["publishing"], dependencies=[UNLESS_OUTDATED])
    caller = granted(context)

    @api.get("/articles/{article_id}/renditions/{format}/verdict", responses=problems(401, 403, 404, 409, 422))
    def get_verdict(
        article_id: str, format: str, _: Annotated[Grant, Depends(caller)]
    ) -> judged_views.RenditionVerdict:
        """Return what the judge of a format says of the article in it, as its readers get it.

        The rules that were checked are named with where they are written. There may be others that nobody checks here.
        """
        if format not in context.formats:
            raise Problem(404, "unknown-format", f"there is no format {format!r}")
        verdict = renditions.verdict(article_id, format)
        if verdict is not None:
            return verdict
        with context.ledger.read() as transaction:
            if articles.get(transaction, names.article_named(transaction, article_id)) is None:
                raise Problem(404, "unknown-article", f"no article {article_id!r} is known")
        raise Problem(409, "not-live", f"readers see nothing of {article_id!r}: it is not live, or not rendered yet")

    return api
