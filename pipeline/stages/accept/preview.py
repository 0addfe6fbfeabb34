"""Foresee what an event would do, by the rules by which it is accepted. Nothing is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from msgspec import Struct, structs

from pipeline.hints import meant
from pipeline.intake.review_date import check_review_date
from pipeline.ledger import Transaction, articles, findings
from pipeline.ledger.articles import ArticleState, events, names, revisions
from pipeline.model.article import Article
from pipeline.model.event import Event, Publish, Withdraw
from pipeline.model.reading import ReadWarning
from pipeline.model.site import Feed
from pipeline.stages.accept import unknown_article
from pipeline.stages.accept.identity import identity_of, other_places, taken
from pipeline.stages.accept.order import order_of
from pipeline.stages.context import Wanting, wants

Action = Literal["new", "changed", "same", "renamed", "again", "withdrawn", "overtaken", "repeated"]
CHANGING: frozenset[Action] = frozenset({"new", "changed", "renamed", "again"})


class Foreseen(Struct, frozen=True, kw_only=True):
    """What would become of an event.

    `again`: the article was withdrawn and would be live again. `renamed`: the article would be renamed from `former`,
    whose address would redirect to the new one. `repeated`: the event was accepted before.
    """

    action: Action
    article: str
    revision: int
    former: str | None = None
    before: Article | None = None  # its newest content
    after: Article | None = None  # what would be published, under the ledger's id


def foresee(transaction: Transaction, event: Event, *, now: dt.datetime, gone: Callable[[str], bool]) -> Foreseen:
    """Return what accepting the event would do. Raises InvalidEvent as `accept` does."""
    earlier = events.answer_to(transaction, event)
    if earlier is not None:
        return Foreseen(action="repeated", article=earlier.article, revision=earlier.revision)
    if isinstance(event, Withdraw):
        return _withdrawn(transaction, event)
    return _published(transaction, event, now, gone)


def _withdrawn(transaction: Transaction, event: Withdraw) -> Foreseen:
    current = articles.get(transaction, names.article_named(transaction, event.article_id))
    if current is None:
        raise unknown_article(event.article_id)
    if current.state == "withdrawn":
        return Foreseen(action="same", article=current.id, revision=current.revision)
    number = findings.next_number(transaction, current.id, current.revision)
    return Foreseen(action="withdrawn", article=current.id, revision=number)


def _published(transaction: Transaction, event: Publish, now: dt.datetime, gone: Callable[[str], bool]) -> Foreseen:
    identity = identity_of(transaction, event, now=now)
    if refused := taken(event, identity, other_places(transaction, event, identity), gone=gone):
        raise refused
    after = identity.of(event.article)
    current = articles.get(transaction, identity.article_id)
    if current is not None and order_of(transaction, structs.replace(event, article=after), now=now) == "overtaken":
        return Foreseen(action="overtaken", article=current.id, revision=current.revision)
    check_review_date(event.article, now)
    if current is None:
        number = findings.next_number(transaction, after.id, 0)
        return Foreseen(action="new", article=after.id, revision=number, after=after)
    before = revisions.newest_content(transaction, current.id).article
    action = _action(current, identity.renamed, same=before == after)
    number = current.revision if action == "same" else findings.next_number(transaction, current.id, current.revision)
    former = identity.former if identity.renamed else None
    return Foreseen(action=action, article=current.id, revision=number, former=former, before=before, after=after)


def _action(current: ArticleState, renamed: bool, *, same: bool) -> Action:
    if current.state == "withdrawn":
        return "again"
    if renamed:
        return "renamed"
    return "same" if same else "changed"


def scheduled(article: Article, now: dt.datetime) -> dt.datetime | None:
    """Return the end of the article's embargo, if that is still to come."""
    return article.not_before if article.not_before and article.not_before > now else None


def slugs(article: Article) -> frozenset[str]:
    return frozenset(topic.slug for topic in article.topics)


def channels_for(channels: Iterable[Wanting], article: Article) -> list[str]:
    """Return the channels that want the article because of its topics."""
    mine = slugs(article)
    return [one.id for one in channels if wants(one, mine)]


def feeds_for(feeds: Iterable[Feed], article: Article) -> list[str]:
    mine = slugs(article)
    return [feed.id for feed in feeds if feed.holds(mine, article.language)]


def unknown_topics(
    article: Article, channels: Iterable[Wanting], feeds: Iterable[Feed], *, file: str | None = None
) -> Iterator[ReadWarning]:
    """Warn of topics that no feed or channel asks for, if any of them asks for topics at all."""
    known = {slug for feed in feeds for slug in (*feed.topics, *feed.without_topics)}
    known.update(slug for channel in channels for slug in channel.topics)
    for topic in article.topics if known else ():
        if topic.slug not in known:
            close = meant(topic.slug, known)
            yield ReadWarning(
                code="unknown-topic",
                message=f"no feed or channel asks for the topic {topic.slug!r}",
                file=file,
                field="topics",
                hint=f"did you mean {close!r}?" if close else None,
            )
