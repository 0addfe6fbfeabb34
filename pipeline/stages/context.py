"""What a stage works with. Time, random numbers and ids are passed in, so that a test can fix them."""

from __future__ import annotations

import datetime as dt
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pipeline.errors import CitewireError
from pipeline.ledger import Ledger, Transaction
from pipeline.ledger.attention import UnappliedSettings
from pipeline.model.article import CitedWork
from pipeline.model.policy import ANYTHING, USUAL_SESSIONS, EvidencePolicy, Gate, ReviewPolicy, SessionLimits
from pipeline.model.reference import EditorialState
from pipeline.model.rendition import Format
from pipeline.model.site import Feed, Site
from pipeline.stages.working import Working
from pipeline.timing import DEFAULT_SCHEDULE
from pipeline.tracing import NoTracing, Tracing

if TYPE_CHECKING:  # a command that reads the ledger needs none of their libraries
    from pipeline.channels import Channel, Served
    from pipeline.http import Http
    from pipeline.identity import Provider
    from pipeline.identity.passkeys import Passkeys
    from pipeline.references.idconv import Converted
    from pipeline.references.published_list import OpenList
    from pipeline.references.pubmed.eutils import Fetched
    from pipeline.references.pubmed.finding import Found
    from pipeline.references.pubmed.matching import Matched
    from pipeline.references.source import OpenSource
    from pipeline.sealing import Sealer
    from pipeline.store import FileState

if TYPE_CHECKING:
    from pipeline.stages.alerts.notice import Notice
    from pipeline.stages.attention import Condition

LEASE = "lease_"  # the prefix of a lease's token, for `Context.new_id`


class Doorbell(Protocol):
    """Tells workers to look at the ledger. A ring may be lost, repeated or late: the sweep rings again."""

    def ring(self, stage: str, key: str = "", *, urgent: bool = False) -> None:
        """Ring for the stage of this name. Never raises and never waits long. `key` is the channel to deliver to."""
        ...


class NoDoorbell:
    """A doorbell for commands that have no queue: the sweep finds their work."""

    def ring(self, stage: str, key: str = "", *, urgent: bool = False) -> None:
        return


class Store(Protocol):
    """Bytes stored under their digest, which never change, and files stored under names, which are replaced whole."""

    def put(self, digest: str, body: bytes) -> None: ...

    def get(self, digest: str, size: int | None = None) -> bytes | None: ...

    def drop(self, digest: str, *, wanted: Callable[[], bool] = ..., before: dt.datetime | None = None) -> bool: ...

    def digests(self, part: int, before: dt.datetime) -> list[str]: ...

    def put_file(self, path: str, body: bytes, modified: dt.datetime, *, check: Callable[[], None] = ...) -> None: ...

    def get_file(self, path: str) -> tuple[bytes, FileState] | None: ...

    def file_state(self, path: str) -> FileState | None: ...

    def remove_file(self, path: str, *, check: Callable[[], None] = ...) -> None: ...

    @property
    def local(self) -> bool: ...


class PubMed(Protocol):
    """Fetches records from PubMed. Raises TransientError when it does not answer."""

    def fetch(self, pmids: Sequence[str]) -> Fetched: ...


class Finder(Protocol):
    """Finds works in all of PubMed by DOI, PMCID or Bookshelf id. Raises TransientError when it does not answer."""

    def find(self, works: Sequence[CitedWork]) -> Found: ...


class Matcher(Protocol):
    """Finds the PMIDs of works from authors' words. Raises TransientError when the service does not answer."""

    def match(self, citations: Sequence[str]) -> Matched: ...


class Converter(Protocol):
    """Finds the PMIDs of DOIs and PMCIDs. Raises TransientError when the service does not answer."""

    def convert(self, works: Sequence[CitedWork]) -> Converted: ...


