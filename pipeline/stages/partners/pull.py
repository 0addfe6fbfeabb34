"""pull: every change to a partner's channel since a cursor, in commit order.

The newest change to an article includes its current content: a rendition, or the tombstone of a withdrawal. A change
that a later one supersedes has no content, so that no partner receives a text that was corrected or withdrawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from pipeline.ledger import Transaction
from pipeline.ledger.articles import renditions, revisions, withheld
from pipeline.ledger.articles.renditions import Stored
from pipeline.ledger.database import chunks
from pipeline.ledger.partners import changes, pulls
from pipeline.ledger.partners.changes import Change
from pipeline.model.moment import rfc3339
from pipeline.model.rendition import Format
from pipeline.model.revision import Revision, Withdrawal
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.render import stored_body

INLINE = 100_000  # bytes: a larger rendition is not in the page itself but is fetched from its address
_ONCE = 1_000  # articles whose receipt is recorded in one transaction
PAGE = 4_000_000  # approximate bytes of renditions on one page; the rest follow on the next


class Page(Struct, frozen=True):
    changes: tuple[Mapping[str, Any], ...]
    cursor: str  # after the last change; the given one if there are no changes


class Document(Struct, frozen=True):
    """An article's current content in the partner's format."""

    media_type: str
    body: bytes


Source = tuple[Stored, Revision] | Withdrawal  # where the content of a change is


def page(context: Context, plan: ChannelPlan, *, cursor: str, limit: int, token: str | None) -> Page | None:
    """Return at most `limit` changes after the cursor; None when the cursor is not one of this channel's.

    `token` is the name of the partner's token. Using a cursor confirms that everything before it was received. Without
    a token, the request is an operator's and confirms nothing.
    """
    after = _arrived(context, plan, cursor, token)
    if after is None:
        return None
    listed: list[Change] = []
    shown: list[dict[str, Any]] = []
    size = 0
    for change, source in follow(context, plan, after, limit):
        entry, bytes = _entry(context, plan, change, source)
        if shown and size + bytes > PAGE:
            break
        size += bytes
        listed.append(change)
        shown.append(entry)
    if not listed:
        return Page((), cursor)
    if token is not None:
        _record_page(context, plan, listed, token)
    return Page(tuple(shown), listed[-1].cursor)


def is_forgotten(context: Context, plan: ChannelPlan, cursor: str) -> bool:
    """Return whether the cursor is older than the changes that are kept."""
    with context.ledger.read() as transaction:
        return changes.is_forgotten(transaction, plan.id, cursor)


def anything_after(context: Context, channel: str, cursor: str) -> bool:
    with context.ledger.read() as transaction:
        seq = changes.sequence_of(transaction, channel, cursor)
        return seq is None or changes.anything_after(transaction, channel, seq)


def document(context: Context, plan: ChannelPlan, article_id: str, revision: int) -> Document | None:
    """Return the bytes of a change; None when there was no such change or a newer one exists."""
    with context.ledger.read() as transaction:
        change = changes.newest_of(transaction, plan.id, article_id)
        if change is None or change.revision != revision:
            return None
        source = _source(transaction, plan, change)
    return read(context, plan, change, source)


# --- reading ------------------------------------------------------------------------------------------------------


def _arrived(context: Context, plan: ChannelPlan, cursor: str, token: str | None) -> int | None:
    """Return the cursor's sequence number, and record that the partner has received everything before it."""
    now = context.clock()
    with context.ledger.read() as transaction:
        after = changes.sequence_of(transaction, plan.id, cursor)
        if after is None or token is None:
            return after
        is_new = pulls.is_new_request(transaction, plan.id, after=after, token=token, now=now)
        known = pulls.position(transaction, plan.id)
    if is_new:
        if plan.is_pull:
            _confirm_received(context, plan, known.taken if known else 0, after)
        with context.ledger.write() as transaction:
            pulls.record_request(transaction, plan.id, after=after, token=token, now=now)
    return after


