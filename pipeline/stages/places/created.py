"""Ask a place, after a restore, for what was created there since the backup and has no manifest."""

from __future__ import annotations

import datetime as dt

from pipeline.channels import Channel, DatedChannel
from pipeline.ledger import Transaction, articles, deliveries, restorations
from pipeline.ledger.articles import ArticleState
from pipeline.ledger.deliveries import Delivery
from pipeline.ledger.findings import Finding
from pipeline.ledger.places import rekeying
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.places.adopting import add_delivery

_CLOCKS = dt.timedelta(hours=1)  # by which the place's clock may be behind


def created_since_the_backup(context: Context, channel: Channel, plan: ChannelPlan) -> dict[str, Finding]:
    """Return what was created at the place since the backup, by article. Raises CitewireError if it does not answer.

    The deliveries of these articles know of it from now on, so that corrections and withdrawals reach it.
    """
    if not isinstance(channel, DatedChannel):
        return {}
    with context.ledger.read() as transaction:
        backup = restorations.pending(transaction)
    if backup is None:
        return {}
    there = channel.created_since(backup - _CLOCKS)
    with context.ledger.write() as transaction:
        found = [_finding(context, transaction, channel, plan, *one) for one in sorted(there.items())]
    return {one.article: one for one in found if one is not None}


def _finding(
    context: Context, transaction: Transaction, channel: DatedChannel, plan: ChannelPlan, remote_id: str, article: str
) -> Finding | None:
    row, state = deliveries.at_place(transaction, plan.id, article), articles.get(transaction, article)
    if row is not None and channel.is_same(row.remote_id, remote_id):
        return None
    _adopt(context, transaction, plan, row, article, remote_id, state)
    backup = "the backup does not have the article" if state is None else f"the backup has revision {state.revision}"
    return Finding(
        place=plan.id,
        article=article,
        kind="newer",
        revision=1 if state is None else state.revision,
        detail=f"{remote_id} was created there since; {backup}",
    )


def _adopt(
    context: Context,
    transaction: Transaction,
    plan: ChannelPlan,
    row: Delivery | None,
    article: str,
    remote_id: str,
    state: ArticleState | None,
) -> None:
    if row is None:
        add_delivery(context, transaction, plan, article, 1, state)
    rekeying.add_files(transaction, plan.id, article, [plan.format], remote_id)
    rekeying.set_remote_id(transaction, plan.id, article, remote_id)
