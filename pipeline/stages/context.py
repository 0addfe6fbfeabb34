"""What a stage works with. Time, chance and ids come in here, so that a test can hold them still."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pipeline.channels import Channel
from pipeline.ledger import Ledger
from pipeline.model.policy import ANYTHING, EvidencePolicy, Gate
from pipeline.model.rendition import Format
from pipeline.model.site import Feed, Site
from pipeline.references.eutils import Fetched

LEASE = "lease_"  # the prefix of a lease's token, for `Context.new_id`

Stage = Literal["enrich", "render", "deliver", "feeds"]


class Doorbell(Protocol):
    """Tells some worker to look at the ledger. May be lost, doubled or late: the sweep rings again."""

    def ring(self, stage: Stage, key: str = "", *, urgent: bool = False) -> None:
        """Never raises and never waits long. `key` is the channel to deliver to."""
        ...


class Store(Protocol):
    """Bytes under their digest. What stands under a digest never changes."""

    def put(self, digest: str, body: bytes) -> None: ...

    def get(self, digest: str) -> bytes | None: ...


class PubMed(Protocol):
    """Asks PubMed for records; raises TransientError where it does not answer."""

    def fetch(self, pmids: Sequence[str]) -> Fetched: ...


@dataclass(frozen=True)
class ChannelPlan:
    """A configured channel: which articles it wants and how to open it."""

    id: str
    format: str
    open: Callable[[], Channel]
    topics: frozenset[str] = frozenset()  # slugs; empty: every topic
    enabled: bool = True
    parallel: int | None = None  # drains of it under way at once; None: the policy's
    rate: float | None = None  # sends a second at most, over all workers; None: no limit
    every: float = 0.0  # seconds between two batches: what comes between goes together
    max_bytes: int | None = None  # a larger rendition is refused before it is sent
    retries: tuple[float, ...] | None = None  # None: the policy's
    evidence: EvidencePolicy | None = None  # None: the policy's
    gate: Gate = ANYTHING
    proof_url: str | None = None  # with `{article}`: where a withdrawn one must not be found any more
    after_feeds: bool = False  # nothing is sent while a feed that holds the article is being built anew

    def wants(self, topics: frozenset[str]) -> bool:
        return self.enabled and (not self.topics or bool(self.topics & topics))


@dataclass(frozen=True)
class Policy:
    """How long things may take. Seconds, unless said otherwise."""

    evidence_wait: float = 10.0  # that an article waits for PubMed before it goes out with links
    pubmed_batch: int = 200  # PMIDs in one request
    pubmed_interval: float = 0.34  # between requests: NCBI allows three a second without a key
    pubmed_backoff: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 10.0)  # after failures in a row; the last one stays
    unknown_recheck: float = 86_400.0  # until a PMID that PubMed does not know is asked for again
    enrich_lease: float = 90.0  # longer than a request to PubMed may take
    render_lease: float = 60.0
    render_batch: int = 20
    feed_interval: float = 2.0  # between two builds of one feed, however many changes come
    deliver_lease: float = 45.0  # longer than a send may take, with what comes before and after it
    deliver_batch: int = 20
    deliver_parallel: int = 3  # batches of one channel under way at once
    drain_seconds: float = 30.0  # after which a drain stops and rings for another
    withdrawal_wait: float = 60.0  # at most, between two tries of a withdrawal at a channel that does not answer
    withdrawal_retry: float = 86_400.0  # until a withdrawal that was refused is tried again
    retries: tuple[float, ...] = (5.0, 30.0, 120.0, 600.0, 1_800.0, 7_200.0, 21_600.0, 43_200.0, 86_400.0)


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
    chance: Callable[[], float]  # in [0, 1)
    policy: Policy = Policy()
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