@dataclass(frozen=True)
class ChannelPlan:
    """A configured channel: which articles it is sent, and how to open it."""

    id: str
    format: str
    open: Callable[[], Channel]
    topics: frozenset[str] = frozenset()  # slugs; empty: every topic
    enabled: bool = True
    parallel: int | None = None  # concurrent batches; None: the policy's
    rate: float | None = None  # sends a second at most, by all workers together; None: no limit
    every: float = 0.0  # seconds between batches; deliveries that become due in between are sent together
    max_bytes: int | None = None  # a larger rendition is refused before it is sent
    retries: tuple[float, ...] | None = None  # None: the policy's
    refused_retries: tuple[float, ...] | None = None  # None: the policy's
    evidence: EvidencePolicy | None = None  # None: the policy's
    gate: Gate = ANYTHING
    proof_check: Callable[[str], str | None] | None = None  # returns where a withdrawn article can still be read
    is_pull: bool = False  # nothing is sent: the partner asks for its changes
    wait_for_feeds: bool = False  # nothing is sent until the feeds that hold the article are rebuilt
    also: tuple[str, ...] = ()  # formats that a parcel carries beside `format`
    is_partner: bool = False  # what it was sent does not lie in a place that its next partner could have
    retired: bool = False  # a place that is being emptied: it gets withdrawals only
    singly: bool = False  # each delivery is a request of its own, and may be sent beside those of other channels
    replaces: bool = True  # what it is sent takes the place of what it has, as a second mail does not
    signs: bool = False  # what it sends; the secrets can be replaced
    takes_sample: bool = False  # it can be tried out with a withdrawal of an article that never was

    def wants(self, topics: frozenset[str]) -> bool:
        return wants(self, topics)


class Wanting(Protocol):
    """A channel, as the settings or a process have it."""

    @property
    def id(self) -> str: ...

    @property
    def enabled(self) -> bool: ...

    @property
    def topics(self) -> Collection[str]: ...


def wants(channel: Wanting, topics: frozenset[str]) -> bool:
    """Return whether the channel is sent articles with these topics."""
    return channel.enabled and (not channel.topics or not topics.isdisjoint(channel.topics))


@runtime_checkable
class LiveChannels(Protocol):
    """Channels as the ledger has them: those in force, and the places that channels have left."""

    def refresh(self, transaction: Transaction) -> None:
        """Take up what is in force now, as the transaction sees it."""
        ...


class AlertReceiver(Protocol):
    """Somebody who is notified of what needs a person. `name` is unique, and the same after a restart."""

    @property
    def name(self) -> str: ...

    def accepts(self, condition: Condition) -> bool:
        """Return whether this concerns the receiver."""
        ...

    def send(self, notice: Notice) -> None:
        """Raises TransientError or PermanentError."""
        ...


@dataclass(frozen=True)
class HubPlan:
    """The WebSub hub for our own feeds."""

    address: str  # absolute, as feeds announce it
    http: Http  # guarded: callbacks are strangers' addresses
    max_subscriptions: int = 10_000
    max_per_host: int = 1_000  # of one callback's host
    max_per_client: int = 1_000  # that one client asked for, whatever their hosts
    lease: tuple[int, int, int] = (3_600, 864_000, 2_592_000)  # seconds: the shortest, the usual, the longest
    parallel: int = 32  # concurrent pushes in one worker


