"""/v1/references: the papers that articles cite, what each source says of them, and the request to ask again."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query
from pydantic import Field

from pipeline.ledger.evidence.listing import Standing
from pipeline.stages.accept import Intake
from pipeline.stages.context import Context
from pipeline.stages.enrich.asking import ask_again
from pipeline.views import reference_list as views
from pipeline.views.fields import Pmid
from pipeline.web.auth import Grant, granted
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.openapi.answers import problems
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room


@dataclass(frozen=True, slots=True)
class Rechecked:
    """Whether the sources are asked about a paper because of this request."""

    pmid: Pmid
    asked: Annotated[bool, Field(description="False: they were to be asked anyway, or PubMed has just answered.")]
    operation: Annotated[str, Field(examples=["op_0c4f7a91d2e6"])]


def router(context: Context, intake: Intake) -> Room:
    api = Room("/v1/references", tags=["evidence"], dependencies=[UNLESS_OUTDATED])
    caller = granted(context)

    @api.get("", responses=problems(401, 403, 422))
    def get_references(
        _: Annotated[Grant, Depends(caller)],
        standing: Annotated[Standing | None, Query(description="Only papers of which this is so.")] = None,
        after: Annotated[
            str, Query(max_length=views.LONGEST_CURSOR, description="The `next` of the previous page.")
        ] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> views.ReferenceList:
        """List the papers that articles cite, by PMID, then works without one, with what each source says of them."""
        with context.ledger.read() as transaction:
            return views.references(transaction, standing, after=after, limit=limit)

    @api.get("/{pmid}", responses=problems(401, 403, 404, 422))
    def get_reference(pmid: Pmid, _: Annotated[Grant, Depends(caller)]) -> views.WholeReference:
        """Return a paper with what each source says, when it is asked again, and how that changed."""
        with context.ledger.read() as transaction:
            found = views.whole_reference(transaction, pmid)
        if found is None:
            raise Problem(404, "unknown-reference", "no article here ever cited a paper of this PMID")
        return found

    @api.post("/{pmid}/recheck", responses=problems(401, 403, 404, 422))
    def recheck(pmid: Pmid, grant: Annotated[Grant, Depends(caller)]) -> Rechecked:
        """Have PubMed and the other sources asked about a paper now, at the rate at which they are asked anyway."""
        done = ask_again(intake, pmid, by=grant.name)
        return Rechecked(done.pmid, done.asked, done.operation)

    return api
