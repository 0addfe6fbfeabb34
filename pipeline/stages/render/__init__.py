"""render: Article, References, Site → Renditions, scheduled for delivery to every channel that wants them.

A revision is rendered once, in every format, from the references known at that moment, which are kept with it. When
different evidence arrives later, the next revision is rendered. A change that no reader can see, apart from numbers and
dates, creates no revision, and a channel whose format does not show a change is not sent it.

    read      what the ledger knows of the article      (fan_out.read)
    decide    what to do with it                        (decide.decide, pure)
    render    the revision in every format              (pure)
    apply     all of it, in one transaction             (fan_out.apply)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence

import structlog
from msgspec import structs

from pipeline.ledger import Transaction, articles
from pipeline.ledger.articles.renditions import Stored
from pipeline.model.rendition import Rendition, digest_of
from pipeline.model.revision import Revision
from pipeline.stages.context import LEASE, Context
from pipeline.stages.render import fan_out, held
from pipeline.stages.render.compare import compare
from pipeline.stages.render.decide import Comparison, Decision, Facts, decide
from pipeline.stages.stage import Bell, Claim, Stage
from pipeline.timing import unforeseen

_log = structlog.get_logger()


class Render(Stage):
    name = "render"
    threads = 2  # more would not make rendering faster, and would slow down the worker's other threads

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        return [Bell()] if articles.any_due(transaction, now=now) else []

    def count_due(self, context: Context, transaction: Transaction, now: dt.datetime) -> int:
        return articles.count_due(transaction, now=now)

    def oldest_due(self, context: Context, transaction: Transaction, now: dt.datetime) -> dt.datetime | None:
        return articles.oldest_due(transaction)

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        now, policy, token = context.clock(), context.policy, context.new_id(LEASE)
        with context.ledger.write() as transaction:
            due = articles.claim_due(
                transaction, token=token, now=now, seconds=policy.render_lease, limit=policy.render_batch
            )
        return [Claim(token, (article_id,)) for article_id in due]

    def do(self, context: Context, claim: Claim) -> bool:
        return render(context, claim)

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        with context.ledger.read() as transaction:
            attempts = articles.attempts_at(transaction, claim.keys[0])
        due = context.clock() + dt.timedelta(seconds=unforeseen(attempts))
        _postpone(context, claim, due=due, error=f"{type(error).__name__}: {error}")

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        if claims:
            with context.ledger.write() as transaction:
                articles.release(transaction, [key for claim in claims for key in claim.keys], token=claims[0].token)


def render(context: Context, claim: Claim) -> bool:
    """Render the article's newest revision, or the next one when only its evidence or its rendering is new."""
    now = context.clock()
    with context.ledger.read() as transaction:
        state = articles.get(transaction, claim.keys[0])
        facts = None if state is None or state.state == "withdrawn" else fan_out.read(context, transaction, state, now)
    if facts is None:
        held.reconsider(context, claim)
        return True
    compared = compare(context, facts, now)
    decision = _decide(context, facts, compared, now)
    if decision.postponed is not None:
        _postpone(context, claim, due=decision.postponed, error=None)
        return True
    rendered = render_all(context, decision.revision) if decision.render else _added(context, facts)
    for rendition in rendered:
        context.store.put(rendition.digest, rendition.body)
    _finish(context, claim, facts, compared, rendered, now)
    return True


def render_all(context: Context, revision: Revision, among: Collection[str] | None = None) -> list[Rendition]:
    """Return the revision in every format, or in those among the given ones."""
    return [
        Rendition(format.name, format.media_type, format.render(revision, context.site))
        for format in context.formats.values()
        if among is None or format.name in among
    ]


def _added(context: Context, facts: Facts) -> list[Rendition]:
    """Return the published revision in the formats that were added after it was rendered."""
    if facts.rendered is None:
        return []
    return render_all(context, facts.rendered, among=context.formats.keys() - facts.stored.keys())


def stored_body(context: Context, stored: Stored, revision: Revision) -> bytes:
    """Return the bytes of a rendition. Rendering is pure, so bytes missing from the store are rendered again."""
    body = context.store.get(stored.digest)
    if body is None:
        body = context.formats[stored.format].render(revision, context.site)
        if digest_of(body) == stored.digest:  # a newer template gives other bytes, which have another name
            context.store.put(stored.digest, body)
    return body


def _decide(context: Context, facts: Facts, compared: Comparison, now: dt.datetime) -> Decision:
    return decide(context.policy, context.channels.values(), facts, compared=compared, now=now)


def _finish(
    context: Context,
    claim: Claim,
    facts: Facts,
    compared: Comparison,
    rendered: Sequence[Rendition],
    now: dt.datetime,
) -> None:
    """Decide from what the channels have now that the article is locked, store the decision, and ring later stages."""
    (article_id,) = claim.keys
    with context.ledger.write() as transaction:
        state = articles.lock_claimed(transaction, article_id, token=claim.token)
        if state is None:  # the article has changed in the meantime, or the lease has expired
            return
        context.channels_now(transaction)
        channels = fan_out.read_channels(transaction, article_id, facts.rendered)
        facts = structs.replace(facts, state=state, channels=channels)
        decision = _decide(context, facts, compared, now)
        due = fan_out.apply(context, transaction, facts, decision, rendered, now=now)
    withdrawn = decision.site_hold is not None
    if decision.site_hold is not None:
        fan_out.log_withheld(article_id, decision.site_hold)
    for channel in due:
        context.doorbell.ring("deliver", channel, urgent=withdrawn)
    if withdrawn or (decision.render and not decision.refreshed):
        context.doorbell.ring("feeds")
    if decision.render:
        _log.info("rendered", article=article_id, revision=decision.revision.number, formats=len(rendered))


def _postpone(context: Context, claim: Claim, *, due: dt.datetime, error: str | None) -> None:
    with context.ledger.write() as transaction:
        articles.put_off(transaction, claim.keys[0], token=claim.token, due=due, error=error)