@dataclass(frozen=True)
class Policy:
    """How long things may take. Seconds, unless said otherwise."""

    intake_drop: tuple[str, ...] = ()  # CSS selectors and lines that are not part of an article
    evidence_wait: float = 10.0  # how long an article waits for PubMed before it is published with plain links
    pubmed_batch: int = 200  # PMIDs in one request
    pubmed_rate: int = 3  # requests per second until NCBI states its limit, which is ten with a key
    pubmed_parallel: int = 3  # concurrent requests
    gather_quiet: float = 0.25  # a batch that is not full is requested when nothing has arrived for this long,
    gather_longest: float = 3.0  # or when its first reference has waited this long
    batch_patience: float = 4.0  # how long a worker waits for a batch and a permit before it does something else
    recheck_days: int = 1  # nights between two checks of a cited reference; 0: only on request
    evidence: EvidencePolicy = "annotate"  # of channels without one of their own; "hold" applies to the whole site
    hold_on: tuple[EditorialState, ...] = ("retracted",)  # what "hold" holds an article back for
    overdue_review: ReviewPolicy = "notify"
    unknown_recheck: float = 86_400.0  # until what no source knows is asked for again
    unknown_confirm: float = 300.0  # until what no source knows is asked for a second time, before that is believed
    enrich_lease: float = 90.0  # longer than a request to PubMed may take
    render_lease: float = 60.0
    render_batch: int = 20
    render_look: float = 2.0  # after this long, what a batch has rendered is stored before the rest is rendered
    render_all: bool = False  # in every format when published, and not only in those that are wanted
    refresh_rate: float = 10.0  # articles per second that were made in another way and are rendered again; 0: none
    feed_interval: float = 0.2  # between two builds of a feed, or longer:
    feed_rest: float = 2.0  # times as long as the build took, so that builds take a third of the time at most
    feed_interval_most: float = 8.0
    sitemap_interval: float = 2.0  # between two builds of the sitemap, which nobody waits for
    deliver_lease: float = 45.0  # longer than a send may take; renewed while a batch is being sent
    deliver_batch: int = 50
    deliver_together: int = 500  # deliveries in a batch of a channel that waits between batches
    deliver_look: float = 0.5  # after this long, what a batch has sent is settled and the rest checked again
    feeds_wait: float = 30.0  # maximum time that a channel which announces feeds waits for them to be built
    deliver_parallel: int = 3  # concurrent batches of one channel
    drain_seconds: float = 30.0  # after which a drain stops and rings for another
    withdrawal_wait: float = 60.0  # maximum time between attempts at a withdrawal while the channel does not answer
    withdrawal_refused_wait: float = 3_600.0  # maximum time between attempts at a withdrawal that is refused
    withdrawal_retry: float = 86_400.0  # between attempts at a withdrawal whose endpoint is gone
    partner_rate: float = 10.0  # sustained requests per second of one partner's token
    partner_burst: int = 50  # … and at once
    partner_replay: int = 1_000  # deliveries that a partner has sent again with one request
    retries: tuple[float, ...] = DEFAULT_SCHEDULE
    article_budget: float = 20.0  # seconds that a thread may take to render one article
    send_budget: float = 90.0  # seconds that one send may take: longer than any time limit of a channel
    keep_attempts: int = 90  # days; the last attempt at each delivery is kept
    keep_changes: int = 365  # days; the newest change of each article is kept
    keep_tokens: int = 90  # days after they ended
    keep_operations: int = 730  # days after they ended
    keep_renditions: int = 365  # days; those that are shown, delivered or to be delivered are kept
    keep_references: int = 365  # days since a source last answered; what is cited or was ever flagged is kept
    keep_readers: int = 90  # days; who fetched each feed
    refused_retries: tuple[float, ...] | None = None  # after refusals; None: the same as `retries`
    sessions: SessionLimits = USUAL_SESSIONS  # of the console


@dataclass(frozen=True)
class Context:
    """Everything a stage may touch."""

    ledger: Ledger
    store: Store
    doorbell: Doorbell
    pubmed: PubMed
    site: Site
    formats: Mapping[str, Format]
    channels: Mapping[str, ChannelPlan]
    feeds: Mapping[str, Feed]
    new_id: Callable[[str], str]  # a fresh id that starts with the prefix
    random: Callable[[], float]  # in [0, 1)
    policy: Policy = Policy()
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    hub: HubPlan | None = None  # None: no hub is served
    converter: Converter | None = None  # None: DOIs and PMCIDs are not converted
    matcher: Matcher | None = None  # None: what an author meant is not looked for
    finder: Finder | None = None  # None: PubMed is not searched by identifiers
    sources: Mapping[str, OpenSource] = field(default_factory=dict)  # beside PubMed, in the order they are asked in
    lists: Mapping[str, OpenList] = field(default_factory=dict)  # of verdicts, which sources publish whole
    ghost_secret: str | None = None  # with which Ghost signs its hooks; None: they need a token alone
    sealer: Sealer | None = None  # of secrets in the ledger; None: the site has no key, and none can be rotated
    signer: Callable[[bytes], str] | None = None  # signs certificates; None: the site has no key
    served: Mapping[str, Callable[[], Served]] = field(default_factory=dict)  # by path at our web server
    provider: Provider | None = None  # says who people are; None: nobody does
    passkeys: Passkeys | None = None  # of the site; None: nobody signs in with one
    alerts: tuple[AlertReceiver, ...] = ()
    disk: Callable[[], str | None] = lambda: None  # what is full, if anything
    unapplied: Callable[[], UnappliedSettings | None] = lambda: None  # settings on disk that are not in force
    working: Working = field(default_factory=Working)  # what the threads of this process do now
    # Failures that the ledger did not take. Only the thread that sweeps takes them out.
    unrecorded: deque[Callable[[], None]] = field(default_factory=lambda: deque(maxlen=1_000))
    tracing: Tracing = field(default_factory=NoTracing)
    hold: Callable[[], CitewireError | None] = lambda: None  # why this process may take no work now
    pause: Callable[[float], None] = time.sleep  # seconds, under a second: between sends of a channel with a rate

    def channels_now(self, transaction: Transaction) -> Mapping[str, ChannelPlan]:
        """Return the channels as they are in force in this transaction."""
        if isinstance(self.channels, LiveChannels):
            self.channels.refresh(transaction)
        return self.channels
