"""Read what the ledger knows of articles that are to be rendered, with as many queries for a batch as for one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from pipeline.ledger import Transaction, deliveries, evidence
from pipeline.ledger.articles import ArticleState, accepted, renditions, revisions, withheld
from pipeline.model.revision import Revision
from pipeline.stages.context import Context
from pipeline.stages.render import withhold
from pipeline.stages.render.decide import ChannelState, Facts
from pipeline.stages.render.fan_out import current_fingerprint

_Revisions = Mapping[tuple[str, int], Revision]


def read(
    context: Context, transaction: Transaction, states: Sequence[ArticleState], now: dt.datetime
) -> dict[str, Facts]:
    """Return what is known of articles that are not withdrawn, by id."""
    ids = [state.id for state in states]
    rendered = {(state.id, state.rendered) for state in states if state.rendered is not None}
    known = revisions.get_all(transaction, {(state.id, state.revision) for state in states} | rendered)
    stored = renditions.of_revisions(transaction, rendered)
    shown = {state.id: _shown(state, known, now) for state in states}
    references = evidence.references_of_all(transaction, [shown[article_id][0].article for article_id in ids])
    last_updates = revisions.last_updates(transaction, ids)
    kept_back, released = withheld.of_articles(transaction, ids), accepted.of_articles(transaction, ids)
    channels = read_channels(transaction, {article_id: shown[article_id][2] for article_id in ids})
    fingerprint = current_fingerprint(context) if rendered else ""
    return {
        state.id: Facts(
            state=state,
            newest=shown[state.id][0],
            embargoed=shown[state.id][1],
            rendered=shown[state.id][2],
            last_update=last_updates.get(state.id),
            stored=stored.get((state.id, state.rendered), {}) if state.rendered is not None else {},
            references=cited,
            withheld=kept_back.get(state.id, {}),
            accepted=released.get(state.id, ()),
            channels=channels[state.id],
            overdue=context.policy.overdue_review == "mark" and withhold.is_overdue(shown[state.id][0], now),
            outdated=state.rendered is not None and state.fingerprint != fingerprint,
        )
        for state, cited in zip(states, references, strict=True)
    }


def _shown(
    state: ArticleState, known: _Revisions, now: dt.datetime
) -> tuple[Revision, Revision | None, Revision | None]:
    """Return the newest revision, one that waits for its embargo, and the rendered one.

    While one waits, the rendered one counts as the newest.
    """
    newest = known[state.id, state.revision]
    rendered = None if state.rendered is None else known[state.id, state.rendered]
    not_before = newest.article.not_before
    if rendered is not None and rendered is not newest and not_before is not None and not_before > now:
        return rendered, newest, rendered
    return newest, None, rendered


def read_channels(
    transaction: Transaction, rendered: Mapping[str, Revision | None]
) -> dict[str, dict[str, ChannelState]]:
    """Return, for each article, the state of each channel that it was ever scheduled for.

    `rendered` has each article's rendered revision.
    """
    rows = deliveries.of_articles(transaction, rendered.keys())
    settled = {row.id: withhold.settled_revision(row) for of_it in rows.values() for row in of_it}
    known = {(article_id, one.number): one for article_id, one in rendered.items() if one is not None}
    numbers = {(row.article, number) for of_it in rows.values() for row in of_it if (number := settled[row.id])}
    known |= revisions.get_all(transaction, numbers - known.keys())
    return {
        article_id: {row.channel: _state(row, settled[row.id], known) for row in rows.get(article_id, ())}
        for article_id in rendered
    }


def _state(row: deliveries.Delivery, settled: int | None, known: _Revisions) -> ChannelState:
    delivered = None if settled is None else known[row.article, settled]
    return ChannelState(row.format, delivered, sending=row.state == "sending")
