"""Accept the first publications of many articles together, with as many statements as for one.

An event is taken here if neither the ledger nor another event of the batch knows anything of its article, so that it
can only become revision 1. All others are accepted one after the other, with the same result as if there were no batch.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from msgspec import structs

from pipeline.errors import InvalidArticle
from pipeline.intake.review_date import check_review_date
from pipeline.ledger import Transaction, articles, evidence
from pipeline.ledger.articles import ArticleState, events, first, origins, revisions
from pipeline.model.article import Article
from pipeline.model.event import OF_ONE, Accepted, Event, Publish
from pipeline.stages.accept.identity import body_digest


def unheard_of(transaction: Transaction, batch: Sequence[Event], now: dt.datetime) -> dict[int, Publish]:
    """Return the events that are the first of their articles, by their place in the batch."""
    if len(batch) < 2:
        return {}
    chosen = _unlike_others(batch, now)
    known = first.known(
        transaction,
        names={name for event in chosen.values() for name in _names(event)},
        places={event.place for event in chosen.values() if event.place is not None and _is_file(event)},
        origins={(event.origin.source, event.origin.id) for event in chosen.values()},
    )
    return {number: event for number, event in chosen.items() if not _is_known(event, known)}


def _unlike_others(batch: Sequence[Event], now: dt.datetime) -> dict[int, Publish]:
    """Return the publications of which no other event of the batch knows anything."""
    keys = [_keys(event) for event in batch]
    uses = Counter(key for some in keys for key in some)
    by_title = {event.place for event in batch if isinstance(event, Publish) and event.id_from == "title"}
    alone = {number: event for number, event in enumerate(batch) if all(uses[key] == 1 for key in keys[number])}
    return {
        number: event
        for number, event in alone.items()
        if isinstance(event, Publish) and _stands_alone(event, by_title) and _is_reviewed(event, now)
    }


def _is_known(event: Publish, known: first.Known) -> bool:
    is_named = bool(known.names & _names(event))
    is_placed = _is_file(event) and event.place in known.places
    return is_named or is_placed or (event.origin.source, event.origin.id) in known.origins


def accept_first(
    transaction: Transaction,
    chosen: Mapping[int, Publish],
    *,
    new_id: Callable[[str], str],
    state_of: Callable[[Article, bool], ArticleState],
    now: dt.datetime,
) -> dict[int, Accepted]:
    """Accept these events; return their answers. An article that another process has just created is left out.

    `state_of` returns the first state of an article; `True`: something that it cites is unanswered.
    """
    created = articles.create_all(transaction, [state_of(event.article, False) for event in chosen.values()])
    taken = {number: event for number, event in chosen.items() if event.article.id in created}
    shown = {number: structs.replace(event.article, address=None) for number, event in taken.items()}
    cited = {article.id: article.identified for article in shown.values()}
    pending = evidence.cite_all(transaction, cited, now=now)
    waiting = [state_of(article, True) for article in shown.values() if article.id in pending]
    articles.save_all(transaction, waiting)
    answers = {number: _answer(event, new_id("evt_"), pending, now) for number, event in taken.items()}
    _record(transaction, taken, shown, answers, now)
    return answers


def _record(
    transaction: Transaction,
    taken: Mapping[int, Publish],
    shown: Mapping[int, Article],
    answers: Mapping[int, Accepted],
    now: dt.datetime,
) -> None:
    placed = [(event.place, event.article.id, body_digest(event.article)) for event in taken.values() if event.place]
    origins.record_all(transaction, placed, now=now)
    digests = revisions.add_contents(transaction, shown.values())
    new = [(shown[number].id, answers[number].event, digest) for number, digest in zip(shown, digests, strict=True)]
    revisions.add_first(transaction, new, now=now)
    events.record_all(transaction, [(taken[number], answers[number]) for number in taken], now=now)


def _answer(event: Publish, id: str, pending: Collection[str], now: dt.datetime) -> Accepted:
    time = event.origin.time
    return Accepted(
        event=id,
        type="published",
        article=event.article.id,
        revision=1,
        changed=True,
        time_ahead=time is not None and time > now,
        unanswered=event.article.id in pending,
    )


def _keys(event: Event) -> set[tuple[str, ...]]:
    """Return by what another event of the batch may be the same, or be about the same article."""
    keys: set[tuple[str, ...]] = {("event", event.origin.source, event.origin.id), ("name", event.article_id)}
    if isinstance(event, Publish):
        keys |= {("name", name) for name in _names(event)}
        keys |= {("place", event.place)} if event.place is not None and _is_file(event) else set()
    return keys


def _names(event: Publish) -> set[str]:
    """Return the names by which the ledger may know the article. An article with an id of its own goes by no title."""
    former = None if event.id_from == "id" else event.former_id
    return {name for name in (event.article.id, event.article.address, former) if name is not None}


def _is_file(event: Publish) -> bool:
    """Return whether the event's place has one article at a time, as a source has not."""
    return event.place is not None and event.place.startswith(OF_ONE)


def _stands_alone(event: Publish, by_title: Collection[str | None]) -> bool:
    """Return whether what came before cannot decide which article this is, as it does where texts are compared."""
    goes_by_title = event.place is not None and not _is_file(event) and event.place in by_title
    return not event.restores_name and not goes_by_title


def _is_reviewed(event: Publish, now: dt.datetime) -> bool:
    """Return whether the event is not to be refused because of its review, which happens in its turn."""
    try:
        check_review_date(event.article, now)
    except InvalidArticle:
        return False
    return True
