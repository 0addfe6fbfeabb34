"""render: Article, References, Site → Renditions, and every channel that wants them is owed them.

A revision is rendered once, in every format, from the references as they are at that moment, which are kept with it.
When other evidence comes later, that makes the next revision: with other bytes goes another number and another id.
What changes no byte that anyone is shown, but for numbers and dates, makes none; and a channel whose format shows
nothing of the change is not sent it. What is kept from a channel for its evidence is decided here too: see holding.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import structlog
from msgspec import Struct, structs

from pipeline.feeds.sitemaps import ID as SITEMAP
from pipeline.ledger import Transaction, articles, evidence, feeds
from pipeline.ledger.articles import Standing, renditions, revisions, withheld
from pipeline.ledger.articles.renditions import Stored
from pipeline.ledger.articles.withheld import Withheld
from pipeline.ledger.evidence import identifiers
from pipeline.model.reference import CitedReference
from pipeline.model.rendition import Rendition, digest_of
from pipeline.model.revision import Revision
from pipeline.stages.accept import withdrawing
from pipeline.stages.context import LEASE, Context
from pipeline.stages.enrich.editorial import marks
from pipeline.stages.render import holding
from pipeline.stages.render.owing import Going, owe, tell
from pipeline.stages.stage import Bell, Claim, Stage, backoff

_log = structlog.get_logger()


class _Task(Struct, frozen=True):
    """What there is to do for an article."""

    standing: Standing
    revision: Revision  # with the number of the rendered one where nothing is new
    before: Revision | None  # the rendered one: what is out
    stored: Mapping[str, Stored]  # its renditions, by format
    seen: tuple[CitedReference, ...]  # what was known of the references when this was read
    kept: Mapping[str, Withheld]

    @property
    def new(self) -> bool:
        return self.revision.number != self.standing.rendered


class Render(Stage):
    name = "render"
    threads = 2  # more would make none of them faster, and would slow down the worker's other threads

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        return [Bell()] if articles.any_due(transaction, now=now) else []

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
        """Render the article's newest revision, or the next one where only its evidence is new."""
        (article_id,) = claim.keys
        now = context.clock()
        with context.ledger.read() as transaction:
            standing = articles.standing(transaction, article_id)
            if standing is None or standing.state == "withdrawn":
                return True
            task = _task(transaction, standing, now)
        embargo = task.revision.article.embargo
        if embargo is not None and embargo > now:
            _put_off(context, claim, due=embargo, error=None)
            return True
        hold = holding.from_everyone(context, task.before, task.revision, task.kept, now=now) if task.new else None
        if hold is not None:
            _take_back(context, claim, hold, now)
            return True
        spared = _spared(context, task)
        new = task.new and (task.revision.number == standing.revision or not spared >= set(context.formats))
        rendered = render_all(context, task.revision) if new else []
        for rendition in rendered:
            context.store.put(rendition.digest, rendition.body)
        channels = _commit(context, claim, task, rendered, spared, now)
        for channel in channels:
            context.doorbell.ring("deliver", channel)
        if rendered:
            context.doorbell.ring("feeds")
            _log.info("rendered", article=article_id, revision=task.revision.number, formats=len(rendered))
        return True

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        with context.ledger.read() as transaction:
            attempts = articles.attempts_at(transaction, claim.keys[0])
        due = context.clock() + dt.timedelta(seconds=backoff(attempts))
        _put_off(context, claim, due=due, error=f"{type(error).__name__}: {error}")

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
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


def _task(transaction: Transaction, standing: Standing, now: dt.datetime) -> _Task:
    newest = revisions.get(transaction, standing.id, standing.revision)
    before, stored = None, {}
    if standing.rendered is not None:
        out = standing.rendered
        before = newest if out == newest.number else revisions.get(transaction, standing.id, out)
        stored = {one.format: one for one in renditions.of_revision(transaction, standing.id, out)}
    shown = evidence.show(transaction, newest.article.references)
    revision = newest
    if standing.rendered != standing.revision:
        revision = structs.replace(newest, references=shown)
    elif shown != newest.references:
        revision = structs.replace(newest, references=shown, number=newest.number + 1, updated=max(now, newest.updated))
    return _Task(standing, revision, before, stored, shown, withheld.of_article(transaction, standing.id))


def _spared(context: Context, task: _Task) -> frozenset[str]:
    """The formats in which the revision is what is out already, but for its number and date."""
    before, revision = task.before, task.revision
    if before is None or not task.new or before.article != revision.article:
        return frozenset()
    if marks(before.references) != marks(revision.references):
        return frozenset()
    as_before = structs.replace(revision, number=before.number, updated=before.updated)
    digests = {one.format: one.digest for one in render_all(context, as_before)}
    return frozenset(name for name, stored in task.stored.items() if digests.get(name) == stored.digest)


def _take_back(context: Context, claim: Claim, hold: Withheld, now: dt.datetime) -> None:
    """The site's own withdrawal, until an operator releases the article."""
    (article_id,) = claim.keys
    with context.ledger.write() as transaction:
        standing = articles.lock_claimed(transaction, article_id, token=claim.token)
        if standing is None:
            return
        withheld.lift(transaction, article_id)
        withheld.put(transaction, article_id, hold)
        channels = withdrawing.take_back(transaction, standing, event_id=None, reason=hold.reason, now=now)
    tell(article_id, hold)
    for channel in channels:
        context.doorbell.ring("deliver", channel, urgent=True)
    context.doorbell.ring("feeds")


def _commit(
    context: Context,
    claim: Claim,
    task: _Task,
    rendered: list[Rendition],
    spared: frozenset[str],
    now: dt.datetime,
) -> list[str]:
    """Write it all down, unless the article has moved on meanwhile. The channels that are owed something now."""
    (article_id,) = claim.keys
    revision = task.revision
    with context.ledger.write() as transaction:
        standing = articles.lock_claimed(transaction, article_id, token=claim.token)
        if standing is None:
            return []
        identifiers.cite_found(transaction, article_id, revision.article.references)
        moved = evidence.show(transaction, revision.article.references) != task.seen
        done = articles.changed(standing, state="live", due=now if moved else None, error=None)
        if not rendered:
            articles.set_standing(transaction, done)
            return []
        _keep_revision(transaction, standing, revision, now)
        renditions.add(transaction, article_id, revision.number, rendered)
        articles.set_standing(
            transaction,
            articles.changed(
                done,
                revision=revision.number,
                rendered=revision.number,
                title=revision.article.title,
                language=revision.article.language,
                updated=revision.updated,
            ),
        )
        slugs = frozenset(topic.slug for topic in revision.article.topics)
        articles.set_topics(transaction, article_id, slugs)
        feeds.changed(transaction, article_id, among=_feeds_of(context, slugs, revision), now=now)
        digests = {rendition.format: rendition.digest for rendition in rendered}
        return owe(context, transaction, Going(revision, task.before, task.kept, slugs, digests, spared), now=now)


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
    revisions.keep_evidence(transaction, standing.id, revision.number, revision.references, now=now)


def _feeds_of(context: Context, slugs: frozenset[str], revision: Revision) -> list[str]:
    """The feeds that the article belongs into, and the sitemap."""
    language = revision.article.language
    return [SITEMAP, *(feed.id for feed in context.feeds.values() if feed.holds(slugs, language))]


def _put_off(context: Context, claim: Claim, *, due: dt.datetime, error: str | None) -> None:
    with context.ledger.write() as transaction:
        articles.put_off(transaction, claim.keys[0], token=claim.token, due=due, error=error)
