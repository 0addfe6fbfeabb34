"""render: Article, References, Site → Renditions, and every channel that wants them is owed them.

A revision is rendered once, in every format, from the references as they are at that moment, which are kept with it.
When other evidence comes later, that makes the next revision: with other bytes goes another number and another id.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import structlog
from msgspec import structs

from pipeline.ledger import Transaction, articles, deliveries, evidence, feeds, renditions, revisions
from pipeline.ledger.articles import Standing
from pipeline.ledger.renditions import Stored
from pipeline.model.rendition import Rendition, digest_of
from pipeline.model.revision import Revision
from pipeline.stages.context import LEASE, Context, Stage
from pipeline.stages.work import Claim, backoff

name: Stage = "render"

_log = structlog.get_logger()


def claim(context: Context, key: str) -> list[Claim]:
    now, policy, token = context.clock(), context.policy, context.new_id(LEASE)
    with context.ledger.write() as transaction:
        due = articles.claim_due(
            transaction, token=token, now=now, seconds=policy.render_lease, limit=policy.render_batch
        )
    return [Claim(token, (article_id,)) for article_id in due]


def do(context: Context, claim: Claim) -> bool:
    """Render the article's newest revision, or the next one where only its evidence is new."""
    (article_id,) = claim.keys
    now = context.clock()
    with context.ledger.read() as transaction:
        standing = articles.standing(transaction, article_id)
        if standing is None or standing.state == "withdrawn":
            return True
        revision = _next(transaction, standing, now)
    embargo = revision.article.embargo
    if embargo is not None and embargo > now:
        _put_off(context, claim, due=embargo, error=None)
        return True
    rendered = render_all(context, revision) if revision.number != standing.rendered else []
    for rendition in rendered:
        context.store.put(rendition.digest, rendition.body)
    channels = _commit(context, claim, revision, rendered, now)
    for channel in channels:
        context.doorbell.ring("deliver", channel)
    if rendered:
        context.doorbell.ring("feeds")
        _log.info("rendered", article=article_id, revision=revision.number, formats=len(rendered))
    return True


def failed(context: Context, claim: Claim, error: Exception) -> None:
    with context.ledger.read() as transaction:
        attempts = articles.attempts_at(transaction, claim.keys[0])
    due = context.clock() + dt.timedelta(seconds=backoff(attempts))
    _put_off(context, claim, due=due, error=f"{type(error).__name__}: {error}")


def release(context: Context, claims: Sequence[Claim]) -> None:
    if claims:
        with context.ledger.write() as transaction:
            articles.release(transaction, [key for claim in claims for key in claim.keys], token=claims[0].token)


def render_all(context: Context, revision: Revision) -> list[Rendition]:
    """The revision in every format. Pure, but for what a format from outside may do."""
    return [
        Rendition(format.name, format.media_type, format.render(revision, context.site))
        for format in context.formats.values()
    ]


def stored_body(context: Context, stored: Stored, revision: Revision) -> bytes:
    """The bytes of a rendition. Where the store has lost them they are made again: rendering is pure."""
    body = context.store.get(stored.digest)
    if body is None:
        body = context.formats[stored.format].render(revision, context.site)
        if digest_of(body) == stored.digest:  # other bytes, of a newer template, are no entry of this name
            context.store.put(stored.digest, body)
    return body


def _next(transaction: Transaction, standing: Standing, now: dt.datetime) -> Revision:
    """What is to be rendered; with the number of the rendered revision where nothing is new."""
    newest = revisions.get(transaction, standing.id, standing.revision)
    shown = evidence.show(transaction, newest.article.references)
    if standing.rendered != standing.revision:
        return structs.replace(newest, references=shown)
    if shown == newest.references:
        return newest
    return structs.replace(newest, references=shown, number=newest.number + 1, updated=max(now, newest.updated))


def _commit(
    context: Context, claim: Claim, revision: Revision, rendered: list[Rendition], now: dt.datetime
) -> list[str]:
    """Write it all down, unless the article has moved on meanwhile. The channels that are owed something now."""
    (article_id,) = claim.keys
    with context.ledger.write() as transaction:
        standing = articles.lock_claimed(transaction, article_id, token=claim.token)
        if standing is None:
            return []
        moved = evidence.show(transaction, revision.article.references) != revision.references
        done = articles.changed(standing, state="live", due=now if moved else None, error=None)
        if not rendered:
            articles.set_standing(transaction, done)
            return []
        _keep_revision(transaction, standing, revision, now)
        renditions.add(transaction, article_id, revision.number, rendered)
        articles.set_standing(
            transaction,
            articles.changed(done, revision=revision.number, rendered=revision.number, updated=revision.updated),
        )
        slugs = frozenset(topic.slug for topic in revision.article.topics)
        before = articles.set_topics(transaction, article_id, slugs)
        feeds.make_due(transaction, _feeds_of(context, slugs | before), now=now)
        return _owe(context, transaction, revision, rendered, slugs, now)


def _keep_revision(transaction: Transaction, standing: Standing, revision: Revision, now: dt.datetime) -> None:
    if revision.number != standing.revision:
        revisions.add(
            transaction,
            standing.id,
            revision.number,
            event="updated",
            event_id=None,
            now=now,
            updated=revision.updated,
            content=revisions.content_of(transaction, standing.id, standing.revision),
        )
    revisions.keep_evidence(transaction, standing.id, revision.number, revision.references)


def _owe(
    context: Context,
    transaction: Transaction,
    revision: Revision,
    rendered: list[Rendition],
    slugs: frozenset[str],
    now: dt.datetime,
) -> list[str]:
    """Channels whose filter the article passes; and those that hold it, so that none keeps what is out of date."""
    digests = {rendition.format: rendition.digest for rendition in rendered}
    had = deliveries.channels_of(transaction, revision.article.id)
    owed = [plan for plan in context.channels.values() if plan.wants(slugs) or plan.id in had]
    for plan in owed:
        deliveries.owe(
            transaction,
            id=context.new_id("dlv_"),
            article_id=revision.article.id,
            channel=plan.id,
            format=plan.format,
            revision=revision.number,
            digest=digests[plan.format],
            now=now,
        )
    return [plan.id for plan in owed]


def _feeds_of(context: Context, slugs: frozenset[str]) -> list[str]:
    """The feeds that hold articles under any of these topics."""
    return [feed.id for feed in context.feeds.values() if not feed.topics or slugs & frozenset(feed.topics)]


def _put_off(context: Context, claim: Claim, *, due: dt.datetime, error: str | None) -> None:
    with context.ledger.write() as transaction:
        articles.put_off(transaction, claim.keys[0], token=claim.token, due=due, error=error)