def _confirm_received(context: Context, plan: ChannelPlan, after: int, up_to: int) -> None:
    """Record what was received. Done before the position is stored, so that a killed process repeats it harmlessly.

    A partner may confirm years of changes at once: they are recorded in portions, so that other writers need not wait.
    """
    now = context.clock()
    with context.ledger.read() as transaction:
        received = pulls.between(transaction, plan.id, after=after, up_to=up_to, now=now)
    for some in chunks(received, _ONCE):
        with context.ledger.write() as transaction:
            left = pulls.confirm_received(transaction, plan.id, some, wait=False, now=now)
        for one in left:
            with context.ledger.write() as transaction:
                pulls.confirm_received(transaction, plan.id, [one], wait=True, now=now)


def _record_page(context: Context, plan: ChannelPlan, listed: Sequence[Change], token: str) -> None:
    """Record what the page contains, before it is sent."""
    mark_seen(context, plan, listed)
    with context.ledger.write() as transaction:
        pulls.record_page(transaction, plan.id, listed, token=token, now=context.clock())


def mark_seen(context: Context, plan: ChannelPlan, listed: Sequence[Change]) -> None:
    """Record that the partner may have seen these articles, and so must also receive their withdrawals."""
    with context.ledger.read() as transaction:
        unseen = pulls.unseen(transaction, plan.id, listed)
    for delivery_id in unseen:
        with context.ledger.write() as transaction:
            pulls.mark_seen(transaction, delivery_id)


def assign_sequence(context: Context, plan: ChannelPlan) -> None:
    """Give a sequence number to each committed change that has none yet."""
    with context.ledger.read() as transaction:
        waiting = changes.any_without_sequence(transaction, plan.id)
    if waiting:
        with context.ledger.write() as transaction:
            changes.assign_sequence(transaction, plan.id)


def follow(context: Context, plan: ChannelPlan, after: int, limit: int) -> list[tuple[Change, Source | None]]:
    """Return the changes after a sequence number, each with where its content is; None if a later one supersedes it."""
    assign_sequence(context, plan)
    with context.ledger.read() as transaction:
        found = changes.after(transaction, plan.id, after, limit=limit)
        return [(change, None if change.superseded_by else _source(transaction, plan, change)) for change in found]


def _source(transaction: Transaction, plan: ChannelPlan, change: Change) -> Source:
    if change.event == "withdrawn":
        reason = withheld.reason(transaction, change.article, plan.id)
        return revisions.withdrawal(transaction, change.article, change.revision, reason=reason)
    stored = renditions.one(transaction, change.article, change.revision, change.format)
    assert stored is not None, "a change always refers to a stored rendition"
    return stored, revisions.get(transaction, change.article, change.revision)


# --- writing ------------------------------------------------------------------------------------------------------


def _entry(context: Context, plan: ChannelPlan, change: Change, source: Source | None) -> tuple[dict[str, Any], int]:
    """Return the change as the partner sees it, and how many bytes of the page it takes."""
    entry: dict[str, Any] = {
        "article": change.article,
        "revision": change.revision,
        "event": change.event,
        "at": rfc3339(change.at),
        "media_type": format_of(context, plan, change).media_type,
    }
    if change.cause is not None:
        entry["cause"] = change.cause
    if source is None:
        return entry | {"superseded_by": change.superseded_by}, 0
    if not isinstance(source, Withdrawal) and source[0].bytes > INLINE:
        return entry | {"href": href(context, plan, change)}, 0
    found = read(context, plan, change, source)
    try:
        return entry | {"media_type": found.media_type, "content": found.body.decode()}, len(found.body)
    except UnicodeDecodeError:  # a plug-in's format need not be text
        return entry | {"media_type": found.media_type, "href": href(context, plan, change)}, 0


def read(context: Context, plan: ChannelPlan, change: Change, source: Source) -> Document:
    if isinstance(source, Withdrawal):
        format = format_of(context, plan, change)
        return Document(format.media_type, format.tombstone(source, context.site))
    stored, revision = source
    return Document(stored.media_type, stored_body(context, stored, revision))


def href(context: Context, plan: ChannelPlan, change: Change) -> str:
    """Return the address of the change's document, which requires the partner's token."""
    return f"{context.site.served}/partners/{plan.id}/articles/{change.article}/{change.revision}"


def format_of(context: Context, plan: ChannelPlan, change: Change) -> Format:
    """Return the change's format, or the channel's present one if that format no longer exists."""
    return context.formats.get(change.format) or context.formats[plan.format]
