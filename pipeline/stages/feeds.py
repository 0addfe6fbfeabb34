"""feeds: Articles → feed documents. Coalesced: however many articles changed, a stale feed is built once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from operator import itemgetter

from pipeline.ledger import feeds, revisions
from pipeline.ledger.feeds import Document
from pipeline.model.rendition import digest_of
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Feed
from pipeline.stages.context import LEASE, Context, Stage
from pipeline.stages.work import Claim, backoff

name: Stage = "feeds"

_BATCH = 10  # feeds claimed at once


def claim(context: Context, key: str) -> list[Claim]:
    now, token = context.clock(), context.new_id(LEASE)
    with context.ledger.write() as transaction:
        due = feeds.claim_due(transaction, token=token, now=now, seconds=context.policy.render_lease, limit=_BATCH)
    return [Claim(token, (feed_id,), generation) for feed_id, generation in due.items()]


def do(context: Context, claim: Claim) -> bool:
    """Build the feed in every feed format. What did not change keeps its time."""
    (feed_id,) = claim.keys
    feed = context.feeds.get(feed_id)
    documents = {} if feed is None else _build(context, feed)  # a feed that is configured no more is settled as it is
    again = context.clock() + dt.timedelta(seconds=context.policy.feed_interval)
    with context.ledger.write() as transaction:
        for format, document in documents.items():
            feeds.keep_document(transaction, feed_id, format, document)
        feeds.built(transaction, feed_id, token=claim.token, generation=claim.generation, again=again)
    return True


def failed(context: Context, claim: Claim, error: Exception) -> None:
    (feed_id,) = claim.keys
    with context.ledger.write() as transaction:
        wait = backoff(feeds.attempts_at(transaction, feed_id))
        due = context.clock() + dt.timedelta(seconds=wait)
        feeds.put_off(transaction, feed_id, token=claim.token, due=due, error=f"{type(error).__name__}: {error}")


def release(context: Context, claims: Sequence[Claim]) -> None:
    if claims:
        with context.ledger.write() as transaction:
            feeds.release(transaction, [key for claim in claims for key in claim.keys], token=claims[0].token)


def _build(context: Context, feed: Feed) -> dict[str, Document]:
    entries = _entries(context, feed)
    now = context.clock()
    built = {}
    for format in context.formats.values():
        if format.document is not None:
            body = format.document(feed, entries, context.site)
            digest = digest_of(body)
            context.store.put(digest, body)
            built[format.name] = Document(format.media_type, digest, now)
    return built


def _entries(context: Context, feed: Feed) -> list[Revision | Withdrawal]:
    """The feed's articles, and as many of the newest that were taken back, so that readers learn of that too."""
    with context.ledger.read() as transaction:
        live = feeds.entries(transaction, feed.topics, state="live", limit=feed.size)
        gone = feeds.entries(transaction, feed.topics, state="withdrawn", limit=feed.size)
        found: list[tuple[dt.datetime, str, Revision | Withdrawal]] = [
            *((updated, id, revisions.get(transaction, id, number)) for id, number, updated in live),
            *((updated, id, revisions.withdrawal(transaction, id, number)) for id, number, updated in gone),
        ]
    newest_first = sorted(sorted(found, key=itemgetter(1)), key=itemgetter(0), reverse=True)  # of one moment: by id
    return [entry for _, _, entry in newest_first]
