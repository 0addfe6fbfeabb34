"""What a channel is sent, for somebody who develops a receiver: the same messages, and no trace in the ledger.

The changes of the channel are followed in the order of their commits (`pull.py`), so nothing is missed between two
looks. Only the newest change of an article is sent, as the channel gets it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from msgspec import Struct

from pipeline.ledger import deliveries
from pipeline.ledger.partners.changes import Change
from pipeline.model.delivery import Parcel
from pipeline.model.rendition import Rendition
from pipeline.model.revision import Withdrawal
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.deliver.parcels import message_id
from pipeline.stages.partners import pull


class Forwarded(Struct, frozen=True):
    """A change of a channel. `parcel`: None if a later change supersedes it, or the channel is owed it no longer."""

    change: Change
    parcel: Parcel | None


def following(context: Context, plan: ChannelPlan, after: int, *, limit: int, at: dt.datetime) -> Iterator[Forwarded]:
    """Yield the changes after a sequence number. Raises TransientError if the store or the ledger does not answer."""
    for change, source in pull.follow(context, plan, after, limit):
        yield Forwarded(change, None if source is None else _parcel(context, plan, change, source, at))


def _parcel(context: Context, plan: ChannelPlan, change: Change, source: pull.Source, at: dt.datetime) -> Parcel | None:
    """Build the parcel as deliver does (`deliver/parcels.py`): with the same id, event, cause and bytes."""
    with context.ledger.read() as transaction:
        row = deliveries.at_place(transaction, plan.id, change.article)
    if row is None:
        return None
    if isinstance(source, Withdrawal):
        digest, title = None, source.title
    else:
        stored, revision = source
        digest, title = stored.digest, revision.article.title
    format = pull.format_of(context, plan, change)
    found = pull.read(context, plan, change, source)
    return Parcel(
        message_id=message_id(row.id, change.revision, digest),
        article_id=change.article,
        title=title,
        revision=change.revision,
        event=change.event,
        rendition=Rendition(format.name, found.media_type, found.body),
        extension=format.extension,
        at=at,
        cause=change.cause,
    )
