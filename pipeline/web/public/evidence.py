"""Cited papers and changes of their editorial status, for anyone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from fastapi import Request, Response

from pipeline.citations import citation_fhir
from pipeline.feeds import evidence as evidence_feed
from pipeline.ledger import Transaction
from pipeline.ledger.evidence import changes as evidence_changes
from pipeline.model.rendition import digest_of
from pipeline.stages.context import Context
from pipeline.views import references as references_views
from pipeline.web.conditional import respond
from pipeline.web.openapi.answers import REQUEST_HEADERS, document, problems
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room

T = TypeVar("T")

_NEWEST = 50  # changes in the feed
_FHIR = "application/fhir+json"
_LONGEST = 16  # digits of a PMID that the ledger could hold


def _described(media_type: str) -> dict[str, Any]:
    return {
        "response_class": Response,
        "responses": document([media_type], "The feed.") | problems(),
        "openapi_extra": REQUEST_HEADERS,
    }


def _known(context: Context, pmid: str, read: Callable[[Transaction, str], T | None]) -> T:
    """Return what `read` knows of a paper. Raises Problem 404, also for what cannot be a PMID."""
    found = None
    if pmid.isascii() and pmid.isdigit() and len(pmid) <= _LONGEST:
        with context.ledger.read() as transaction:
            found = read(transaction, pmid)
    if found is None:
        raise Problem(404, "unknown-reference", "no article here cites a paper of this PMID")
    return found


def router(context: Context) -> Room:
    public = Room(tags=["evidence"])

    in_fhir = document([_FHIR], "The citation.") | problems(404, 422)

    @public.get(
        "/references/{pmid}.fhir.json", response_class=Response, responses=in_fhir, openapi_extra=REQUEST_HEADERS
    )
    def reference_in_fhir(request: Request, pmid: str) -> Response:
        """Return a paper that a live article cites as a FHIR R5 Citation."""
        record = _known(context, pmid, references_views.known_record)
        address = f"{context.site.served}/references/{pmid}.fhir.json"
        body = msgspec.json.encode(citation_fhir(record, address=address, publisher=context.site.publisher))
        return respond(request, body, media_type=_FHIR, digest=digest_of(body), modified=None)

    @public.get("/references/{pmid}", responses=problems(404, 422))
    def reference(pmid: str) -> references_views.KnownReference:
        """Return what is known of a paper, and the live articles that cite it."""
        return _known(context, pmid, references_views.known_reference)

    @public.head("/evidence/changes.atom", include_in_schema=False)
    @public.get("/evidence/changes.atom", **_described(evidence_feed.ATOM))
    def evidence_changes_atom(request: Request) -> Response:
        """Return the newest changes of editorial status as an Atom feed."""
        changes = _changes()
        return _feed(request, evidence_feed.atom(changes, context.site), evidence_feed.ATOM, changes)

    @public.head("/evidence/changes.json", include_in_schema=False)
    @public.get("/evidence/changes.json", **_described(evidence_feed.JSON))
    def evidence_changes_json(request: Request) -> Response:
        """Return the newest changes of editorial status as a JSON Feed."""
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
