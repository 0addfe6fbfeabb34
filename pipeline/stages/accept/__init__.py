"""accept: an event → an article revision in the ledger, in one transaction, answered at once.

the same event again                    → the same answer
the same content again                  → nothing new
older than what its source said before  → nothing new
anything else                           → the next revision, due to be rendered
a withdrawal                            → every channel that may have seen the article is owed its tombstone
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.errors import InvalidEvent
from pipeline.intake.review_date import check_review_date
from pipeline.ledger import Ledger, Transaction, articles, deliveries, evidence
from pipeline.ledger.articles import Standing, events, revisions, withheld
from pipeline.model.article import Article
from pipeline.model.event import Accepted, Event, Publish, Withdraw
from pipeline.model.revision import EventType
from pipeline.stages.accept.withdrawing import take_back
from pipeline.stages.context import Doorbell


@dataclass(frozen=True)
class Intake:
    """What accepting needs: less than the other stages, so that whoever can reach the ledger can publish."""

    ledger: Ledger
    doorbell: Doorbell
    clock: Callable[[], dt.datetime]
    new_id: Callable[[str], str]
    evidence_wait: float  # seconds


def accept(intake: Intake, event: Event) -> Accepted:
    """Raises InvalidEvent for a withdrawal of what was never published; TransientError as the ledger does."""
    (accepted,) = accept_all(intake, (event,))
    return accepted


def accept_all(intake: Intake, batch: Sequence[Event]) -> list[Accepted]:
    """The answers, in the order of the events, which are accepted in one transaction: all of them or none.

    Raises as `accept`. That is once to the disk, and one burst for the stages that follow, for any number of articles.
    """
    if not batch:
        return []
    with intake.ledger.write() as transaction:
        accepted = [_accept(intake, transaction, event, intake.clock()) for event in batch]
    _ring(intake, list(zip(batch, accepted, strict=True)))
    return accepted


def _accept(intake: Intake, transaction: Transaction, event: Event, now: dt.datetime) -> Accepted:
    origin = event.origin
    earlier = events.answer_to(transaction, source=origin.source, source_id=origin.id)
    if earlier is not None:
        return earlier
    standing = articles.lock(transaction, event.article_id)
    accepted = _Acceptance(intake, transaction, event, standing, now).answer()
    events.record(transaction, event, accepted, now=now)
    return accepted


class _Acceptance:
    """One event against one article, within one transaction."""

    def __init__(
        self, intake: Intake, transaction: Transaction, event: Event, standing: Standing | None, now: dt.datetime
    ) -> None:
        self.intake = intake
        self.transaction = transaction
        self.event = event
        self.standing = standing
        self.now = now
        self.event_id = intake.new_id("evt_")

    def answer(self) -> Accepted:
        if self.standing is not None and self._overtaken():
            return self._accepted(self._type(), self.standing.revision, changed=False)
        match self.event:
            case Publish(article=article):
                return self._publish(article)
            case Withdraw(reason=reason):
                return self._withdraw(reason)

    def _publish(self, article: Article) -> Accepted:
        check_review_date(article, self.now)
        content = revisions.add_content(self.transaction, article)
        if self._same(content):
            assert self.standing is not None
            return self._accepted(self._type(), self.standing.revision, changed=False)
        new = self._next_standing(article)
        if self.standing is None and not articles.create(self.transaction, new):
            self.standing = articles.lock(self.transaction, article.id)  # another process was first
            return self.answer()
        unheard_of = self.standing is None
        pending = evidence.cite(self.transaction, article.id, article.references, now=self.now, new=unheard_of)
        due = _due(new, article, self.intake, self.now, pending=pending)
        articles.set_standing(self.transaction, self._as_shown(due, article))
        revisions.add(
            self.transaction,
            article.id,
            new.revision,
            event=self._type(),
            event_id=self.event_id,
            now=self.now,
            updated=new.updated,
            content=content,
        )
        return self._accepted(self._type(), new.revision, changed=True)

    def _withdraw(self, reason: str) -> Accepted:
        standing = self.standing
        if standing is None:
            raise InvalidEvent(
                "no article of this id was ever published",
                code="unknown-article",
                field="article",
                hint="give the id that `citewire status` shows",
                article=self.event.article_id,
            )
        withheld.lift(self.transaction, standing.id)  # what is withdrawn is no more for anyone to release
        if standing.state == "withdrawn":
            return self._accepted("withdrawn", standing.revision, changed=False)
        take_back(self.transaction, standing, event_id=self.event_id, reason=reason, now=self.now)
        return self._accepted("withdrawn", standing.revision + 1, changed=True)

    def _overtaken(self) -> bool:
        """The sender has told us of something newer already: its events came out of order."""
        origin = self.event.origin
        if origin.time is None:
            return False
        newest = events.newest_time(self.transaction, self.event.article_id, origin.source)
        return newest is not None and origin.time < newest

    def _same(self, content: str) -> bool:
        if self.standing is None or self.standing.state == "withdrawn":
            return False
        return revisions.content_of(self.transaction, self.standing.id, self.standing.revision) == content

    def _type(self) -> EventType:
        if isinstance(self.event, Withdraw):
            return "withdrawn"
        return "published" if self.standing is None or self.standing.state == "withdrawn" else "updated"

    def _next_standing(self, article: Article) -> Standing:
        before = self.standing
        published = article.published or (before.published if before else self.now)
        return Standing(
            id=article.id,
            state="live",
            revision=before.revision + 1 if before else 1,
            rendered=before.rendered if before and before.state != "withdrawn" else None,
            title=article.title,
            language=article.language,
            published=published,
            updated=max(published, shown_update(article, before, self.now)),
            due=None,
            error=None,
        )

    def _as_shown(self, new: Standing, article: Article) -> Standing:
        """What lists and tombstones tell of the article: nothing of an update before its embargo ends."""
        before = self.standing
        if before is None or new.rendered is None or article.embargo is None or article.embargo <= self.now:
            return new
        shown = {name: getattr(before, name) for name in ("title", "language", "published", "updated")}
        return articles.changed(new, **shown)

    def _accepted(self, type: EventType, revision: int, *, changed: bool) -> Accepted:
        return Accepted(
            event=self.event_id, type=type, article=self.event.article_id, revision=revision, changed=changed
        )


def shown_update(article: Article, before: Standing | None, now: dt.datetime) -> dt.datetime:
    """The date of change that readers see: the author's, as long as it moves forward and is not still to come."""
    if before is None:
        stated = article.modified or article.published or now
        return min(stated, max(now, article.published or now))
    if article.modified is not None and before.updated < article.modified <= now:
        return article.modified
    return max(now, before.updated)


