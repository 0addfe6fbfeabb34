"""What people and programs are shown of the ledger: the shapes that the command's `--json` and the API share."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pipeline.citations import citation_text
from pipeline.ledger import Transaction, articles, channels, deliveries, evidence, renditions, revisions
from pipeline.ledger.articles import Standing
from pipeline.ledger.deliveries import Delivery
from pipeline.model.article import CitedWork
from pipeline.model.event import Accepted
from pipeline.model.reference import CitedReference

Shape = dict[str, Any]


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
        "published": _time(standing.published),
        "updated": _time(standing.updated),
        "error": standing.error,
        "references": [reference(cited) for cited in _shown(transaction, standing)],
        "renditions": [
            {"format": one.format, "media_type": one.media_type, "bytes": one.bytes, "digest": one.digest}
            for one in formats
        ],
        "deliveries": [delivery(one) for one in deliveries.of_article(transaction, article_id)],
    }


def reference(cited: CitedReference) -> Shape:
    known = cited.reference
    return {
        "pmid": cited.work.value if cited.work.scheme == "pmid" else None,
        "id": f"{cited.work.scheme}:{cited.work.value}",
        "state": cited.state,
        "editorial": list(known.editorial) if known else [],
        "citation": citation_text(cited),
        "url": cited.work.url,
    }


def cited(transaction: Transaction, pmid: str) -> Shape:
    """What is known of a PMID, and which articles cite it."""
    work = CitedWork(scheme="pmid", value=pmid)
    (known,) = evidence.show(transaction, (work,))
    fetched = evidence.fetched(transaction, pmid)
    return reference(known) | {"fetched": _time(fetched), "articles": evidence.citing(transaction, [pmid])}


def delivery(one: Delivery) -> Shape:
    return {
        "id": one.id,
        "article": one.article,
        "channel": one.channel,
        "format": one.format,
        "revision": one.wanted,
        "held": one.held,
        "event": "withdrawn" if one.urgency == deliveries.WITHDRAWAL else None,
        "state": one.state,
        "attempts": one.attempts,
        "due": _time(one.due),
        "error": one.error,
    }


def accepted(answer: Accepted, state: str = "accepted") -> Shape:
    return {
        "event": answer.event,
        "article": answer.article,
        "revision": answer.revision,
        "changed": answer.changed,
        "status": state,
    }


def system(transaction: Transaction, channel_ids: list[str]) -> Shape:
    """The whole system at a glance."""
    return {
        "articles": articles.counts(transaction),
        "references": evidence.counts(transaction),
        "deliveries": deliveries.counts(transaction),
        "channels": [_channel(transaction, channel_id) for channel_id in channel_ids],
    }


def settled(transaction: Transaction, article_id: str, revision: int) -> str | None:
    """How the deliveries of a revision ended: delivered, abandoned or scheduled; None while any is still owed."""
    standing = articles.standing(transaction, article_id)
    if standing is None:
        return None
    if standing.state != "withdrawn" and (standing.rendered or 0) < revision:
        return "scheduled" if standing.state == "scheduled" else None
    states = {one.state for one in deliveries.of_article(transaction, article_id)}
    if states & {"pending", "sending"}:
        return None
    return "abandoned" if "abandoned" in states else "delivered"


def _shown(transaction: Transaction, standing: Standing) -> tuple[CitedReference, ...]:
    """What is known now of what the article cites, newer than any rendition perhaps."""
    if standing.state == "withdrawn":
        return ()
    newest = revisions.get(transaction, standing.id, standing.revision)
    return evidence.show(transaction, newest.article.references)


def _channel(transaction: Transaction, channel_id: str) -> Shape:
    health = channels.health(transaction, channel_id)
    return {
        "channel": channel_id,
        "failures": health.failures,
        "paused_until": _time(health.paused_until),
        "disabled": _time(health.disabled),
        "reason": health.reason,
    }


def _time(at: dt.datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
