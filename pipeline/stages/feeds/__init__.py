"""feeds: Articles → feed documents. Builds are coalesced: a stale feed is built once, however many articles changed.

    place     assign the articles that changed since the last build to the feed's pages
    archive   write the sealed pages that they left or filled: at most two for one article
    newest    write the subscription document

The cost does not depend on the number of articles in the feed. After a build a feed rests for a moment, in proportion
to what the build took. Changed settings rebuild every page, a few at a time (`_PAGES`). The subscription document is
written after the pages that a withdrawn article left, and before the others.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterable, Sequence
from operator import itemgetter

import msgspec
import structlog

from pipeline.feeds.profiles import Finding, document_findings, entry_findings, feed_findings, withdrawal_findings
from pipeline.feeds.sitemaps import ID as SITEMAP
from pipeline.ledger import Transaction, feeds
from pipeline.ledger.articles import revisions
from pipeline.ledger.claims import DueRows
from pipeline.ledger.feeds import pages as feed_pages
from pipeline.ledger.feeds import places
from pipeline.ledger.feeds.layout import Candidate
from pipeline.ledger.feeds.pages import Entry
from pipeline.ledger.hub import subscriptions
from pipeline.model.rendition import Page
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Feed
from pipeline.stages.context import LEASE, Context
from pipeline.stages.feeds import files as feed_files
from pipeline.stages.feeds import sitemaps
from pipeline.stages.stage import Bell, Claim, Stage
from pipeline.timing import SWEEP_EVERY, unforeseen

_BATCH = 10  # feeds claimed at once
_ARTICLES = 2000  # placed in one transaction
_PAGES = 10  # archive pages in one build

_waiting = threading.Lock()  # held by the one thread of this process that waits for the end of a rest

_log = structlog.get_logger()


class Feeds(Stage):
    name = "feeds"
    kind = "feed"

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        return [Bell()] if feeds.any_due(transaction, now=now) else []

    def due_rows(self, context: Context, now: dt.datetime) -> DueRows:
        return feeds.due_rows(now)

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        now, token = context.clock(), context.new_id(LEASE)
        with context.ledger.write(lasting=False) as transaction:
            due = feeds.claim_due(transaction, token=token, now=now, seconds=context.policy.render_lease, limit=_BATCH)
        return [Claim(token, (feed_id,), generation) for feed_id, generation in due.items()]

    def drain(self, context: Context, key: str = "") -> int:
        """Build what is stale, and what becomes so at the end of a rest that is over before the next sweep.

        Nothing else rings then. One thread of a process waits, and the others go back to their other work.
        """
        done, stop = super().drain(context, key), time.monotonic() + context.policy.drain_seconds
        if not _waiting.acquire(blocking=False):
            return done
        try:
            while time.monotonic() < stop and context.hold() is None and (rest := _until_due(context)) is not None:
                context.pause(rest)
                done += super().drain(context, key)
            return done
        finally:
            _waiting.release()

    def may_be_left(self, context: Context, key: str = "") -> bool:
        with context.ledger.read() as transaction:
            return feeds.any_due(transaction, now=context.clock())

    def do(self, context: Context, claim: Claim) -> bool:
        """Build the feed in every feed format. A document that did not change keeps its bytes and its time."""
        (feed_id,), begun = claim.keys, context.clock()
        whole, findings, left_out = True, list[Finding](), set[str]()
        if feed_id == SITEMAP:
            whole = sitemaps.build(context, claim)
        elif feed := context.feeds.get(feed_id):
            build = _Build(context, claim, feed)
            whole, findings, left_out = build.run(), build.findings, build.left_out
        else:  # no longer configured: its documents must not keep an article that is withdrawn
            feed_files.remove(context, claim)
        now = context.clock()
        with context.ledger.write() as transaction:
            if feeds.leased_until(transaction, feed_id, token=claim.token):
                all_but_open = feed_id != SITEMAP
                feed_pages.note_written(transaction, feed_id, left_out=left_out, now=now, sealed_only=all_but_open)
            feeds.built(
                transaction,
                feed_id,
                token=claim.token,
                generation=claim.generation,
                now=now,
                rest=_rest_after(context, feed_id, (now - begun).total_seconds()),
                findings=msgspec.json.encode(findings).decode() if findings else None,
                whole=whole,
            )
            digests = {format: built.digest for format, built in feeds.documents(transaction, feed_id).items()}
            to_push = subscriptions.changed(transaction, feed_id, digests, now=now)
        if to_push:
            context.doorbell.ring("hub")
        return True

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        (feed_id,) = claim.keys
        with context.ledger.write() as transaction:
            wait = unforeseen(feeds.attempts_at(transaction, feed_id))
            due = context.clock() + dt.timedelta(seconds=wait)
            feeds.put_off(transaction, feed_id, token=claim.token, due=due, error=f"{type(error).__name__}: {error}")

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        if claims:
            with context.ledger.write() as transaction:
                feeds.release(transaction, [key for claim in claims for key in claim.keys], token=claims[0].token)


def _rest_after(context: Context, feed_id: str, seconds: float) -> float:
    """Return the seconds that a feed rests after a build that took so many."""
    policy = context.policy
    if feed_id == SITEMAP:
        return policy.sitemap_interval
    return min(max(policy.feed_interval, policy.feed_rest * seconds), policy.feed_interval_most)


def _until_due(context: Context) -> float | None:
    """Return the seconds until the next feed is due; None: the sweep finds it as soon, or no change waits."""
    now = context.clock()
    with context.ledger.read() as transaction:
        due = feeds.next_due(transaction, now=now)
    seconds = None if due is None else (due - now).total_seconds()
    return None if seconds is None or seconds > SWEEP_EVERY else seconds


class _Build:
    """One build of one feed, under its lease."""

    def __init__(self, context: Context, claim: Claim, feed: Feed) -> None:
        self.context, self.claim, self.feed = context, claim, feed
        self.formats = feed_files.formats_of(context, feed)
        self.findings: list[Finding] = []  # the partner's rules that it breaks
        self.left_out: set[str] = set()  # the articles that break one

    def run(self) -> bool:
        """Build the feed; return whether every page is built."""
        feed_files.follow_settings(self.context, self.claim, self.feed)
        while self._place_changes():
            pass
        self._archive()
        self._newest()
        with self.context.ledger.read() as transaction:
            left = feed_pages.stale(transaction, self.feed.id, limit=1)
        for finding in self.findings:
            _log.warning("feed finding", feed=self.feed.id, **msgspec.structs.asdict(finding))
        return not left

    def _place_changes(self) -> bool:
        """Place changed articles, up to a limit; return whether more may be left."""
        feed = self.feed
        with self.context.ledger.write() as transaction:
            feed_files.renew_lease(self.context, transaction, self.claim)
            seen = feeds.changes(transaction, feed.id, limit=_ARTICLES)
            found = {one.article: one for one in places.candidates(transaction, seen)}
            by_article: dict[str, Candidate | None] = {
                id: one if feed.holds(one.topics, one.language) else None for id, one in found.items()
            }
            places.apply(transaction, feed.id, by_article, size=feed.size)
            feeds.mark_processed(transaction, feed.id, seen)
        return len(seen) == _ARTICLES

    def _archive(self) -> None:
        with self.context.ledger.read() as transaction:
            pages = feed_pages.stale(transaction, self.feed.id, limit=_PAGES)
        for number in pages:
            with self.context.ledger.read() as transaction:
                rows = feed_pages.entries_of(transaction, self.feed.id, number)
                entries = self._entries(transaction, rows)
            page = Page(number, number - 1 if number > 1 else None)
            bodies = self._written(entries, page)
            feed_files.keep_page(self.context, self.claim, self.feed, number, bodies)

    def _newest(self) -> None:
        feed = self.feed
        with self.context.ledger.read() as transaction:
            kept = dt.timedelta(days=self.context.site.tombstone_days)
            rows = feed_pages.newest(transaction, feed.id, size=feed.size, order=feed.order, tombstones_for=kept)
            entries = self._entries(transaction, rows, checked=True)
            page = Page(None, feed_pages.newest_sealed(transaction, feed.id))
        live = [entry for entry in entries if isinstance(entry, Revision)]
        self.findings += feed_findings(feed, live, self.context.site)
        bodies = self._written(entries, page)
        self.findings += [one for body in bodies.values() for one in document_findings(feed, body)]
        feed_files.keep_newest(self.context, self.claim, feed, bodies)

    def _entries(
        self, transaction: Transaction, rows: Sequence[Entry], *, checked: bool = False
    ) -> list[Revision | Withdrawal]:
        """Return the entries, newest first and then by id. Those that break the partner's rules are left out."""
        dated = [(row.published if self.feed.order == "published" else row.updated, row) for row in rows]
        by_id = sorted(dated, key=lambda each: each[1].article)
        live = revisions.get_all(transaction, {(row.article, row.revision) for row in rows if row.state == "live"})
        found: list[Revision | Withdrawal] = []
        for _, row in sorted(by_id, key=itemgetter(0), reverse=True):
            key = (row.article, row.revision)
            entry = live[key] if row.state == "live" else revisions.withdrawal(transaction, *key)
            broken = self._broken(entry)
            self.findings += broken if checked else ()
            self.left_out |= {row.article} if broken else set()
            found += [] if broken else [entry]
        return found

    def _broken(self, entry: Revision | Withdrawal) -> list[Finding]:
        site, now = self.context.site, self.context.clock()
        if isinstance(entry, Withdrawal):
            return withdrawal_findings(self.feed, entry, site, now)
        return entry_findings(self.feed, entry, site, now)

    def _written(self, entries: Sequence[Revision | Withdrawal], page: Page) -> dict[str, bytes]:
        """Return the page in each of the feed's formats that has such pages."""
        feed, site, written = self.feed, self.context.site, {}
        for format in self.formats:
            if format.page is not None:
                written[format.name] = format.page(feed, entries, site, page)
            elif format.document is not None and page.number is None:
                written[format.name] = format.document(feed, entries, site)
        return written
