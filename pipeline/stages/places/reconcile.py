"""Read places back, and compare what lies there with what the ledger says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pipeline.channels import Channel, ComparableChannel, ListedChannel
from pipeline.ledger import Transaction, articles, deliveries, places
from pipeline.ledger.articles import revisions
from pipeline.ledger.deliveries import WITHDRAWAL, Delivery, sending
from pipeline.ledger.places import readings
from pipeline.ledger.places.readings import Drift
from pipeline.stages import acts
from pipeline.stages.acts import Act
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.deliver.parcels import parcel
from pipeline.stages.deliver.reading_back import still_shown


def read_back(
    context: Context, channel: Channel, plan: ChannelPlan, after: str, limit: int
) -> tuple[list[Drift], str | None]:
    """Read back the next articles of a place; return what is wrong, and the last article, or None if none follow.

    Raises CitewireError if the place does not answer.
    """
    with context.ledger.read() as transaction:
        rows = readings.settled(transaction, plan.id, after, limit)
    found = [drift for row in rows if (drift := compare(context, channel, plan, row)) is not None]
    return found, rows[-1].article if len(rows) == limit else None


def compare(context: Context, channel: Channel, plan: ChannelPlan, row: Delivery) -> Drift | None:
    """Return how what lies at the place differs from a delivery that has ended, unless it was changed meanwhile."""
    at = context.clock()
    look = _withdrawn if row.urgency == WITHDRAWAL else _live
    found = look(context, channel, plan, row, at)
    if found is None:
        return None
    with context.ledger.read() as transaction:
        return found if readings.is_as_read(transaction, row) else None


def _withdrawn(context: Context, channel: Channel, plan: ChannelPlan, row: Delivery, at: dt.datetime) -> Drift | None:
    with context.ledger.read() as transaction:
        if not revisions.is_known(transaction, row.article, row.target_revision):
            return None  # withdrawn after the backup from which the ledger was restored: its tombstone is not known
    shown = still_shown(context, channel, plan, row, at)
    return None if shown is None else Drift(row.article, "withdrawn", shown)


def _live(context: Context, channel: Channel, plan: ChannelPlan, row: Delivery, at: dt.datetime) -> Drift | None:
    if isinstance(channel, ComparableChannel) and row.target_digest is not None:
        with context.ledger.read() as transaction:
            loaded = sending.loaded(transaction, row.id)
        if loaded is None:
            return None
        found = channel.differs(parcel(context, loaded, at), row.target_digest)
        if found is not None:
            return Drift(row.article, found.kind, found.detail)
    if plan.proof_check is not None and plan.proof_check(row.article) is None:
        return Drift(row.article, "missing", "it is not found at `proof_url`")
    return None


def unknown_files(context: Context, channel: Channel, plan: ChannelPlan) -> list[Drift]:
    """Return the files at the place that no delivery has put there."""
    with context.ledger.read() as transaction:
        place = places.find(transaction, plan.id)
    if place is None or place.location is None or not isinstance(channel, ListedChannel):
        return []
    there = {name: one for name, one in channel.found().items() if one.is_there and one.event != "withdrawn"}
    with context.ledger.read() as transaction:
        known = readings.names_of(transaction, place.location)
        strange = {name: one.article for name, one in sorted(there.items()) if name not in known}
        states = {article: articles.get(transaction, article) for article in strange.values()}
    return [_unknown(name, states[article]) for name, article in strange.items()]


def _unknown(name: str, state: articles.ArticleState | None) -> Drift:
    if state is not None and state.state == "withdrawn":
        return Drift(name, "withdrawn", f"{name} shows an article that was withdrawn")
    return Drift(name, "unknown", f"{name} was not delivered here by this system")


def repair(context: Context, plan: ChannelPlan, found: Sequence[Drift], act: Act) -> int:
    """Make due what is missing, older, changed, or withdrawn and still there; return how many deliveries.

    A file that no delivery has put there is removed only if it shows an article that was withdrawn, by its withdrawal.
    """
    now = context.clock()
    with context.ledger.write() as transaction:
        count = readings.make_due(transaction, plan.id, [one.name for one in found], now=now)
        for one in found:
            article_id, _, extension = one.name.partition(".")
            if one.kind == "withdrawn" and extension == context.formats[plan.format].extension:
                count += _withdraw(context, transaction, plan, article_id, now)
        acts.record(transaction, act, "mend", "mended", channel=plan.id, reason=f"{count} deliveries repeated")
    return count


def _withdraw(context: Context, transaction: Transaction, plan: ChannelPlan, article_id: str, now: dt.datetime) -> int:
    """Schedule the withdrawal of an article for a place that has a file of it although it was never sent there."""
    state = articles.get(transaction, article_id)
    if state is None or state.state != "withdrawn":
        return 0
    new, number = context.new_id("dlv_"), state.rendered or state.revision
    return deliveries.withdraw_at(
        transaction, article_id, id=new, key=plan.id, format=plan.format, revision=number, now=now
    )
