"""accept: turn an event into an article revision in the ledger, in one transaction, and answer at once.

the same event again                    → the same answer
the same id with other content          → refused
the same content again                  → nothing new
older than its source's previous event  → overtaken: recorded, but not carried out
anything else                           → the next revision, due to be rendered
a withdrawal                            → always a tombstone for every channel that may have seen the article
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pipeline.errors import InvalidEvent
from pipeline.intake.review_date import check_review_date
from pipeline.ledger import Ledger, Transaction, articles, deliveries, evidence, findings, operations
from pipeline.ledger.articles import ArticleState, events, public, revisions, withheld
from pipeline.ledger.operations import Operation, Part, PartOutcome
from pipeline.model.article import Article, CitedWork
from pipeline.model.event import FILE, Accepted, Event, Outcome, Publish, Withdraw
from pipeline.model.revision import EventType
from pipeline.stages.accept.first import accept_first, unheard_of
from pipeline.stages.accept.identity import identified
from pipeline.stages.accept.order import Order, order_of
from pipeline.stages.accept.traced import traced
from pipeline.stages.accept.withdrawing import take_back
from pipeline.stages.bells import WITHDRAWALS
from pipeline.stages.context import Context, Doorbell
from pipeline.tracing import NoTracing, Tracing

_FEW = 3  # channels that are rung for one by one


def _warn(event: str, **facts: object) -> None:
    import structlog  # which brings along a library for terminals, and is seldom needed

    structlog.get_logger().warning(event, **facts)


@dataclass(frozen=True)
class Intake:
    """What accepting needs, which is less than other stages need: publishing works whenever the ledger is reachable."""

    ledger: Ledger
    doorbell: Doorbell
    clock: Callable[[], dt.datetime]  # the ledger's time, on which all processes agree
    new_id: Callable[[str], str]
    evidence_wait: float  # seconds
    gone: Callable[[str], bool] = lambda place: False  # whether a place that an article came from no longer exists
    tracing: Tracing = field(default_factory=NoTracing)
    warn: Callable[..., None] = _warn  # logs a warning: its name, and its facts by their names


def intake_of(context: Context) -> Intake:
    """Return what accepting needs of a process's context."""
    return Intake(
        ledger=context.ledger,
        doorbell=context.doorbell,
        clock=context.clock,
        new_id=context.new_id,
        evidence_wait=context.policy.evidence_wait,
        tracing=context.tracing,
    )


def accept(intake: Intake, event: Event, operation: Operation | None = None) -> Accepted:
    """Accept one event. Raises InvalidEvent (`unknown-article`, `event-id-reused`, `id-taken`) and TransientError.

    An event that is refused with InvalidEvent is not recorded.
    """
    (accepted,) = accept_all(intake, (event,), operation)
    return accepted


def accept_all(intake: Intake, batch: Sequence[Event], operation: Operation | None = None) -> list[Accepted]:
    """Accept events in one transaction, all of them or none, and return their answers in the same order.

    `operation` is the operation that the events belong to, and is recorded with them. Raises as `accept` does. Any
    number of articles costs one disk write and rings each later stage once.
    """
    if not batch:
        return []
    return traced(intake.tracing, batch, lambda events: accept_chosen(intake, lambda _: events, operation))


def accept_chosen(
    intake: Intake, choose: Callable[[Transaction], Sequence[Event]], operation: Operation | None = None
) -> list[Accepted]:
    """Do as `accept_all` with the events that `choose` returns in the same transaction, from what it finds there.

    After a deadlock the transaction is run again, and `choose` with it.
    """

    def step(transaction: Transaction) -> tuple[Sequence[Event], list[Accepted]]:
        chosen = choose(transaction)
        return chosen, _accept_in(transaction, intake, chosen, operation)

    batch, accepted = intake.ledger.written(step)
    _warn_of_doubtful(intake, batch, accepted)
    _ring(intake, list(zip(batch, accepted, strict=True)))
    return accepted


def _accept_in(
    transaction: Transaction, intake: Intake, batch: Sequence[Event], operation: Operation | None
) -> list[Accepted]:
    """Accept a batch in this transaction, after overlapping batches that began before it."""
    articles.take_turns(transaction, {event.article_id for event in batch})
    now = intake.clock()
    parts: list[Part] = []
    new = _accept_new(transaction, intake, batch, now)
    accepted = []
    for number, event in enumerate(batch):
        if number in new:
            accepted.append(new[number])
            parts.append(_part(event, new[number], None))
        else:
            accepted.append(_accept(intake, transaction, event, now, parts))
    if operation is not None and parts:
        operations.record(transaction, operation, parts)
    return accepted


