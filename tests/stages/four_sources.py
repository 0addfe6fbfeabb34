"""Four sources of what is true of papers, each of which may be silent or lie, and a site that asks them.

The stand-ins are asked in process: requests are built and answers read by the clients of the program, without sockets.
Only DNS, TCP and HTTP are left out; a connection that breaks or hangs fails at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast, get_args

from every_stage import deliver, enrich, render
from watched import Watched

from pipeline.http import Http
from pipeline.ledger import Ledger, Transaction
from pipeline.model.article import CitedWork
from pipeline.model.policy import EvidencePolicy, Gate
from pipeline.model.reference import EditorialState
from pipeline.references.idconv import IdConverter
from pipeline.references.lists import lists
from pipeline.references.published_list import OpenList
from pipeline.references.pubmed.eutils import Eutils
from pipeline.references.pubmed.finding import Finder
from pipeline.references.pubmed.service import Service
from pipeline.references.source import Caller, OpenSource
from pipeline.references.sources import sources
from pipeline.stages.sources import Sources
from pipeline.views import statements
from pipeline.views import statements as statements_views
from standins.crossref import CrossrefStandin
from standins.europe_pmc import EuropePmcStandin
from standins.eutils import EutilsStandin
from standins.in_process import InProcess
from standins.misbehaviour import MISBEHAVIOURS, SOURCE_FAULTS
from standins.papers import Correction, Paper
from standins.retraction_watch import FAULTS as LIST_FAULTS
from standins.retraction_watch import RetractionWatchStandin, Row
from standins.serving import Standin
from standins.works import Notice, Work

SourceName = Literal["pubmed", "retraction_watch", "crossref", "europe_pmc"]
NAMES: tuple[SourceName, ...] = get_args(SourceName)
DAY = 86_400.0
STAGES = (enrich, Sources(), render, deliver)  # those that decide what readers and partners are left with

PAPERS: Mapping[str, CitedWork] = {
    "1": CitedWork("pmid", "1"),
    "2": CitedWork("doi", "10.1000/2"),  # PubMed has it, under PMID 2
    "3": CitedWork("doi", "10.1000/3"),  # PubMed does not have it
}
IN_PUBMED = ("1", "2")
SAYS: Mapping[SourceName, tuple[EditorialState, ...]] = {
    "pubmed": ("retracted", "concern", "erratum", "retracted-republished"),
    "retraction_watch": ("retracted", "concern", "erratum", "retracted-republished", "reinstated"),
    "crossref": ("retracted", "withdrawn", "concern", "erratum", "reinstated"),
    "europe_pmc": ("retracted", "concern", "erratum", "retracted-republished"),
}
_REF_TYPES = {
    "retracted": "RetractionIn",
    "concern": "ExpressionOfConcernIn",
    "erratum": "ErratumIn",
    "retracted-republished": "RetractedandRepublishedIn",
}
_NATURES = {"retracted": "Retraction", "concern": "Expression of concern", "erratum": "Correction"}
_UPDATES = {
    "retracted": "retraction",
    "withdrawn": "withdrawal",
    "concern": "expression_of_concern",
    "erratum": "correction",
}
_LINKS = {
    "retracted": "Retraction in",
    "concern": "Expression of concern in",
    "erratum": "Erratum in",
    "retracted-republished": "Retracted and republished in",
}
_SLOW = {"slow", "hang", "drip", "redirect"}  # without a socket they are like "down"
FAULTS: Mapping[SourceName, tuple[str, ...]] = {
    "pubmed": tuple(sorted(MISBEHAVIOURS.keys() - _SLOW)),
    "retraction_watch": tuple(sorted(LIST_FAULTS.keys() - _SLOW)),
    "crossref": tuple(sorted(SOURCE_FAULTS.keys() - _SLOW)),
    "europe_pmc": tuple(sorted(SOURCE_FAULTS.keys() - _SLOW)),
}


@dataclass
class Truth:
    """What each source says of each paper, since when, as (from, state); the newest last."""

    of: dict[tuple[SourceName, str], list[tuple[dt.datetime, EditorialState | None]]] = field(default_factory=dict)

    def turn(self, source: SourceName, paper: str, state: EditorialState | None, at: dt.datetime) -> None:
        self.of.setdefault((source, paper), []).append((at, state))

    def now(self, source: SourceName, paper: str) -> EditorialState | None:
        return self.of[source, paper][-1][1] if (source, paper) in self.of else None

    def since(self, source: SourceName, paper: str, at: dt.datetime) -> set[EditorialState | None]:
        """Return everything that was so at that time or later."""
        turns = [(dt.datetime.min.replace(tzinfo=dt.UTC), None), *self.of.get((source, paper), [])]
        ends = [began for began, _ in turns[1:]] + [dt.datetime.max.replace(tzinfo=dt.UTC)]
        return {state for (_, state), end in zip(turns, ends, strict=True) if end >= at}

    def states(self, paper: str) -> tuple[EditorialState, ...]:
        """Return what all sources together say of the paper."""
        found = {self.now(source, paper) for source in NAMES}
        return tuple(state for state in get_args(EditorialState) if state in found)


class World:
    """The stand-ins of the four sources, which say what is true unless they misbehave."""

    def __init__(self) -> None:
        self.truth = Truth()
        self.pubmed, self.watch = EutilsStandin([]), RetractionWatchStandin()
        self.crossref, self.europe_pmc = CrossrefStandin(), EuropePmcStandin()
        self.denies: set[SourceName] = set()
        self.standins: dict[str, Standin] = {
            "pubmed": self.pubmed,
            "retraction_watch": self.watch,
            "crossref": self.crossref,
            "europe_pmc": self.europe_pmc,
        }
        self.http = cast("Http", InProcess(self.standins))
        self.show()

    def misbehave(self, source: SourceName, fault: str = "") -> None:
        self.standins[source].misbehave(fault)

    def deny(self, source: SourceName, begins: bool) -> None:
        """The source answers that it does not have any of the papers."""
        (self.denies.add if begins else self.denies.discard)(source)
        self.show()

    def show(self) -> None:
        """Have each stand-in say what is true of the papers that its source has."""
        for pmid in IN_PUBMED:
            self.pubmed.records.remove(pmid)
            if "pubmed" not in self.denies:
                self.pubmed.add(self._record(pmid))
        self.watch.rows = [Row(pmid=str(number)) for number in range(100, 130)]
        for paper in PAPERS if "retraction_watch" not in self.denies else ():
            self.watch.rows += self._rows(paper)
        self.crossref.works = [self._work("crossref", paper) for paper in PAPERS if "crossref" not in self.denies]
        self.europe_pmc.works = [self._work("europe_pmc", paper) for paper in PAPERS if "europe_pmc" not in self.denies]

    def _record(self, pmid: str) -> Paper:
        state = self.truth.now("pubmed", pmid)
        done = (Correction(kind=_REF_TYPES[state], source="J Ex. 2026;1:1", pmid="999"),) if state else ()
        return Paper(pmid=pmid, title="A trial.", doi=f"10.1000/{pmid}", year="2001", corrections=done)

    def _rows(self, paper: str) -> Iterator[Row]:
        names = {"pmid": paper if paper in IN_PUBMED else "0", "doi": f"10.1000/{paper}"}
        match self.truth.now("retraction_watch", paper):
            case None:
                return
            case "retracted-republished":
                yield Row(**names, reason="+Retract and Replace;")
            case "reinstated":
                yield Row(**names)
                yield Row(**names, nature="Reinstatement", date="5/2/2026 0:00")
            case state:
                yield Row(**names, nature=_NATURES[state])

    def _work(self, source: SourceName, paper: str) -> Work:
        state = self.truth.now(source, paper)
        done = tuple(self._notices(source, state)) if state else ()
        pmid = paper if source == "europe_pmc" and paper in IN_PUBMED else ""
        return Work(doi=f"10.1000/{paper}", pmid=pmid, title="A trial.", year="2001", updated_by=done)

    def _notices(self, source: SourceName, state: EditorialState) -> Iterator[Notice]:
        if source == "europe_pmc":
            yield Notice(kind=_LINKS[state], pmid="999")
        elif state == "reinstated":
            yield Notice(kind="retraction", doi="10.1000/n", date="2026-03-02")
            yield Notice(kind="reinstatement", doi="10.1000/m", date="2026-05-02")
        else:
            yield Notice(kind=_UPDATES[state], doi="10.1000/n", date="2026-03-02")


class Killed(BaseException):
    """The process is gone, at a commit that it did not get to."""


class Mortal(Ledger):
    """A ledger whose process is killed before its n-th commit from now."""

    left: int | None = None

    @contextmanager
    def write(self, *, lasting: bool = True) -> Iterator[Transaction]:
        if self.left == 0:
            raise Killed
        if self.left is not None:
            self.left -= 1
        with super().write(lasting=lasting) as transaction:
            yield transaction


class Site(Watched):
    """A site that asks the four sources, with a channel that takes everything and one that has a gate."""

    worked = STAGES

    def __init__(self, ledger: Mortal, world: World, policy: EvidencePolicy, gate: Gate) -> None:
        super().__init__(ledger, "partner", "strict")
        self.mortal, self.world = ledger, world
        caller = Caller("citewire", sleep=lambda _: None)
        http = world.http
        who: dict[str, Any] = {"tool": "citewire", "email": None, "sleep": lambda _: None}
        service = Service(http, "http://pubmed/entrez/eutils/", "citewire", None, None, sleep=lambda _: None)
        eutils = Eutils(service, clock=self.clock)
        self.context = replace(
            self.context,
            pubmed=eutils,
            converter=IdConverter(http, base_url="http://pubmed/tools/idconv/api/v1/articles/", **who),
            finder=Finder(service, eutils),
            lists={"retraction_watch": OpenList(lists()["retraction_watch"], http, "http://retraction_watch/list.csv")},
            sources={
                name: OpenSource(sources()[name], sources()[name].open(http, f"http://{name}/", caller))
                for name in ("europe_pmc", "crossref")
            },
        )
        self.obey(policy, gate)

    def obey(self, policy: EvidencePolicy, gate: Gate) -> None:
        """Start again with these settings."""
        rules = replace(self.context.policy, evidence=policy)
        plans = {name: replace(plan, gate=gate if name == "strict" else Gate()) for name, plan in self._plans()}
        self.context = replace(self.context, policy=rules, channels=plans)

    def _plans(self) -> list[tuple[str, Any]]:
        return list(self.context.channels.items())

    def work(self) -> None:
        """Do what is due in every stage, in the order of the flow, as workers do whom the sweep rings for."""
        for _ in range(4):
            with self.ledger.read() as transaction:
                bells = [(one, bell) for one in STAGES for bell in one.due(self.context, transaction, self.clock.now)]
            for stage, bell in bells:
                stage.drain(self.context, bell.key)
            if not bells:
                return

    def killed_after(self, commits: int, step: Callable[[], object]) -> None:
        """Carry out a step in a process that is killed at a commit."""
        self.mortal.left = commits
        try:
            step()
        except Killed:
            pass
        finally:
            self.mortal.left = None

    def said(self) -> list[tuple[str, statements.SourceSays]]:
        """Return what each source is shown to say of each paper that the live article cites."""
        with self.ledger.read() as transaction:
            shown = statements_views.article_evidence(transaction, "spasms", today=self.clock.now.date())
        references = shown.references if shown else ()
        return [
            (one.reference.id.rpartition("/")[2].rpartition(":")[2], said) for one in references for said in one.sources
        ]
