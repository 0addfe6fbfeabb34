"""Look again at an article that is held from everyone, because something was learnt of what it cites."""

from __future__ import annotations

from pipeline.ledger import Transaction, articles, evidence
from pipeline.ledger.articles import ArticleState, accepted, revisions, withheld
from pipeline.ledger.articles.withheld import EVERYWHERE
from pipeline.model.revision import Revision
from pipeline.stages.accept.release import publish_again
from pipeline.stages.context import Context
from pipeline.stages.render import withhold
from pipeline.stages.render.fan_out import current_fingerprint
from pipeline.stages.stage import Claim


def reconsider(context: Context, claim: Claim) -> None:
    """End the hold if its cause is gone: the article is published again, as a new revision."""
    with context.ledger.write() as transaction:
        state = articles.lock_claimed(transaction, claim.keys[0], token=claim.token)
        if state is None or state.state != "withdrawn":
            return
        if not _is_over(context, transaction, state):
            articles.save(transaction, articles.changed(state, due=None, fingerprint=current_fingerprint(context)))
            return
        withheld.lift(transaction, state.id)
        publish_again(transaction, state, context.clock())
    context.doorbell.ring("render")


def _is_over(context: Context, transaction: Transaction, state: ArticleState) -> bool:
    hold = withheld.of_article(transaction, state.id).get(EVERYWHERE)
    if hold is None or hold.cause != "hold":
        return False  # a person withdrew it
    article = revisions.newest_content(transaction, state.id).article
    revision = Revision(
        article=article,
        number=state.revision,
        published=state.published,
        updated=state.updated,
        references=evidence.references_of(transaction, article),
    )
    known = accepted.of_article(transaction, state.id)
    return withhold.site_hold(context.policy, revision, known, now=context.clock()) is None
