"""/v1/recalls: the certificates of retractions."""

from typing import Annotated

from fastapi import Depends

from pipeline.stages.context import Context
from pipeline.views import recall as recall_views
from pipeline.views.fields import Pmid
from pipeline.web.auth import Grant, granted
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.openapi.answers import problems
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room


def router(context: Context) -> Room:
    api = Room("/v1", tags=["evidence"], dependencies=[UNLESS_OUTDATED])
    caller = granted(context)

    @api.get("/recalls/{pmid}", responses=problems(401, 403, 404, 422))
    def get_recall(pmid: Pmid, _: Annotated[Grant, Depends(caller)]) -> recall_views.Recall:
        """Return the certificate of a retraction: which articles cite the paper, and what each place showed of it."""
        with context.ledger.read() as transaction:
            found = recall_views.certificate(transaction, pmid, context.site, now=context.clock())
        if found is None:
            raise Problem(404, "unknown-recall", "no retracted paper of this PMID was ever cited here")
        return recall_views.signed(found, context.signer)

    return api
