"""sources: ask the sources beside PubMed what was done to cited papers.

A source is asked by one worker at a time, and rests between two requests, and longer after each failure in a row. What
it said before stays in force while it does not answer; the other sources, and PubMed, are asked all the same.

    a list           downloaded once a day, if it is newer than the one that is stored    (lists)
    by paper         asked about a batch of cited papers that are due                      (papers)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import structlog

from pipeline.errors import TransientError, code_of
from pipeline.ledger import Transaction, leases
from pipeline.ledger.evidence import checks, verdicts
from pipeline.stages.context import LEASE, Context
from pipeline.stages.ids import Ids, named
from pipeline.stages.sources import lists, papers
from pipeline.stages.stage import Bell, Claim, Stage
from pipeline.timing import SOURCE, repeating

_LEASE = 1_200.0  # seconds: longer than a download may take

_log = structlog.get_logger()


class Sources(Stage):
    name = "sources"
    threads = 2  # the others are for PubMed and rendering

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        names = [*context.lists, *context.sources]
        if not names:
            return []
        known = verdicts.states(transaction)
        return [Bell(name) for name in names if self._is_due(context, transaction, name, known, now)]

    def _is_due(
        self,
        context: Context,
        transaction: Transaction,
        name: str,
        known: dict[str, verdicts.SourceState],
        now: dt.datetime,
    ) -> bool:
        if not leases.is_free(transaction, lease_of(name), now=now):
            return False
        if name in context.lists or name not in known or not known[name].asked_about_all:
            return True
        return checks.any_due(transaction, name, now=now)

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        """Lease the source, and a batch of papers to ask it about. With a key, only that source's."""
        for name in [key] if key else [*context.lists, *context.sources]:
            if found := self._claim(context, name):
                return [found]
        return []

    def _claim(self, context: Context, name: str) -> Claim | None:
        if name not in context.lists and name not in context.sources:
            return None
        token = context.new_id(LEASE)
        with context.ledger.write() as transaction:
            now = context.clock()
            if not leases.acquire(transaction, lease_of(name), token=token, now=now, seconds=_LEASE):
                return None
            verdicts.register(transaction, {name: name in context.sources})
            is_new = not verdicts.states(transaction)[name].asked_about_all
        if name in context.lists:
            return Claim(token, (name,))
        if is_new:
            papers.ask_about_everything_cited(context, name)
        works = papers.claim(context, name, token)
        if not works:
            self._rest(context, name, token, pause=0.0, failed=None)
            return None
        return Claim(token, (name, *works))

    def do(self, context: Context, claim: Claim) -> bool:
        name, *works = claim.keys
        try:
            pause = papers.ask(context, name, works) if works else lists.update(context, name)
        except TransientError as error:
            _log.warning("a source did not answer", source=name, code=error.code, error=str(error))
            self.failed(context, claim, error)
            return True
        self._rest(context, name, claim.token, pause=pause, failed=False)
        return True

    def ids(self, claim: Claim) -> Ids:
        return {"source": claim.keys[0], **named("work", claim.keys[1:])}

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        """Ask again after a pause that grows with every failure in a row, or that the source asks for.

        If the lease was lost, another worker asks the source, or has asked it since: nothing is recorded.
        """
        name, *works = claim.keys
        wish = error.retry_after if isinstance(error, TransientError) else None
        code = code_of(error)
        text = f"{code}: {error}"
        with context.ledger.write() as transaction:
            now = context.clock()
            pause = max(repeating(SOURCE, leases.failures(transaction, lease_of(name))), wish or 0.0)
            again = now + dt.timedelta(seconds=pause)
            lease = lease_of(name)
            if leases.release(transaction, lease, token=claim.token, not_before=again, failed=True, error=code):
                verdicts.failed(transaction, name, text, now=now)
                checks.put_off(transaction, name, works, due=again, error=text)

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        """Do nothing: there is at most one claim, and it is processed."""

    def _rest(self, context: Context, name: str, token: str, *, pause: float, failed: bool | None) -> None:
        until = context.clock() + dt.timedelta(seconds=pause)
        with context.ledger.write() as transaction:
            leases.release(transaction, lease_of(name), token=token, not_before=until, failed=failed)


def lease_of(name: str) -> str:
    return f"source:{name}"
