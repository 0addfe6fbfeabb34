"""Articles and events as people and programs are shown them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from msgspec import structs

from pipeline.ledger import Transaction, articles, deliveries, evidence
from pipeline.ledger.articles import Standing, renditions, revisions, withheld
from pipeline.ledger.articles.withheld import EVERYWHERE
from pipeline.ledger.deliveries import holdings, proofs
from pipeline.model.event import Accepted
from pipeline.model.reading import ReadWarning
from pipeline.model.reference import CitedReference
from pipeline.views.deliveries import delivered, proof
from pipeline.views.references import reference
from pipeline.views.shape import Shape, moment


def article(transaction: Transaction, article_id: str) -> Shape | None:
    """Where an article stands; None where there is none of this id."""
    standing = articles.standing(transaction, article_id)
    if standing is None:
        return None
    rendered = standing.rendered if standing.state == "live" else None
    formats = renditions.of_revision(transaction, article_id, rendered) if rendered is not None else []
    return {
        "article": standing.id,
        "state": standing.state,
        "revision": standing.revision,
        "title": standing.title,
        "published": moment(standing.published),
        "updated": moment(standing.updated),
        "error": standing.error,
        "references": [reference(one) for one in _shown(transaction, standing)],
        "renditions": [
            {"format": one.format, "media_type": one.media_type, "bytes": one.bytes, "digest": one.digest}
            for one in formats
        ],
        "deliveries": delivered(transaction, deliveries.of_article(transaction, article_id)),
        "withheld": _withheld(transaction, article_id),
        "proofs": [proof(one) for one in proofs.of_article(transaction, article_id)],
    }


def _withheld(transaction: Transaction, article_id: str) -> list[Shape]:
    """From whom the article is kept for its evidence; `channel` is null where that is everyone."""
    return [
        {
            "channel": None if one.channel == EVERYWHERE else one.channel,
            "cause": one.cause,
            "reason": one.reason,
            "references": list(one.references),
            "revision": one.revision,
            "since": moment(one.since),
        }
        for one in withheld.of_article(transaction, article_id).values()
    ]


def shown(transaction: Transaction, article_id: str, channel: str | None, at: dt.datetime) -> Shape:
    """What a channel (None: the site itself) held of an article at a moment, with the references as it had them."""
    number, event, since, digest = None, None, None, None
    if channel is None:
        own = revisions.shown_at(transaction, article_id, at)
        if own is not None:
            number, event, since = own.number, own.event, own.at
    else:
        holding = holdings.at(transaction, article_id, channel, at)
        if holding is not None:
            number, event, since, digest = holding.revision, holding.event, holding.at, holding.digest
    held = None if number is None or event == "withdrawn" else revisions.get(transaction, article_id, number)
    return {
        "article": article_id,
        "channel": channel,
        "at": moment(at),
        "revision": number,
        "event": event,
        "since": moment(since),
        "digest": digest,
        "title": held.article.title if held else None,
        "references": [reference(one) for one in held.references] if held else [],
    }


def released(article_id: str, revision: int, channels: Sequence[str]) -> Shape:
    """`channels`: those that were held up; empty where the whole article was."""
    return {"article": article_id, "revision": revision, "channels": list(channels)}


def accepted(answer: Accepted, state: str = "accepted", warnings: Sequence[ReadWarning] = ()) -> Shape:
    """The answer to an event; `warnings` is there only where reading its article gave some."""
    shape = {
        "event": answer.event,
        "article": answer.article,
        "revision": answer.revision,
        "changed": answer.changed,
        "status": state,
    }
    return shape | ({"warnings": [warning(one) for one in warnings]} if warnings else {})


def warning(given: ReadWarning) -> Shape:
    """A warning as `--json` and the API show it; an error has the same members."""
    return structs.asdict(given)


def settled(transaction: Transaction, article_id: str, revision: int) -> str | None:
    """How the deliveries of a revision ended: delivered, abandoned or scheduled; None while any is still owed."""
    standing = articles.standing(transaction, article_id)
    if standing is None:
        return None
    if standing.state != "withdrawn" and (standing.rendered or 0) < revision:
        return "scheduled" if standing.state == "scheduled" else None
    owed = deliveries.of_article(transaction, article_id)
    states = {one.state for one in owed if one.state != "pending" or one.due is not None}  # else it waits to be pulled
    if states & {"pending", "sending"}:
        return None
    return "abandoned" if "abandoned" in states else "delivered"


def _shown(transaction: Transaction, standing: Standing) -> tuple[CitedReference, ...]:
    """What is known now of what the article cites, newer than any rendition perhaps."""
    if standing.state == "withdrawn":
        return ()
    newest = revisions.get(transaction, standing.id, standing.revision)
    return evidence.show(transaction, newest.article.references)
