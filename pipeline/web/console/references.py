"""References: the papers that articles cite, what each source says of them, how that changed, and recalls."""

from typing import Annotated, get_args
from urllib.parse import urlencode

from fastapi import Depends, Query, Response

from pipeline.ledger.evidence.listing import Standing
from pipeline.stages.accept import Intake
from pipeline.stages.context import Context
from pipeline.stages.enrich.asking import ask_again
from pipeline.views import recall as recall_views
from pipeline.views import reference_list as views
from pipeline.views.fields import Pmid
from pipeline.views.now import sources_health
from pipeline.views.references import evidence_changes
from pipeline.web.console.forms import MAX_BODY, Acting, acting
from pipeline.web.console.pages import HOME, Pages, see
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room

_PAGE = 50
_CHANGES = 10  # of all papers, shown with the list
_CITING = 200  # articles named on the page of a paper
_LABELS = {"not-found": "not found"}


def router(context: Context, pages: Pages, intake: Intake) -> Room:
    routes = pages.router()
    who_is = signed_in(context)

    @routes.get("/references")
    def references(
        who: Annotated[SignedIn, Depends(who_is)],
        standing: Standing | None = None,
        after: Annotated[str, Query(max_length=views.LONGEST_CURSOR)] = "",
        pmid: Annotated[str, Query(max_length=30)] = "",
    ) -> Response:
        if pmid.strip().isascii() and pmid.strip().isdigit():
            return see(f"{HOME}/references/{pmid.strip()}")
        now = context.clock()
        with context.ledger.read() as transaction:
            found = views.references(transaction, standing, after=after, limit=_PAGE)
            changes = [] if standing or after else evidence_changes(transaction, limit=_CHANGES)
            sources = sources_health(context, transaction)
        given = {"standing": standing} if standing else {}
        return pages.page(
            "references",
            who,
            now=now,
            references=found.references,
            more=f"?{urlencode(given | {'after': found.next})}" if found.next else None,
            changes=changes,
            sources=sources,
            standing=standing,
            standings={one: _LABELS.get(one, one) for one in get_args(Standing)},
            wrong=pmid,
            later=bool(after),
            place="references",
        )

    @routes.get("/references/{pmid}")
    def reference(pmid: Pmid, who: Annotated[SignedIn, Depends(who_is)]) -> Response:
        now = context.clock()
        with context.ledger.read() as transaction:
            one = views.whole_reference(transaction, pmid)
        if one is None:
            raise Problem(404, "unknown-reference", f"no article here ever cited a paper with the PMID {pmid}")
        turns = {turn.source: turn for turn in one.turns}
        return pages.page("reference", who, now=now, one=one, pmid=pmid, turns=turns, most=_CITING, place="references")

    @routes.get("/references/{pmid}/recall")
    def recall(pmid: Pmid, who: Annotated[SignedIn, Depends(who_is)]) -> Response:
        now = context.clock()
        with context.ledger.read() as transaction:
            found = recall_views.certificate(transaction, pmid, context.site, now=now)
        if found is None:
            raise Problem(404, "unknown-recall", "no retracted paper of this PMID was ever cited here")
        return pages.page("recall", who, now=now, one=found, signed=context.signer is not None, place="references")

    @routes.post("/references/{pmid}/recheck", max_body_size=MAX_BODY)
    def recheck(pmid: Pmid, act: Annotated[Acting, Depends(acting(who_is))]) -> Response:
        done = ask_again(intake, pmid, by=act.by)
        return see(f"{HOME}/references/{done.pmid}")

    return routes
