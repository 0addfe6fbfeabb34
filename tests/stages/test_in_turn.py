"""A work is looked up at one service after the other, until one has it or all have denied it twice.

The clients are the real ones, the services stand-ins over real HTTP, and the clock is ours.
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest
from bench import Bench, WithoutFeeds, article
from msgspec import structs

from pipeline.http import EgressGuard, Http, Limits
from pipeline.ledger import Ledger, evidence
from pipeline.model.article import CitedWork
from pipeline.model.reference import CitedReference
from pipeline.references.idconv import IdConverter
from pipeline.references.pubmed.eutils import Eutils
from pipeline.references.pubmed.finding import Finder
from pipeline.references.pubmed.service import Service
from pipeline.references.source import Caller, OpenSource
from pipeline.references.sources import sources
from standins.crossref import CrossrefStandin
from standins.europe_pmc import EuropePmcStandin
from standins.eutils import EFETCH, ESEARCH, IDCONV, EutilsStandin
from standins.papers import Author, invented
from standins.works import Work

PATIENT = Limits(connect=60, read=60, total=60)
WAKEFIELD = CitedWork("doi", "10.1016/s0140-6736(97)11096-0")
SERVICES = ("idconv", "esearch", "europe_pmc", "crossref")


@dataclass
class World:
    """A site and the services that it asks. `ncbi` is PubMed, its search and its converter."""

    bench: Bench
    ncbi: EutilsStandin
    europe_pmc: EuropePmcStandin
    crossref: CrossrefStandin

    def fail(self, *services: str) -> None:
        for name, source in (("europe_pmc", self.europe_pmc), ("crossref", self.crossref)):
            source.misbehave("503" if name in services else "")
        paths = {"idconv": IDCONV, "esearch": ESEARCH, "pubmed": EFETCH}
        down = [paths[name] for name in services if name in paths]
        self.ncbi.misbehave("down" if down else "", path=down[0] if len(down) == 1 else "")

    def cite(self, *works: CitedWork) -> None:
        self.bench.publish(structs.replace(article(), references=works))

    def shown(self, work: CitedWork) -> CitedReference:
        with self.bench.ledger.read() as transaction:
            (cited,) = evidence.references_for(transaction, (work,))
        return cited


@pytest.fixture
def world(ledger: Ledger) -> Iterator[World]:
    bench, http = WithoutFeeds(ledger), Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
    caller = Caller("citewire", sleep=bench.clock.pass_, limits=PATIENT)
    who = {"tool": "citewire", "email": None}
    with ExitStack() as stack:
        ncbi = stack.enter_context(EutilsStandin())
        europe_pmc, crossref = stack.enter_context(EuropePmcStandin()), stack.enter_context(CrossrefStandin())
        found = {"europe_pmc": europe_pmc.url, "crossref": crossref.url}
        service = Service(http, ncbi.url, "citewire", None, None, sleep=bench.clock.pass_)
        pubmed = Eutils(service, limits=PATIENT, clock=bench.clock)
        bench.context = replace(
            bench.context,
            pubmed=pubmed,
            converter=IdConverter(http, base_url=ncbi.idconv_url, **who, limits=PATIENT, sleep=bench.clock.pass_),
            finder=Finder(service, pubmed, limits=PATIENT),
            sources={
                name: OpenSource(sources()[name], sources()[name].open(http, url, caller))
                for name, url in found.items()
            },
        )
        yield World(bench, ncbi, europe_pmc, crossref)
    http.close()


def test_a_doi_that_is_not_in_pubmed_central_is_found_in_pubmed(world: World) -> None:
    world.cite(WAKEFIELD)
    world.bench.work_for(10)
    cited = world.shown(WAKEFIELD)
    assert cited.state == "resolved"
    assert cited.reference is not None and cited.reference.retracted
    assert world.bench.partner.last("spasms").rendition.body == f"1|Rest.|{WAKEFIELD.value}:resolved".encode()
    assert [asked.path for asked in world.ncbi.requests] == [IDCONV, ESEARCH, EFETCH]
    assert world.europe_pmc.requests == world.crossref.requests == []


@pytest.mark.parametrize(
    "down", [subset for size in range(1, 4) for subset in itertools.combinations(SERVICES, size)], ids="+".join
)
def test_a_retracted_paper_cited_by_doi_ends_retracted_whichever_services_were_down(
    down: tuple[str, ...], world: World
) -> None:
    known = Work(doi=WAKEFIELD.value, pmid="9500320", title="Ileal-lymphoid-nodular hyperplasia")
    world.europe_pmc.add(known)
    world.crossref.add(structs.replace(known, pmid=""))
    world.fail(*down)
    world.cite(WAKEFIELD)
    world.bench.work_for(60, step=5)
    assert world.shown(WAKEFIELD).state != "unknown"
    world.fail()
    world.bench.work_for(2 * 86_400, step=3600)
    cited = world.shown(WAKEFIELD)
    assert cited.reference is not None and cited.reference.pmid == "9500320" and cited.reference.retracted


def test_a_search_that_finds_a_paper_with_another_identifier_has_not_found_it(world: World) -> None:
    lookalike = CitedWork("doi", "10.1016/s0140.6736/97.11096.0")  # the same words, as a search reads them
    world.cite(lookalike)
    world.bench.work_for(600, step=20)
    assert world.shown(lookalike).state == "unknown"


def test_a_paper_that_pubmed_does_not_have_is_shown_by_another_sources_record(world: World) -> None:
    work = CitedWork("doi", "10.5555/only-there")
    people = (Author(last="Roe", fore="Kim"),)
    world.crossref.add(Work(doi=work.value, title="A <i>trial</i>", authors=people, journal="J Ex", year="2024"))
    world.cite(work)
    world.bench.work_for(30)
    cited = world.shown(work)
    assert cited.state == "resolved" and cited.reference is not None
    assert (cited.reference.pmid, cited.reference.doi) == (None, work.value)
    assert cited.reference.title == "A trial"


def test_a_paper_that_pubmed_takes_in_later_is_watched_there(world: World) -> None:
    work = CitedWork("doi", "10.5555/standin.777")
    world.crossref.add(Work(doi=work.value, title="A trial"))
    world.cite(work)
    world.bench.work_for(30)
    world.ncbi.add(invented("777"))
    world.bench.work_for(2 * 86_400, step=3600)
    cited = world.shown(work)
    assert cited.reference is not None and cited.reference.pmid == "777"


@pytest.mark.parametrize("service", SERVICES)
def test_a_doi_is_not_unknown_while_a_service_has_not_answered(service: str, world: World) -> None:
    work = CitedWork("doi", "10.5555/nowhere")
    world.fail(service)
    world.cite(work)
    world.bench.work_for(7_200, step=60)
    assert world.shown(work).state == "pending"
    world.fail()
    world.bench.work_for(86_400, step=1800)
    assert world.shown(work).state == "unknown"


def test_many_dois_share_requests(world: World) -> None:
    works = [CitedWork("doi", f"10.5555/nowhere.{number}") for number in range(90)]
    world.cite(*works)
    world.bench.work_for(60)
    assert {world.shown(work).state for work in works} == {"pending"}
    assert [len(world.europe_pmc.requests), len(world.crossref.requests)] == [1, 1]
