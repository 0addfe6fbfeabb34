"""The partner's feed: a channel's current articles, for partners whose systems can only read feeds.

It lists the articles that changed last for the channel, each as of its newest change (`ledger.partners.changes`). It
therefore omits what the channel's topics, gate or evidence policy withhold, and marks what was withdrawn from the
channel. It is built for each request, because it has a single reader.
"""

from __future__ import annotations

import datetime as dt

from msgspec import Struct, structs

from pipeline.ledger import Transaction
from pipeline.ledger.articles import revisions, withheld
from pipeline.ledger.partners import changes, pulls
from pipeline.ledger.partners.changes import Change
from pipeline.model.rendition import Format, Page
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Feed, Site
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.partners import pull

SIZE = 50  # articles

# A change gets its time before it is committed, and many share a second: only a time well in the past identifies a
# document.
_SETTLED = dt.timedelta(minutes=1)


class PartnerFeed(Struct, frozen=True):
    body: bytes
    modified: dt.datetime | None  # of the newest change; None: there is none, or others may follow in the same second
    listed: tuple[Change, ...]  # newest first


def build(context: Context, plan: ChannelPlan, format: Format) -> PartnerFeed:
    """Build the feed in a feed format that has pages."""
    assert format.page is not None, "only a format with pages states where its document is fetched"
    pull.assign_sequence(context, plan)
    with context.ledger.read() as transaction:
        listed = changes.newest(transaction, plan.id, limit=SIZE)
        entries = [_entry(transaction, plan, change) for change in listed]
    body = format.page(_feed(plan, context.site), entries, context.site, Page(partner=plan.id))
    newest = max((change.at for change in listed), default=None)
    settled = newest is not None and context.clock() - newest >= _SETTLED
    return PartnerFeed(body, newest if settled else None, tuple(listed))


def record_request(context: Context, plan: ChannelPlan, token: str) -> None:
    """Record the partner's request. A feed reader never confirms what it received, so its position does not move."""
    now = context.clock()
    with context.ledger.read() as transaction:
        is_new = pulls.is_new_request(transaction, plan.id, after=0, token=token, now=now)
    if is_new:
        with context.ledger.write() as transaction:
            pulls.record_request(transaction, plan.id, after=0, token=token, now=now)


def record_listed(context: Context, plan: ChannelPlan, feed: PartnerFeed, token: str) -> None:
    """Record the changes that this token is given for the first time. Call this before the feed is sent."""
    pull.mark_seen(context, plan, feed.listed)
    with context.ledger.read() as transaction:
        last = pulls.last_of(transaction, plan.id, token)
    new = [change for change in reversed(feed.listed) if change.seq is not None and change.seq > last]
    if new:
        with context.ledger.write() as transaction:
            pulls.record_page(transaction, plan.id, new, token=token, now=context.clock())


def _feed(plan: ChannelPlan, site: Site) -> Feed:
    """Return the feed's description, with MSN's profile: only with it does RSS announce withdrawals."""
    return Feed(id=plan.id, title=site.title, description=f"{site.title}, for {plan.id}", profile="msn")


def _entry(transaction: Transaction, plan: ChannelPlan, change: Change) -> Revision | Withdrawal:
    if change.event != "withdrawn":
        return revisions.get(transaction, change.article, change.revision)
    reason = withheld.reason(transaction, change.article, plan.id)
    withdrawal = revisions.withdrawal(transaction, change.article, change.revision, reason=reason)
    return structs.replace(withdrawal, withdrawn=change.at)  # later than the revision in a channel hold
