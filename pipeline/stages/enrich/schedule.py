"""When to ask NCBI, and for what: the only module that knows its hours, its rate, our priorities and our back-offs.

    request                                       due                            hours         priority
    a PMID that an article waits for              when it is first cited         any           WAITED_FOR
    a recheck that an operator requested          at once                        any           REQUESTED
    a PMID that one answer lacks                  `unknown_confirm` later        any           REQUESTED
    a PMID that PubMed does not know              `unknown_recheck` later        any           REQUESTED
    the nightly check of a cited reference        a slot of the next night       NCBI's night  NIGHTLY
    a DOI, PMCID or book without a PMID           when first cited, then daily   any           beside the PMIDs
    a reference whose record is another work      when it is first rendered      any           beside the PMIDs
    anything left out of an answer                the first pause of `NCBI`      as it was     as it was
    anything in a request that failed             the next pause of `NCBI`       as it was     as it was
    anything in a request that was refused        the next pause of `REFUSED`    as it was     as it was

Every request takes a permit, of which there are as many as NCBI allows requests per second. A service that failed is
asked by one worker at a time, and only after its pause. All of this is stored in the ledger, so it applies to the whole
site: priorities and due times with the references, permits and pauses among the leases.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TypeGuard, get_args

from msgspec import Struct

from pipeline.errors import TransientError, code_of
from pipeline.ledger import Transaction, evidence, leases
from pipeline.ledger.evidence import identifiers, mismatches, ncbi_rate_limit, rechecks, source_rate_limit
from pipeline.ledger.evidence.denials import Rules
from pipeline.ledger.evidence.ncbi_rate_limit import Permit, Service
from pipeline.stages.context import Context, Policy
from pipeline.stages.enrich import ncbi_night
from pipeline.stages.enrich.chain import services as chain_of
from pipeline.stages.refusals import is_refusal
from pipeline.timing import NCBI, REFUSED, repeating

PUBMED: Service = "pubmed"
MATCHER: Service = "ecitmatch"  # which looks for what an author meant
_TOO_MANY = len(NCBI)  # answers in a row that call the rate too high, after which that is a refusal as well


class NextRequest(Struct, frozen=True):
    """The next foreseeable request: the time at which its batch is `ready`, and its permit."""

    service: str
    ready: dt.datetime
    permit: Permit

    @property
    def at(self) -> dt.datetime:
        return max(self.ready, self.permit.at)


class Schedule:
    """The schedule under the site's settings."""

    def __init__(self, context: Context) -> None:
        self._context, self._policy = context, context.policy

    def is_night(self, now: dt.datetime) -> bool:
        """Return whether the nightly check may run. Other requests need no particular hour."""
        return self._policy.recheck_days > 0 and ncbi_night.is_night(now)

    def next_nightly_check(self, now: dt.datetime) -> dt.datetime | None:
        """Return when to check a reference that PubMed has just answered for; None when the site checks none."""
        nights, site = self._policy.recheck_days, self._context.site.url
        if not nights:
            return None
        return ncbi_night.next_nightly_check(now, nights=nights, chance=self._context.random(), site=site)

    def anything_due(self, transaction: Transaction, now: dt.datetime) -> bool:
        if rechecks.any_due(transaction, now=now, night=self.is_night(now)):
            return True
        if self._context.matcher and mismatches.oldest_due(transaction, now=now) is not None:
            return True
        return identifiers.any_due(transaction, now=now)

    def next_request(self, transaction: Transaction, now: dt.datetime) -> NextRequest | None:
        """Return the next request to any service, or None when nothing is due or no permit can be foreseen."""
        limit, policy = self._policy.pubmed_batch, self._policy
        pmids = ready_at(evidence.due_since(transaction, now=now, limit=limit), policy)
        if pmids is None and rechecks.any_due(transaction, now=now, night=self.is_night(now)):
            pmids = now
        meant = mismatches.oldest_due(transaction, now=now) if self._context.matcher else None
        upcoming_by_service = [*self._works_ready(transaction, now), (PUBMED, pmids), (MATCHER, meant)]
        upcoming = [
            NextRequest(service, ready, permit)
            for service, ready in upcoming_by_service
            if ready is not None and (permit := self._permit(transaction, service, now))
        ]
        return min(upcoming, key=lambda one: one.at, default=None)

    def _works_ready(self, transaction: Transaction, now: dt.datetime) -> list[tuple[str, dt.datetime | None]]:
        """Return when the next works to be asked for are ready, for each service."""
        if not identifiers.any_due(transaction, now=now):
            return []
        chain, limit = chain_of(self._context), self._policy.pubmed_batch
        due = {one: identifiers.due_since(transaction, one, chain, now=now, limit=limit) for one in chain}
        return [(service, ready_at(since, self._policy)) for service, since in due.items()]

    def take(self, transaction: Transaction, request: NextRequest, *, token: str) -> None:
        """Hold the request's permit under `token`. Call after `next_request`, in the same transaction."""
        seconds = self._policy.enrich_lease
        if _of_ncbi(request.service):
            ncbi_rate_limit.take(transaction, request.permit, token=token, now=request.at, seconds=seconds)
        else:
            source_rate_limit.take(transaction, request.permit, token=token, now=request.at, seconds=seconds)

    def answered(
        self,
        transaction: Transaction,
        service: str,
        *,
        token: str,
        counted: dt.datetime,
        limit: int | None = None,
        spacing: float | None = None,
    ) -> None:
        """Give the permit back. The service had counted the request by `counted`, and may have stated its pace."""
        if not _of_ncbi(service):
            rested = counted + dt.timedelta(seconds=spacing or 0.0)
            source_rate_limit.answered(transaction, service, token=token, not_before=rested)
            return
        rate = self._policy.pubmed_rate
        ncbi_rate_limit.answered(transaction, service, token=token, counted=counted, rate=rate, limit=limit)

    def failed(
        self, transaction: Transaction, service: str, error: Exception, *, token: str, now: dt.datetime
    ) -> dt.datetime:
        """Give the permit back, and return when the service may be asked again."""
        wish = error.retry_after if isinstance(error, TransientError) else None
        row = service if _of_ncbi(service) else source_rate_limit.row_of(service)
        code = code_of(error)
        again = now + dt.timedelta(seconds=max(_pause(error, code, leases.failures(transaction, row)), wish or 0))
        if not _of_ncbi(service):
            source_rate_limit.failed(transaction, service, token=token, not_before=again, error=code)
            return again
        ncbi_rate_limit.failed(
            transaction,
            service,
            token=token,
            now=now,
            not_before=again,
            error=code,
            refused_rate=self._policy.pubmed_rate if code == "rate-limited" else None,
        )
        return again

    def left_out(self, now: dt.datetime) -> dt.datetime:
        """Return when to ask again for what an answer left out."""
        return now + dt.timedelta(seconds=NCBI[0])

    def unknown(self, now: dt.datetime) -> dt.datetime:
        """Return when to ask again for what NCBI does not know."""
        return now + dt.timedelta(seconds=self._policy.unknown_recheck)

    def denied(self, now: dt.datetime, *, suspect: bool = False) -> Rules:
        """Return how an answer counts that lacks records. `suspect`: it lacks unusually many."""
        apart = dt.timedelta(seconds=self._policy.unknown_confirm)
        return Rules(now, self.unknown(now), apart, suspect)

    def answer_of(self, service: str, now: dt.datetime) -> identifiers.ServiceAnswer:
        """Describe the answer that a service has just given about works."""
        confirm = now + dt.timedelta(seconds=self._policy.unknown_confirm)
        return identifiers.ServiceAnswer(service, chain_of(self._context), now, self.unknown(now), confirm)

    def _permit(self, transaction: Transaction, service: str, now: dt.datetime) -> Permit | None:
        if not _of_ncbi(service):
            return source_rate_limit.next_permit(transaction, service, now=now)
        rate, parallel = self._policy.pubmed_rate, self._policy.pubmed_parallel
        return ncbi_rate_limit.next_permit(transaction, service, now=now, rate=rate, parallel=parallel)


def _pause(error: Exception, code: str, failures: int) -> float:
    """Return the pause after this many earlier failures: ever longer, up to hours, if the service refuses us."""
    if is_refusal(error):
        return repeating(REFUSED, failures)
    if code == "rate-limited" and failures >= _TOO_MANY:
        return repeating(REFUSED, failures - _TOO_MANY)
    return repeating(NCBI, failures)


def _of_ncbi(service: str) -> TypeGuard[Service]:
    """Return whether the service shares NCBI's rate limit."""
    return service in get_args(Service)


def ready_at(since: Sequence[dt.datetime], policy: Policy) -> dt.datetime | None:
    """Return when to request what has been due since these times, or None if nothing is due. Pure.

    A full batch is ready at once. A smaller one waits until nothing new has arrived for a moment, or until its first
    item has waited long enough.
    """
    if not since:
        return None
    if len(since) >= policy.pubmed_batch:
        return min(since)
    quiet = max(since) + dt.timedelta(seconds=policy.gather_quiet)
    return min(quiet, min(since) + dt.timedelta(seconds=policy.gather_longest))
