"""Whatever the order of answers, silence, lies, restarts and edits: an article ends as truth and policy say.

After any history, a site must show and hold back what a new one would that learnt everything at once.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest
from bench import START, article, paper
from empty_ledger import empty_ledger
from every_stage import enrich, render
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from watched import Watched

from pipeline.errors import TransientError
from pipeline.ledger import Ledger
from pipeline.model.article import Article, CitedWork
from pipeline.model.policy import EvidencePolicy, Gate
from pipeline.model.reference import EditorialState, ListedVerdict, Reference, SourceVerdict
from pipeline.references.published_list import Edition, PublishedList
from pipeline.references.source import LookedUp, OpenSource, SourceRecord, Verdict
from pipeline.references.sources import sources
from pipeline.stages.context import Policy
from pipeline.stages.sources import Sources

stage = Sources()
SourceName = Literal["pubmed", "retraction_watch", "crossref", "europe_pmc"]
NAMES: tuple[SourceName, ...] = ("pubmed", "retraction_watch", "crossref", "europe_pmc")
PMIDS = ("1", "2")
_KINDS: dict[EditorialState, str] = {"retracted": "retraction", "concern": "expression_of_concern"}


@dataclass
class World:
    """What each source says of each paper, and whether it answers."""

    says: dict[tuple[SourceName, str], EditorialState] = field(default_factory=dict)
    down: set[SourceName] = field(default_factory=set)
    leaves_out: set[str] = field(default_factory=set)  # PMIDs that PubMed's answers lack

    def asked(self, source: SourceName) -> None:
        if source in self.down:
            raise TransientError("503", code="backend-failed")

    def record(self, pmid: str) -> Reference:
        state = self.says.get(("pubmed", pmid))
        return structs.replace(paper(pmid), doi=f"10.1000/{pmid}", editorial=(state,) if state else ())


@dataclass
class Answering:
    world: World
    name: SourceName

    def look_up(self, works: Sequence[CitedWork]) -> LookedUp:
        self.world.asked(self.name)
        return LookedUp({work: SourceRecord(verdicts=self._of(work)) for work in works})

    def _of(self, work: CitedWork) -> tuple[Verdict, ...]:
        state = self.world.says.get((self.name, work.value.removeprefix("10.1000/")))
        return (Verdict(kind=_KINDS[state]),) if state else ()


@dataclass
class Listing:
    world: World

    @property
    def list(self) -> PublishedList:
        return PublishedList("retraction_watch", "Retraction Watch", "https://example.org/", self._read)

    def download(self, file: Path, etag: str | None) -> Edition | None:
        self.world.asked("retraction_watch")
        return Edition(file, None)

    def _read(self, file: Path) -> Iterator[ListedVerdict]:
        for pmid in PMIDS:
            if state := self.world.says.get(("retraction_watch", pmid)):
                verdict = SourceVerdict(source="retraction_watch", state=state, date="2026-03-02")
                yield ListedVerdict(id=pmid, pmid=pmid, doi=None, verdict=verdict)
        for number in range(100, 130):
            verdict = SourceVerdict(source="retraction_watch", state="retracted")
            yield ListedVerdict(id=str(number), pmid=str(number), doi=None, verdict=verdict)


class Site(Watched):
    def __init__(self, ledger: Ledger, world: World, policy: EvidencePolicy, gate: Gate) -> None:
        super().__init__(ledger, policy=Policy(evidence=policy), plans={"partner": {"gate": gate}})
        self.world = world
        clients = {name: Answering(world, name) for name in ("crossref", "europe_pmc")}  # type: ignore[arg-type]
        asked = {name: OpenSource(sources()[name], client) for name, client in clients.items()}
        self.context = replace(self.context, sources=asked, lists={"retraction_watch": Listing(world)})  # type: ignore[dict-item]

    def work(self) -> None:
        self.pubmed.papers = {pmid: self.world.record(pmid) for pmid in PMIDS}
        self.pubmed.down = "pubmed" in self.world.down
        self.pubmed.leaves_out = set(self.world.leaves_out)
        super().work()
        for name in (*self.context.lists, *self.context.sources):
            stage.drain(self.context, name)
        super().work()

    def settle(self) -> None:
        """Let everything that is due happen, with all sources answering."""
        self.world.down.clear()
        self.world.leaves_out.clear()
        for _ in range(2):
            self.clock.pass_(86_400)
            self.recheck()
            self.clock.pass_(20)
            self.work()

    def outcome(self) -> dict[str, Any]:
        """Return what readers and partners are left with, without what only tells revisions apart."""
        status = self.status()
        last = self.receivers["partner"].got[-1:]
        holds = last and last[0].event != "withdrawn" and last[0].rendition.body.split(b"|", 2)[2]
        return {
            "state": status["state"],
            "marks": [(one["pmid"], one["editorial"]) for one in status["references"]],
            "withheld": [(one["channel"], one["cause"], one["references"]) for one in status["withheld"]],
            "partner": holds or None,
        }


# --- histories ------------------------------------------------------------------------------------------------------

Step = tuple[Any, ...]
truth = st.tuples(
    st.just("truth"),
    st.sampled_from(NAMES),
    st.sampled_from(PMIDS),
    st.sampled_from([None, "retracted", "concern"]),
)
silence = st.tuples(st.just("silence"), st.sampled_from(NAMES), st.booleans())
lie = st.tuples(st.just("lie"), st.sampled_from(PMIDS))
edit = st.tuples(
    st.sampled_from(["edit", "embargo"]),
    st.sampled_from([("1",), ("2",), ("1", "2")]),
    st.sampled_from([(), ("1",)]),
    st.integers(0, 9),
)
wait = st.tuples(st.just("wait"), st.sampled_from([1, 30, 4000, 90_000]))
restart = st.tuples(st.just("restart"))
steps = st.lists(st.one_of(truth, truth, silence, lie, edit, edit, wait, wait, restart), min_size=2, max_size=9)


def written(pmids: Sequence[str], meant: Sequence[str], number: int, embargo: dt.datetime | None) -> Article:
    return article(text=f"Text {number}.", pmids=pmids, cites_retracted=tuple(meant), embargo=embargo)


def happens(site: Site, step: Step) -> Article | None:
    """Carry out a step; return the article's new content, if it has any."""
    match step:
        case ("truth", source, pmid, state):
            site.world.says.pop((source, pmid), None)
            if state:
                site.world.says[source, pmid] = state
        case ("silence", source, begins):
            (site.world.down.add if begins else site.world.down.discard)(source)
        case ("lie", pmid):
            site.world.leaves_out.add(pmid)
        case ("restart",):
            for one in (enrich, render):
                site.die(one)
        case ("wait", seconds):
            site.clock.pass_(seconds)
        case (kind, pmids, meant, number):
            until = site.clock.now + dt.timedelta(hours=1) if kind == "embargo" else None
            new = written(pmids, meant, number, until)
            site.publish(new)
            return new
    site.work()
    return None


POLICIES: tuple[tuple[EvidencePolicy, Gate], ...] = (
    ("annotate", Gate()),
    ("hold", Gate()),
    ("annotate", Gate(refuse=("retracted",))),
    ("annotate", Gate(refuse=("retracted",), refuse_pending=True)),
)


@pytest.mark.parametrize(("policy", "gate"), POLICIES)
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=steps)
def test_any_history_ends_in_the_state_that_truth_and_policy_give(
    policy: EvidencePolicy, gate: Gate, history: list[Step]
) -> None:
    world = World()
    newest = written(("1",), (), 0, None)

    def lived(site: Site) -> None:
        nonlocal newest
        site.publish(newest)
        site.work()
        for step in history:
            newest = happens(site, step) or newest

    ended = _outcome(world, policy, gate, lived)
    told_at_once = _outcome(world, policy, gate, lambda site: site.publish(structs.replace(newest, embargo=None)))
    assert ended == told_at_once


def _outcome(world: World, policy: EvidencePolicy, gate: Gate, live: Callable[[Site], object]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        ledger = empty_ledger(Path(folder))
        try:
            site = Site(ledger, world, policy, gate)
            assert site.clock.now == START
            live(site)
            site.settle()
            return site.outcome()
        finally:
            ledger.close()
