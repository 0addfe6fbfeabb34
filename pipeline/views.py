"""What people and programs are shown of the ledger: the shapes that the command's `--json` and the API share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from pipeline.citations import citation_csl, citation_text
from pipeline.ledger import (
    Transaction,
    articles,
    attempts,
    changes,
    channels,
    cited,
    deliveries,
    evidence,
    evidence_changes,
    holdings,
    proofs,
    pulls,
    renditions,
    revisions,
    withheld,
)
from pipeline.ledger.articles import Standing
from pipeline.ledger.deliveries import Delivery
from pipeline.ledger.evidence_changes import Noted
from pipeline.ledger.proofs import Proof
from pipeline.ledger.withheld import EVERYWHERE
from pipeline.model.article import CitedWork
from pipeline.model.event import Accepted
from pipeline.model.reference import CitedReference
from pipeline.stages import circuit

Shape = dict[str, Any]

_MOST = 100  # of a list that may be long, in the look at the whole system


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
            "since": _time(one.since),
        }
        for one in withheld.of_article(transaction, article_id).values()
    ]


def reference(one: CitedReference) -> Shape:
    known = one.reference
    return {
        "pmid": one.work.value if one.work.scheme == "pmid" else known.pmid if known else None,
        "id": f"{one.work.scheme}:{one.work.value}",
        "state": one.state,
        "editorial": list(known.editorial) if known else [],
        "citation": citation_text(one),
        "url": one.work.url,
    }


def known(transaction: Transaction, pmids: Sequence[str]) -> list[Shape]:
    """What is known of each PMID, and which live articles cite it; the latter only of one that nobody ever cited."""
    times, by = cited.times(transaction, pmids), cited.live_articles(transaction, pmids)
    shapes = []
    for one in evidence.show(transaction, [CitedWork(scheme="pmid", value=pmid) for pmid in pmids]):
        pmid, record = one.work.value, one.reference
        heard = times.get(pmid)
        shapes.append(
            reference(one)
            | {
                "notices": [
                    {"state": notice.state, "source": notice.source, "pmid": notice.pmid}
                    for notice in (record.notices if record else ())
                ],
                "csl": citation_csl(record) if record else None,
                "fetched": _time(heard.fetched if heard else None),
                "changed": _time(heard.changed if heard else None),
                "articles": by.get(pmid, []),
            }
        )
    return shapes


def known_reference(transaction: Transaction, pmid: str) -> Shape | None:
    """As `known`; None of a PMID that no article ever cited."""
    if not cited.times(transaction, [pmid]):
        return None
    (shape,) = known(transaction, [pmid])
    return shape


def evidence_change(one: Noted) -> Shape:
    return {
        "id": one.id,
        "pmid": one.pmid,
        "at": _time(one.at),
        "gained": list(one.gained),
        "lost": list(one.lost),
        "editorial": list(one.record.editorial),
        "notices": [
            {"state": notice.state, "source": notice.source, "pmid": notice.pmid} for notice in one.record.notices
        ],
        "citation": citation_text(_as_cited(one)),
        "articles": list(one.articles),
    }


def evidence_changed(transaction: Transaction, *, limit: int, pmid: str | None = None) -> list[Shape]:
    """Newest first."""
    return [evidence_change(one) for one in evidence_changes.newest(transaction, limit=limit, pmid=pmid)]


def _as_cited(one: Noted) -> CitedReference:
    return CitedReference(1, CitedWork(scheme="pmid", value=one.pmid), "resolved", one.record)


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
        "at": _time(at),
        "revision": number,
        "event": event,
        "since": _time(since),
        "digest": digest,
        "title": held.article.title if held else None,
        "references": [reference(one) for one in held.references] if held else [],
    }


def delivered(transaction: Transaction, found: Sequence[Delivery]) -> list[Shape]:
    """Deliveries as they are shown, each with how many references its revision shows without PubMed's answer."""
    waiting = revisions.pending(transaction, {(one.article, one.wanted) for one in found if one.wanted_digest})
    return [delivery(one, pending=waiting.get((one.article, one.wanted), 0)) for one in found]


def delivery(one: Delivery, *, pending: int = 0) -> Shape:
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
        "references_pending": pending,
    }


def tried(transaction: Transaction, one: Delivery, *, limit: int = 100) -> Shape:
    """A delivery with its attempts, the newest first."""
    kept = [
        {
            "at": _time(attempt.at),
            "revision": attempt.revision,
            "outcome": attempt.outcome,
            "status": attempt.status,
            "milliseconds": attempt.milliseconds,
            "detail": attempt.detail,
            "answer": attempt.answer,
        }
        for attempt in attempts.of(transaction, one.id, limit=limit)
    ]
    return delivered(transaction, [one])[0] | {"tried": kept}


def proof(one: Proof) -> Shape:
    """Whether a withdrawal that a channel took is out of sight there, and how long that took."""
    took = None if one.proved is None else (one.proved - one.withdrawn).total_seconds()
    return {
        "delivery": one.delivery,
        "article": one.article,
        "channel": one.channel,
        "revision": one.revision,
        "withdrawn": _time(one.withdrawn),
        "checked": _time(one.checked),
        "proved": _time(one.proved),
        "seconds": took,
        "shown": one.shown,
        "due": _time(one.due),
        "error": one.error,
    }


def released(article_id: str, revision: int, channels: Sequence[str]) -> Shape:
    """`channels`: those that were held up; empty where the whole article was."""
    return {"article": article_id, "revision": revision, "channels": list(channels)}


def accepted(answer: Accepted, state: str = "accepted") -> Shape:
    return {
        "event": answer.event,
        "article": answer.article,
        "revision": answer.revision,
        "changed": answer.changed,
        "status": state,
    }


def system(transaction: Transaction, channel_ids: list[str], *, now: dt.datetime) -> Shape:
    """The whole system at a glance."""
    return {
        "articles": articles.counts(transaction),
        "references": evidence.counts(transaction),
        "deliveries": deliveries.counts(transaction),
        "withheld": withheld.counts(transaction),
        "channels": [_channel(transaction, channel_id, now) for channel_id in channel_ids],
        "not_configured": deliveries.owed_elsewhere(transaction, channel_ids),
        "withdrawals_owed": [delivery(one) for one in deliveries.owed_withdrawals(transaction, limit=_MOST)],
        "proofs": [proof(one) for one in proofs.owed(transaction, limit=_MOST)],
    }


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


def _channel(transaction: Transaction, channel_id: str, now: dt.datetime) -> Shape:
    health = channels.health(transaction, channel_id)
    return {
        "channel": channel_id,
        "circuit": circuit.state(health, now),
        "opened": _time(health.opened),
        "failures": health.failures,
        "paused_until": _time(health.paused_until),
        "disabled": _time(health.disabled),
        "reason": health.reason,
        "pulled": _pulled(transaction, channel_id),
    }


def _pulled(transaction: Transaction, channel_id: str) -> Shape | None:
    """How far a partner who pulls has come, and how many changes follow; None where nobody ever asked."""
    position = pulls.position(transaction, channel_id)
    if position is None:
        return None
    left = changes.behind(transaction, channel_id, position.taken)
    return {"seen": _time(position.seen), "token": position.token, "taken": position.taken, "left": left}


def _time(at: dt.datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