def _accept_new(
    transaction: Transaction, intake: Intake, batch: Sequence[Event], now: dt.datetime
) -> dict[int, Accepted]:
    """Accept what is published for the first time together; return the answers by place in the batch."""

    def state_of(article: Article, pending: bool) -> ArticleState:
        return _due(_first_state(article, now), article, intake, now, pending=pending)

    chosen = unheard_of(transaction, batch, now)
    return accept_first(transaction, chosen, new_id=intake.new_id, state_of=state_of, now=now) if chosen else {}


def _accept(intake: Intake, transaction: Transaction, event: Event, now: dt.datetime, parts: list[Part]) -> Accepted:
    """Answer one event, and add its result to `parts` unless the answer is a repeated one."""
    earlier = events.answer_to(transaction, event)
    if earlier is not None:
        return earlier
    about = identified(transaction, event, gone=intake.gone, now=now)
    current = articles.lock(transaction, about.article_id)
    accepted = _Acceptance(intake, transaction, about, current, now).answer()
    events.record(transaction, event, accepted, now=now)
    parts.append(_part(event, accepted, current))
    return accepted


def _part(event: Event, accepted: Accepted, before: ArticleState | None) -> Part:
    outcome: PartOutcome = accepted.type if accepted.changed else "unchanged"
    outcome = "overtaken" if accepted.outcome == "overtaken" else outcome
    return Part(
        accepted.article,
        before.revision if before else None,
        accepted.revision,
        outcome,
        file=_file_of(event),
        reason=_reason(event, outcome),
    )


def _file_of(event: Event) -> str | None:
    place = event.place if isinstance(event, Publish) else None
    return place.removeprefix(FILE) if place is not None and place.startswith(FILE) else None


def _reason(event: Event, outcome: PartOutcome) -> str | None:
    if outcome == "overtaken":
        return "a newer event of this source about the article is known"
    return event.reason if isinstance(event, Withdraw) else None


class _Acceptance:
    """One event about one article, within one transaction."""

    def __init__(
        self, intake: Intake, transaction: Transaction, event: Event, current: ArticleState | None, now: dt.datetime
    ) -> None:
        self.intake = intake
        self.transaction = transaction
        self.event = event
        self.current = current
        self.now = now
        self.event_id = intake.new_id("evt_")
        self.order: Order = "next"
        self.unanswered = False

    def answer(self) -> Accepted:
        if self.current is not None:
            self.order = order_of(self.transaction, self.event, now=self.now)
        if self.current is not None and self.order == "overtaken":
            return self._accepted(self._type(), self.current.revision, changed=False, outcome="overtaken")
        match self.event:
            case Publish(article=article):
                return self._publish(article)
            case Withdraw(reason=reason):
                return self._withdraw(reason)

    def _publish(self, article: Article) -> Accepted:
        check_review_date(article, self.now)
        if self._same(article):
            assert self.current is not None
            return self._accepted(self._type(), self.current.revision, changed=False)
        new = self._next_state(article)
        if self.current is None and not articles.create(self.transaction, new):
            self.current = articles.lock(self.transaction, article.id)  # another process created it first
            return self.answer()
        unheard_of = self.current is None
        works = (*article.identified, *self._still_shown(new, article))
        self.unanswered = evidence.cite(self.transaction, article.id, works, now=self.now, new=unheard_of)
        due = _due(new, article, self.intake, self.now, pending=self.unanswered)
        articles.save(self.transaction, self._as_shown(due, article))
        revisions.add(
            self.transaction,
            article.id,
            new.revision,
            event=self._type(),
            event_id=self.event_id,
            now=self.now,
            updated=new.updated,
            content=revisions.add_content(self.transaction, article),
        )
        return self._accepted(self._type(), new.revision, changed=True)

    def _withdraw(self, reason: str) -> Accepted:
        current = self.current
        if current is None:
            raise unknown_article(self.event.article_id)
        withheld.lift(self.transaction, current.id)  # a withdrawn article cannot be released
        if current.state == "withdrawn":
            return self._accepted("withdrawn", current.revision, changed=False)
        number = findings.next_number(self.transaction, current.id, current.revision)
        take_back(self.transaction, current, event_id=self.event_id, reason=reason, now=self.now)
        return self._accepted("withdrawn", number, changed=True)

    def _same(self, article: Article) -> bool:
        if self.current is None or self.current.state == "withdrawn":
            return False
        return revisions.has_content(self.transaction, self.current.id, self.current.revision, article)

    def _type(self) -> EventType:
        if isinstance(self.event, Withdraw):
            return "withdrawn"
        return "published" if self.current is None or self.current.state == "withdrawn" else "updated"

    def _next_state(self, article: Article) -> ArticleState:
        before = self.current
        known = before.published if before is not None and before.published <= self.now else self.now
        return articles.changed(
            _first_state(article, self.now),
            revision=findings.next_number(self.transaction, article.id, before.revision if before else 0),
            rendered=before.rendered if before and before.state != "withdrawn" else None,
            published=article.published or known,
        )

    def _as_shown(self, new: ArticleState, article: Article) -> ArticleState:
        """Return the state that lists and tombstones may show, which reveals nothing of an update under an embargo."""
        before = self.current
        if before is None or not _is_scheduled(article, self.now):
            return new
        if public.find(self.transaction, article.id) is None:
            return new
        shown = {name: getattr(before, name) for name in ("title", "language", "published", "updated")}
        return articles.changed(new, **shown)

    def _still_shown(self, new: ArticleState, article: Article) -> tuple[CitedWork, ...]:
        """Return the works that readers see cited until a scheduled update is published, watched until then."""
        if new.rendered is None or not _is_scheduled(article, self.now):
            return ()
        return revisions.get(self.transaction, article.id, new.rendered).article.identified

    def _accepted(self, type: EventType, revision: int, *, changed: bool, outcome: Outcome = "accepted") -> Accepted:
        time = self.event.origin.time
        return Accepted(
            event=self.event_id,
            type=type,
            article=self.event.article_id,
            revision=revision,
            changed=changed,
            outcome=outcome,
            time_ahead=time is not None and time > self.now,
            unanswered=self.unanswered,
            set_back=self.order == "set-back",
        )


