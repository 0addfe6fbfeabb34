"""What anyone may know of the evidence: references, and how their standing changed."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from pipeline import views
from pipeline.feeds import evidence as evidence_feed
from pipeline.ledger.evidence import changes as evidence_changes
from pipeline.model.rendition import digest_of
from pipeline.stages.context import Context
from pipeline.web.conditional import respond
from pipeline.web.problems import Problem

_NEWEST = 50  # changes in the feed
_LONGEST = 16  # digits of a PMID that the ledger could hold


def router(context: Context) -> APIRouter:
    public = APIRouter()

    @public.get("/references/{pmid}")
    def reference(pmid: str) -> views.KnownReference:
        """What is known of a paper and which live articles cite it."""
        shape = None
        if pmid.isascii() and pmid.isdigit() and len(pmid) <= _LONGEST:
            with context.ledger.read() as transaction:
                shape = views.known_reference(transaction, pmid)
        if shape is None:
            raise Problem(404, "unknown-reference", "no article here ever cited a paper of this PMID")
        return shape

    @public.head("/evidence/changes.atom", include_in_schema=False)
    @public.get("/evidence/changes.atom")
    def atom(request: Request) -> Response:
        changes = _changes()
        return _feed(request, evidence_feed.atom(changes, context.site), evidence_feed.ATOM, changes)

    @public.head("/evidence/changes.json", include_in_schema=False)
    @public.get("/evidence/changes.json")
    def json_feed(request: Request) -> Response:
        changes = _changes()
        return _feed(request, evidence_feed.json_feed(changes, context.site), evidence_feed.JSON, changes)

    def _changes() -> list[evidence_changes.RecordedChange]:
        with context.ledger.read() as transaction:
            return evidence_changes.newest(transaction, limit=_NEWEST)

    def _feed(
        request: Request, body: bytes, media_type: str, changes: list[evidence_changes.RecordedChange]
    ) -> Response:
        modified = evidence_feed.modified(changes)
        return respond(request, body, media_type=media_type, digest=digest_of(body), modified=modified)

    return public
