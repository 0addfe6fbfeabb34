"""The partner's feed: what a channel holds, for partners whose systems read feeds and nothing else.

It has the articles that changed last for the channel, each as of its newest change (`ledger.partners.changes`). So what
the channel's topics, gate or evidence policy keep back is not in it, and what was withdrawn from the channel is marked
so. It is made for each request, because it has one reader.
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

# A change is stamped before it is committed, and many share a second: only a time well past identifies a document.
_OVER = dt.timedelta(minutes=1)


class PartnerFeed(Struct, frozen=True):
    body: bytes
    modified: dt.datetime | None  # of the newest change; None: there is none, or more of the same moment may follow
    told: tuple[Change, ...]  # the newest first


def build(context: Context, plan: ChannelPlan, format: Format) -> PartnerFeed:
    """Build the feed in a feed format that has pages."""
    assert format.page is not None, "only such a format says where its document is fetched"
    pull.place(context, plan)
    with context.ledger.read() as transaction:
        told = changes.newest(transaction, plan.id, limit=SIZE)
        entries = [_entry(transaction, plan, change) for change in told]
    body = format.page(_feed(plan, context.site), entries, context.site, Page(partner=plan.id))
    newest = max((change.at for change in told), default=None)
    over = newest is not None and context.clock() - newest >= _OVER
    return PartnerFeed(body, newest if over else None, tuple(told))


def asked(context: Context, plan: ChannelPlan, token: str) -> None:
    """Record that the partner asked. A feed reader never says what it has, so its position does not move."""
    now = context.clock()
    with context.ledger.read() as transaction:
        news = pulls.is_new_request(transaction, plan.id, after=0, token=token, now=now)
    if news:
        with context.ledger.write() as transaction:
            pulls.record_request(transaction, plan.id, after=0, token=token, now=now)


def hand_out(context: Context, plan: ChannelPlan, feed: PartnerFeed, token: str) -> None:
    """Record what this token is given for the first time. Call before the feed is sent."""
    pull.show(context, plan, feed.told)
    with context.ledger.read() as transaction:
        last = pulls.last_of(transaction, plan.id, token)
    new = [change for change in reversed(feed.told) if change.seq is not None and change.seq > last]
    if new:
        with context.ledger.write() as transaction:
            pulls.record_page(transaction, plan.id, new, token=token, now=context.clock())


def _feed(plan: ChannelPlan, site: Site) -> Feed:
    """With MSN's profile RSS announces withdrawals; the other formats always do."""
    return Feed(id=plan.id, title=site.title, description=f"{site.title}, for {plan.id}", profile="msn")


def _entry(transaction: Transaction, plan: ChannelPlan, change: Change) -> Revision | Withdrawal:
    if change.event != "withdrawn":
        return revisions.get(transaction, change.article, change.revision)
    reason = withheld.reason(transaction, change.article, plan.id)
    withdrawal = revisions.withdrawal(transaction, change.article, change.revision, reason=reason)
    return structs.replace(withdrawal, withdrawn=change.at)  # later than the revision, if from this channel alone