def _first_state(article: Article, now: dt.datetime) -> ArticleState:
    """Return the state of an article of which nothing is known, not due yet."""
    return ArticleState(
        id=article.id,
        state="live",
        revision=1,
        rendered=None,
        title=article.title,
        language=article.language,
        published=article.published or now,
        updated=now,
        due=None,
        error=None,
    )


def _is_scheduled(article: Article, now: dt.datetime) -> bool:
    return article.not_before is not None and article.not_before > now


def _due(new: ArticleState, article: Article, intake: Intake, now: dt.datetime, *, pending: bool) -> ArticleState:
    """Make the revision due when its references are known or the wait for them is over, but not before its time."""
    ready = now + dt.timedelta(seconds=intake.evidence_wait if pending else 0)
    due = max(ready, article.not_before or ready)
    state = "scheduled" if _is_scheduled(article, now) and new.rendered is None else "live"
    return articles.changed(new, state=state, due=due)


def _warn_of_doubtful(intake: Intake, batch: Sequence[Event], answers: Sequence[Accepted]) -> None:
    """Log the events whose order or time was not taken from the sender."""
    for event, answer in zip(batch, answers, strict=True):
        ids = {"event_id": answer.event, "article": answer.article, "source": event.origin.source}
        if answer.outcome == "overtaken":
            intake.warn("overtaken", **ids, revision=answer.revision)
        if answer.time_ahead:
            intake.warn("event-time-ahead", **ids, time=str(event.origin.time))
        if answer.set_back:
            intake.warn("clock-set-back", **ids, time=str(event.origin.time))


def _ring(intake: Intake, answered: Sequence[tuple[Event, Accepted]]) -> None:
    """Ring after the commit. This only saves time, because the sweep finds everything.

    What waits for an answer is rendered when that has come, so that its first stage is enrich, and render for all else.
    """
    changed = [(event, accepted) for event, accepted in answered if accepted.changed]
    unanswered = {accepted.unanswered for event, accepted in changed if isinstance(event, Publish)}
    if False in unanswered or (unanswered and not intake.evidence_wait):
        intake.doorbell.ring("render")
    if True in unanswered:
        intake.doorbell.ring("enrich")
    withdrawn = [accepted.article for event, accepted in changed if isinstance(event, Withdraw)]
    if not withdrawn:
        return
    with intake.ledger.read() as transaction:
        channels = {one.channel for article in withdrawn for one in deliveries.of_article(transaction, article)}
    for channel in [WITHDRAWALS] if len(channels) > _FEW else sorted(channels):
        intake.doorbell.ring("deliver", channel, urgent=True)
    intake.doorbell.ring("feeds")


def unknown_article(article_id: str) -> InvalidEvent:
    """Return the error for an event about an article that does not exist."""
    return InvalidEvent(
        "no article of this id was ever published",
        code="unknown-article",
        field="article",
        hint="give the id that `citewire status` shows",
        article=article_id,
    )
