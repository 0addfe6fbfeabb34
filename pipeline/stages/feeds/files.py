"""Built documents as files in the rendition store, plain and compressed, for any web server to serve.

Web servers derive `ETag` and `Last-Modified` from a file's time and size. A file is therefore written only when its
bytes change, with a time at least a second later than before.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Collection, Mapping
from typing import Protocol

import msgspec
from msgspec import structs

from pipeline.errors import TransientError
from pipeline.feeds.files import CODINGS, feed_path, forms
from pipeline.ledger import Transaction, feeds
from pipeline.ledger.feeds import Document
from pipeline.ledger.feeds import pages as feed_pages
from pipeline.ledger.feeds.pages import Built
from pipeline.model.rendition import Format, digest_of
from pipeline.model.site import Feed
from pipeline.stages.context import Context
from pipeline.stages.render.fingerprint import fingerprints
from pipeline.stages.stage import Claim
from pipeline.stages.still_shared import STORE, check_store, nonce_of


class Begin(Protocol):
    def __call__(self, transaction: Transaction, *, formats: Collection[str]) -> None: ...


def formats_of(context: Context, feed: Feed) -> list[Format]:
    """Return the feed formats that the feed is built in."""
    known = context.formats.values()
    return [format for format in known if format.document is not None and feed.built_in(format.name)]


def addresses_of(context: Context, topics: Collection[str], language: str) -> tuple[str, ...]:
    """Return the address of every document of every feed that holds an article with these topics and language."""
    return tuple(
        context.site.feed_url(feed.id, format.extension)
        for feed in context.feeds.values()
        if feed.holds(topics, language)
        for format in formats_of(context, feed)
    )


def renew_lease(context: Context, transaction: Transaction, claim: Claim) -> None:
    """Extend the lease. Raises TransientError if another worker has the feed, so as not to overwrite its work."""
    if not _renewed(context, transaction, claim):
        raise _lost()


def follow_settings(context: Context, claim: Claim, feed: Feed) -> None:
    """Place every article and build every page again if the settings differ from those of the last build."""
    formats = {format.name: format for format in formats_of(context, feed)}
    code = sorted(fingerprints(formats, structs.replace(context.site, feeds=())).items())
    facts = (feed, code)
    shape = digest_of(msgspec.json.encode(facts))
    with context.ledger.read() as transaction:
        if feeds.shape_of(transaction, feed.id) == shape:
            return
    _remove_others(context, claim, feed.id, kept=frozenset(formats))
    with context.ledger.write() as transaction:
        renew_lease(context, transaction, claim)
        feeds.set_shape(transaction, feed.id, shape)
        feeds.all_changed(transaction, feed.id)
        feed_pages.make_stale(transaction, feed.id)


def keep_newest(context: Context, claim: Claim, feed: Feed, bodies: Mapping[str, bytes]) -> None:
    """Write the subscription document in each format in which it changed, as a file and by its digest."""
    with context.ledger.read() as transaction:
        known = feeds.documents(transaction, feed.id)
    before = {name: Built(one.digest, one.modified, one.writing) for name, one in known.items()}
    paths = {name: feed_path(feed.id, context.formats[name].extension) for name in bodies}
    begin = functools.partial(feeds.begin_documents, feed_id=feed.id)
    written = put(context, claim, paths, bodies, before, begin)
    for name, new in written.items():
        context.store.put(new.digest, bodies[name])
    outdated = []
    with context.ledger.write() as transaction:
        renew_lease(context, transaction, claim)
        for name, new in written.items():
            outdated.append(feeds.previous_of(transaction, feed.id, name))
            document = Document(context.formats[name].media_type, new.digest, new.modified)
            feeds.keep_document(transaction, feed.id, name, document)
    for digest in filter(None, outdated):
        context.store.drop(digest, wanted=functools.partial(_wanted, context, claim, digest))


def _wanted(context: Context, claim: Claim, digest: str) -> bool:
    """Return whether a document has this digest, or another worker, which may be about to store it, has the feed."""
    if not _is_mine(context, claim):
        return True
    with context.ledger.read() as transaction:
        return feeds.is_named(transaction, digest)


def keep_page(context: Context, claim: Claim, feed: Feed, number: int, bodies: Mapping[str, bytes]) -> None:
    """Write an archive page in each format in which it changed."""
    with context.ledger.read() as transaction:
        before = feed_pages.page_documents(transaction, feed.id, number)
    paths = {name: feed_path(feed.id, context.formats[name].extension, number) for name in bodies}
    begin = functools.partial(feed_pages.begin_page, feed_id=feed.id, page=number)
    written = put(context, claim, paths, bodies, before, begin)
    with context.ledger.write() as transaction:
        renew_lease(context, transaction, claim)
        feed_pages.keep_page(transaction, feed.id, number, written)


def put(
    context: Context,
    claim: Claim,
    paths: Mapping[str, str],
    bodies: Mapping[str, bytes],
    before: Mapping[str, Built],
    begin: Begin,
) -> dict[str, Built]:
    """Write the files that differ from `before` or are missing, in all their forms; return what was written.

    The lease is checked for each file while no other process can replace it, so that a worker that lost the lease, or
    whose write hung, never puts an older file over a newer one. `begin` records what is about to be written: if this
    worker ends in the middle, the next one writes these files again, even if the recorded bytes are the right ones.
    """
    now = context.clock().replace(microsecond=0)
    new = {}
    for name, body in bodies.items():
        digest, stored = digest_of(body), before.get(name)
        if stored is None:
            new[name] = Built(digest, now)
        elif stored.writing or stored.digest != digest or context.store.file_state(paths[name]) is None:
            later = stored.modified.replace(microsecond=0) + dt.timedelta(seconds=1)
            new[name] = Built(digest, max(now, later))
    made = {name: forms(bodies[name]) for name in new}
    if replaced := [name for name in new if name in before]:  # of what is new, nothing is recorded that may be wrong
        with context.ledger.write() as transaction:
            renew_lease(context, transaction, claim)
            begin(transaction, formats=replaced)

    nonce = nonce_of(context.ledger, STORE) if new else None
    check = functools.partial(_check, context, claim, nonce)
    for name, built in new.items():
        for ending in reversed(made[name]):  # the plain one last: its presence says that the document exists
            context.store.put_file(paths[name] + ending, made[name][ending], built.modified, check=check)
    check_store(context, nonce)
    return new


def remove(context: Context, claim: Claim) -> None:
    """Remove everything built for a feed that is no longer configured: the files before what says that they exist."""
    (feed_id,) = claim.keys
    _remove_others(context, claim, feed_id, kept=frozenset())
    with context.ledger.write() as transaction:
        renew_lease(context, transaction, claim)
        feed_pages.forget(transaction, feed_id)


def _remove_others(context: Context, claim: Claim, feed_id: str, *, kept: frozenset[str]) -> None:
    """Remove the documents in formats other than those `kept`, as files and then as rows, under the lease."""
    check = functools.partial(_check, context, claim, nonce_of(context.ledger, STORE))
    for name, format in context.formats.items():
        if name in kept or format.document is None:
            continue
        with context.ledger.read() as transaction:
            pages = [page for page, _ in feed_pages.built_pages(transaction, feed_id, name)]
        for page in (None, *pages):
            path = feed_path(feed_id, format.extension, page)
            for ending in ("", *(ending for ending, _ in CODINGS.values())):
                context.store.remove_file(path + ending, check=check)
        with context.ledger.write() as transaction:
            renew_lease(context, transaction, claim)
            feeds.drop_document(transaction, feed_id, name)
            feed_pages.drop_page_documents(transaction, feed_id, name)


def _check(context: Context, claim: Claim, nonce: str | None) -> None:
    """Raise TransientError unless this worker still has the feed, and the store that all hosts share."""
    check_store(context, nonce)
    if not _is_mine(context, claim):
        raise _lost()


def _is_mine(context: Context, claim: Claim) -> bool:
    """Return whether this worker still has the feed, and extend a lease of which less than half is left.

    It is asked while nobody else can write or remove what this worker is about to. Whoever gets the feed after the
    question comes to that later, so that to ask is enough: a commit for each file would cost more than the build.
    """
    (feed_id,), now = claim.keys, context.clock()
    with context.ledger.read() as transaction:
        until = feeds.leased_until(transaction, feed_id, token=claim.token)
    if until is None or until - now > dt.timedelta(seconds=context.policy.render_lease / 2):
        return until is not None
    with context.ledger.write() as transaction:
        return _renewed(context, transaction, claim)


def _renewed(context: Context, transaction: Transaction, claim: Claim) -> bool:
    until = context.clock() + dt.timedelta(seconds=context.policy.render_lease)
    return feeds.renew(transaction, claim.keys[0], token=claim.token, until=until)


def _lost() -> TransientError:
    return TransientError("another worker is building the feed", code="feed-lease-lost")