def _due(new: Standing, article: Article, intake: Intake, now: dt.datetime, *, pending: bool) -> Standing:
    """When the revision is to be rendered: once its references are known, or have been waited for; never embargoed."""
    wait = dt.timedelta(seconds=intake.evidence_wait if pending else 0)
    embargoed = article.embargo is not None and article.embargo > now
    due = max(now + wait, article.embargo) if embargoed and article.embargo else now + wait
    state = "scheduled" if embargoed and new.rendered is None else "live"
    return articles.changed(new, state=state, due=due)


def _ring(intake: Intake, answered: Sequence[tuple[Event, Accepted]]) -> None:
    """After the commit, and only to save time: the sweep would find it all."""
    changed = [(event, accepted) for event, accepted in answered if accepted.changed]
    if any(isinstance(event, Publish) for event, _ in changed):
        intake.doorbell.ring("enrich")
        intake.doorbell.ring("render")
    withdrawn = [accepted.article for event, accepted in changed if isinstance(event, Withdraw)]
    if not withdrawn:
        return
    with intake.ledger.read() as transaction:
        channels = {one.channel for article in withdrawn for one in deliveries.of_article(transaction, article)}
    for channel in sorted(channels):
        intake.doorbell.ring("deliver", channel, urgent=True)
    intake.doorbell.ring("feeds")
