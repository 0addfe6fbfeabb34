"""prune: once an hour, delete what is older than the settings in `[keep]` say.

Whatever proves what was shown where is kept: the contents of each channel, the last attempt at each delivery, every
revision with its text and references. So are events, by which one that is sent again changes nothing.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable

from pipeline.ledger import Transaction, bulk, failure_notes, operations, passkeys, sessions, tokens, uploads
from pipeline.ledger.articles import renditions
from pipeline.ledger.deliveries import attempts
from pipeline.ledger.evidence import uncited
from pipeline.ledger.feeds import readers
from pipeline.ledger.hub import subscriptions
from pipeline.ledger.partners import changes, pulls
from pipeline.stages.context import Context
from pipeline.stages.periodic import Periodic

EVERY = dt.timedelta(hours=1)
_BATCH = 2_000  # rows in a transaction
_SHARE = 100_000  # rows of a table that one run looks at
_RECORDED = dt.timedelta(days=1)  # within which bytes that are stored are recorded, or never
_WORKS = 500  # each is a parameter of several statements
_REVISIONS = 100  # the same, where each needs several statements


class Prune(Periodic):
    name = "prune"
    every = EVERY
    lease = 300.0

    @property
    def queue(self) -> str:
        return "keep"

    def run(self, context: Context) -> None:
        prune(context, older_than=dt.timedelta(days=context.policy.keep_attempts))
        prune_others(context)
        drop_strays(context)


def prune(context: Context, *, older_than: dt.timedelta, batch: int = _BATCH) -> int:
    """Delete attempts older than this and subscriptions that have expired; return how many attempts."""
    before = context.clock() - older_than
    with context.ledger.write() as transaction:
        subscriptions.forget_expired(transaction, now=context.clock())
    return _in_portions(context, attempts.span, functools.partial(attempts.forget, before=before, limit=batch))


def prune_others(context: Context, *, batch: int = _BATCH) -> None:
    """Delete what else is too old: changes, fetched pages, tokens, sessions, operations, papers, renditions, counts."""
    now, policy = context.clock(), context.policy
    changed = now - dt.timedelta(days=policy.keep_changes)
    _in_portions(context, changes.span, functools.partial(changes.forget, before=changed, limit=batch))
    with context.ledger.write() as transaction:
        tokens.forget(transaction, before=now - dt.timedelta(days=policy.keep_tokens))
        passkeys.forget(transaction, now=now)
        sessions.forget(transaction, now=now, limits=policy.sessions)
        bulk.forget(transaction, now=now)
        uploads.forget(transaction, now=now)
        failure_notes.forget(transaction, before=now - dt.timedelta(days=policy.keep_operations))
        readers.forget(transaction, before=now.date() - dt.timedelta(days=policy.keep_readers))
    ended = now - dt.timedelta(days=policy.keep_operations)
    asked = now - dt.timedelta(days=policy.keep_references)
    for forget in (
        functools.partial(pulls.forget, before=changed, limit=batch),
        functools.partial(operations.forget, before=ended, limit=batch),
        functools.partial(uncited.forget, before=asked, limit=min(batch, _WORKS)),
    ):
        _until_less(context, forget)
    rendered = now - dt.timedelta(days=policy.keep_renditions)
    after: tuple[str, int] | None = ("", 0)
    while after is not None:
        with context.ledger.write() as transaction:
            digests, after = renditions.forget(transaction, before=rendered, after=after, limit=_REVISIONS)
        for digest in digests:  # after the commit: what is missing is rendered again, what is too much stays
            _drop(context, digest)


def _until_less(context: Context, forget: functools.partial[int]) -> None:
    """Delete a portion in each transaction, until one is not full."""
    full = int(forget.keywords["limit"])
    count = full
    while count == full:
        with context.ledger.write() as transaction:
            count = forget(transaction)


def drop_strays(context: Context) -> int:
    """Delete bytes that no row names, in one part of the store an hour; return how many.

    A process that was killed between storing a rendition and recording it leaves them, as does one that was killed
    between forgetting a revision and dropping its bytes. What was stored within a day may still be recorded.
    """
    now = context.clock()
    found = context.store.digests(int(now.timestamp() // 3600) % 256, now - _RECORDED)
    with context.ledger.read() as transaction:
        strays = renditions.nameless(transaction, found)
    return sum(_drop(context, digest) for digest in strays)


def _drop(context: Context, digest: str) -> bool:
    """Delete bytes unless somebody has stored them since, to record them again."""
    return context.store.drop(digest, before=context.clock() - _RECORDED)


def _in_portions(
    context: Context, span: Callable[[Transaction], tuple[int, int]], forget: Callable[..., tuple[int, int | None]]
) -> int:
    """Delete a portion in each transaction, so that other writers do not wait; return how many rows in all.

    The rows that are kept for ever become ever more. So an hour looks at `_SHARE` ids, and the next at those after.
    """
    with context.ledger.read() as transaction:
        first, last = span(transaction)
    shares = (last - first) // _SHARE + 1
    begin = first - 1 + int(context.clock().timestamp() // 3600) % shares * _SHARE
    deleted = 0
    after: int | None = begin
    while after is not None and after < begin + _SHARE:
        with context.ledger.write() as transaction:
            count, after = forget(transaction, after=after)
        deleted += count
    return deleted
