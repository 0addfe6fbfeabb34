"""Give an article that was found at a place a delivery there, so that corrections and withdrawals reach it."""

from __future__ import annotations

from pipeline.ledger import Transaction, deliveries
from pipeline.ledger.articles import ArticleState
from pipeline.ledger.places import ALL
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.deliver.fill import schedule
from pipeline.stages.places.fill import lack


def add_delivery(
    context: Context,
    transaction: Transaction,
    plan: ChannelPlan,
    article: str,
    revision: int,
    state: ArticleState | None,
) -> None:
    """Add a delivery: of the article's state, or of the revision that lies there if nothing of it was published."""
    now, new = context.clock(), context.new_id("dlv_")
    if state is not None and state.state == "withdrawn":
        number = state.rendered or state.revision
        deliveries.withdraw_at(transaction, state.id, id=new, key=plan.id, format=plan.format, revision=number, now=now)
    elif state is None or state.rendered is None:
        deliveries.lies_at(transaction, article, id=new, key=plan.id, format=plan.format, revision=revision, now=now)
    else:
        found = lack(transaction, context.policy, plan, state.id, ALL, now=now)
        if found is not None and found.kind == "send" and found.revision is not None:
            schedule(context, transaction, plan, found.revision, now=now)
