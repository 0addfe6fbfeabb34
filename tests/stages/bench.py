"""A whole pipeline on a table: the real ledger and stages, a controllable clock, and scripted channels."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import sqlalchemy as sa
from every_stage import deliver, enrich, feeds, prove, render

from pipeline.channels import Channel
from pipeline.errors import EndpointGone, PermanentError, TransientError
from pipeline.ledger import Ledger, Transaction, articles, claims
from pipeline.ledger.database import Instant
from pipeline.ledger.tables import metadata
from pipeline.model.article import Article, CitedWork, Paragraph, Text, Topic
from pipeline.model.delivery import Parcel, Receipt
from pipeline.model.event import Accepted, Origin, Publish, Stated, Withdraw
from pipeline.model.reference import Reference
from pipeline.model.rendition import Format
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Feed, Site
from pipeline.references.idconv import Converted
from pipeline.references.pubmed.eutils import Fetched
from pipeline.stages.accept import Intake, accept
from pipeline.stages.backlog import backlogs
from pipeline.stages.context import ChannelPlan, Context, Policy
from pipeline.stages.flow import STAGES
from pipeline.stages.stage import Stage, drain
from pipeline.store import FileState

_LOOK = 600.0  # seconds that are passed over at once
_COMING_TO_BE = {"due", "leased_until", "paused_until", "not_before", "next_send", "next_batch"}  # columns
START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
SITE = Site(title="Notes", url="https://notes.example.org", publisher="Example Health", disclaimer="Ask your doctor.")


POLICY = Policy(render_look=600.0, drain_seconds=600.0)  # however slow the machine is, work is done in one go


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


Mood = Literal["well", "down", "refuses", "gone", "broken"]


@dataclass
class Receiver:
    """The other end of a channel."""

    mood: Mood = "well"
    retry_after: float | None = None
    got: list[Parcel] = field(default_factory=list)
    tried: list[Parcel] = field(default_factory=list)

    def deliver(self, parcel: Parcel) -> Receipt:
        self.tried.append(parcel)
        match self.mood:
            case "down":
                raise TransientError("503", status=503, retry_after=self.retry_after, code="http-503")
            case "refuses":
                raise PermanentError("400", status=400)
            case "gone":
                raise EndpointGone("410", status=410)
            case "broken":
                raise RuntimeError("a channel with a fault in it")
        self.got.append(parcel)
        return Receipt("200 OK", status=200)

    def check(self) -> str:
        return "here"

    def close(self) -> None:
        return

    def last(self, article_id: str) -> Parcel:
        return [parcel for parcel in self.got if parcel.article_id == article_id][-1]


@dataclass
class PubMed:
    """What PubMed knows, and whether it answers."""

    papers: dict[str, Reference] = field(default_factory=dict)
    down: bool = False
    asked: list[tuple[str, ...]] = field(default_factory=list)
    rate_limit: int | None = None
    refusal: TransientError | None = None
    leaves_out: set[str] = field(default_factory=set)
    breaks: set[str] = field(default_factory=set)

    def fetch(self, pmids: Sequence[str]) -> Fetched:
        self.asked.append(tuple(pmids))
        if self.down:
            raise TransientError("connection refused", code="connection-failed")
        if self.refusal:
            raise self.refusal
        broken = {pmid: TransientError("no XML", code="unreadable-xml") for pmid in pmids if pmid in self.breaks}
        answered = set(pmids) - self.leaves_out - self.breaks
        known = {pmid: self.papers[pmid] for pmid in pmids if pmid in self.papers and pmid in answered}
        return Fetched(known, frozenset(answered - set(known)), rate_limit=self.rate_limit, broken=broken)


@dataclass
class Converter:
    """The PMIDs of DOIs and PMCIDs, and whether the converter answers."""

    pmids: dict[str, str] = field(default_factory=dict)  # by the work's value
    down: bool = False
    refusal: TransientError | None = None
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def convert(self, works: Sequence[CitedWork]) -> Converted:
        self.asked.append(tuple(work.value for work in works))
        if self.down:
            raise TransientError("connection refused", code="connection-failed")
        if self.refusal:
            raise self.refusal
        found = {work: self.pmids[work.value] for work in works if work.value in self.pmids}
        return Converted(found, frozenset(works) - set(found))


class Bells:
    def __init__(self) -> None:
        self.rung: list[tuple[str, str]] = []

    def ring(self, stage: str, key: str = "", *, urgent: bool = False) -> None:
        self.rung.append((stage, key))


def paper(pmid: str, title: str = "A trial of something") -> Reference:
    return Reference(pmid=pmid, title=title, journal_abbreviation="J Ex")


def article(id: str = "spasms", *, text: str = "Rest.", pmids: Sequence[str] = (), **more: object) -> Article:
    return Article(
        id=id,
        title=f"About {id}",
        answer=text,
        lead=(Paragraph((Text(text),)),),
        references=tuple(CitedWork("pmid", pmid) for pmid in pmids),
        **({"published": START - dt.timedelta(days=1)} | more),  # type: ignore[arg-type]
    )


def topic(slug: str) -> Topic:
    return Topic(name=slug.title(), slug=slug)


def _text(revision: Revision, site: Site) -> bytes:
    marks = [f"{one.work.value}:{one.state}" for one in revision.references]
    return f"{revision.number}|{revision.article.answer}|{' '.join(marks)}".encode()


def _tombstone(withdrawal: Withdrawal, site: Site) -> bytes:
    return f"{withdrawal.number}|withdrawn|{withdrawal.reason}".encode()


def _document(feed: Feed, entries: Sequence[Revision | Withdrawal], site: Site) -> bytes:
    return "\n".join(one.article.id for one in entries if isinstance(one, Revision)).encode()


PLAIN = Format("plain", "text/plain", "plain", _text, _tombstone, _document)


class Store:
    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.files: dict[str, tuple[bytes, FileState]] = {}
        self.written: list[str] = []  # names, as often as they were written

    def put(self, digest: str, body: bytes) -> None:
        self.held[digest] = body

    def get(self, digest: str, size: int | None = None) -> bytes | None:
        return self.held.get(digest)

    def drop(
        self, digest: str, *, wanted: Callable[[], bool] = lambda: False, before: dt.datetime | None = None
    ) -> bool:
        return not wanted() and self.held.pop(digest, None) is not None

    def digests(self, part: int, before: dt.datetime) -> list[str]:
        return [one for one in self.held if int(one.removeprefix("sha256:")[:2], 16) == part]

    def put_file(
        self, path: str, body: bytes, modified: dt.datetime, *, check: Callable[[], None] = lambda: None
    ) -> None:
        check()
        self.files[path] = body, FileState(len(body), modified)
        self.written.append(path)

    def get_file(self, path: str) -> tuple[bytes, FileState] | None:
        return self.files.get(path)

    def file_state(self, path: str) -> FileState | None:
        return self.files[path][1] if path in self.files else None

    def remove_file(self, path: str, *, check: Callable[[], None] = lambda: None) -> None:
        check()
        self.files.pop(path, None)

    @property
    def local(self) -> bool:
        return True


class Bench:
    """`gathers`: batches are waited for, as they really are; otherwise what is due is asked for at once."""

    worked: tuple[Stage, ...] = (enrich, render, feeds, deliver, prove)  # what `work` does; one that does more says so

    def __init__(
        self,
        ledger: Ledger,
        *channels: str,
        policy: Policy = POLICY,
        topics: frozenset[str] = frozenset(),
        gathers: bool = False,
    ):
        self.ledger = ledger
        self.clock = Clock()
        self.pubmed = PubMed()
        self.converter = Converter()
        self.store = Store()
        self.bells = Bells()
        self.receivers = {name: Receiver() for name in channels or ("partner",)}
        ids = itertools.count(1)
        self.new_id = lambda prefix: f"{prefix}{next(ids):06d}"
        self.context = Context(
            ledger=ledger,
            store=self.store,
            doorbell=self.bells,
            pubmed=self.pubmed,
            converter=self.converter,
            site=SITE,
            formats={"plain": PLAIN},
            channels={name: self._plan(name, topics) for name in self.receivers},
            feeds={"latest": Feed(id="latest", title="Latest")},
            new_id=self.new_id,
            random=lambda: 0.5,
            policy=policy if gathers else replace(policy, gather_quiet=0.0, gather_longest=0.0, batch_patience=0.0),
            clock=self.clock,
            pause=self.clock.pass_,
        )
        self.events = itertools.count(1)

    @property
    def partner(self) -> Receiver:
        return self.receivers["partner"]

    def _plan(self, name: str, topics: frozenset[str]) -> ChannelPlan:
        def open_channel() -> Channel:
            return self.receivers[name]

        return ChannelPlan(id=name, format="plain", open=open_channel, topics=topics)

    def publish(
        self,
        article: Article,
        *,
        id: str | None = None,
        time: dt.datetime | None = None,
        sequence: str | None = None,
        stated: Stated | None = None,
    ) -> Accepted:
        origin = Origin(source="test", id=id or self._event(), time=time, sequence=sequence)
        return accept(self._intake(), Publish(origin, article, stated=stated))

    def withdraw(
        self, article_id: str = "spasms", reason: str = "It was wrong.", *, time: dt.datetime | None = None
    ) -> Accepted:
        return accept(self._intake(), Withdraw(Origin(source="test", id=self._event(), time=time), article_id, reason))

    def work(self) -> int:
        """Do what is due now, in every stage. Return how many claims that were.

        Stages that the sweep would not ring for are passed over: they would claim nothing (`test_due_and_claimed.py`),
        and a claim costs several times as much as the question whether anything is due.
        """
        done, left = 0, [stage for stage in Bench.worked if stage in self.worked]
        while (first := self._first_due(left)) is not None:
            done += self.drained(left[first])
            left = left[first + 1 :]
        return done

    def drained(self, stage: Stage) -> int:
        """Have the stage claim and do what it can. Return how many claims that were."""
        keys = self.receivers if stage is deliver else ("",)
        return sum(drain(self.context, stage, key) for key in keys)

    def _first_due(self, stages: Sequence[Stage]) -> int | None:
        with self.ledger.read() as transaction:
            return next((n for n, stage in enumerate(stages) if self._is_due(stage, transaction, self.clock.now)), None)

    def _is_due(self, stage: Stage, transaction: Transaction, now: dt.datetime) -> bool:
        """Return whether the sweep would ring for the stage."""
        return any(True for _ in stage.due(self.context, transaction, now))

    def work_for(self, seconds: float, step: float = 1.0) -> None:
        """Do what becomes due while time passes. Steps at which the sweep would find nothing are passed over."""
        steps = int(seconds / step) + 1
        while steps > 0:
            passed = 1 if self.work() else 1 + self._idle(step, steps - 1)
            self.clock.pass_(passed * step)
            steps -= passed

    def _idle(self, step: float, most: int) -> int:
        """Return at how many of the next steps the sweep would find nothing that is due.

        It is asked at the last step before each time that the ledger knows of, and at the step after that.
        """
        now, idle, most = self.clock.now, 0, min(most, math.ceil(_LOOK / step))
        with self.ledger.read() as transaction:

            def is_due(steps: int) -> bool:
                later = now + dt.timedelta(seconds=steps * step)
                return any(self._is_due(stage, transaction, later) for stage in self.worked)

            while idle < most:
                coming = transaction.scalar(_COMING, {"now": now + dt.timedelta(seconds=idle * step)})
                before = most if coming is None else math.ceil((coming - now).total_seconds() / step) - 1
                if (last := min(before, most)) > idle:
                    if is_due(last):
                        return _last_idle(is_due, idle, last)
                    idle = last
                elif is_due(idle + 1):
                    return idle
                else:
                    idle += 1
        return idle

    def die(self, stage: Stage, key: str = "") -> None:
        """A worker claims what is due, and is killed."""
        stage.claim(self.context, key)

    def article(self, article_id: str = "spasms") -> articles.ArticleState:
        with self.ledger.read() as transaction:
            found = articles.get(transaction, article_id)
        assert found is not None
        return found

    def due(self) -> set[str]:
        """The stages that the sweep would ring for."""
        with self.ledger.read() as transaction:
            return {stage.name for stage in STAGES if list(stage.due(self.context, transaction, self.clock.now))}

    def oldest_due(self) -> dict[str, dt.datetime]:
        """Since when, or from when on, each stage has something to do."""
        with self.ledger.read() as transaction:
            found = backlogs(self.context, transaction, self.clock.now)
        return {name: due.oldest for name, due in found.items() if due.oldest is not None}

    def _intake(self) -> Intake:
        return Intake(self.ledger, self.bells, self.clock, self.new_id, self.context.policy.evidence_wait)

    def _event(self) -> str:
        return f"event-{next(self.events)}"


def _last_idle(is_due: Callable[[int], bool], idle: int, due: int) -> int:
    """Return the last step at which nothing is due, between one at which that is so and one at which something is."""
    while due - idle > 1:
        middle = (idle + due) // 2
        idle, due = (idle, middle) if is_due(middle) else (middle, due)
    return idle


def _coming() -> sa.Select[tuple[dt.datetime]]:
    """Select the next time after `now` at which a row becomes due or free again, or a channel may be sent to."""
    columns = [column for table in metadata.sorted_tables for column in table.c if column.name in _COMING_TO_BE]
    firsts = sa.union_all(*(sa.select(sa.func.min(one).label("at")).where(one > claims.NOW) for one in columns))
    return sa.select(sa.func.min(firsts.subquery().c.at, type_=Instant()))


_COMING = _coming()


class WithoutFeeds(Bench):
    """A bench for tests that look at no feed and no sitemap: none is built."""

    worked = (enrich, render, deliver, prove)
