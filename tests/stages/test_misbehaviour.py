"""NCBI fails in each of its known ways: nothing false is stored, and everything is answered eventually."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import replace

import pytest
from bench import Bench, WithoutFeeds, article
from every_stage import enrich
from msgspec import structs

from pipeline.http import EgressGuard, Http, Limits
from pipeline.ledger import Ledger, evidence
from pipeline.model.article import CitedWork
from pipeline.model.reference import CitedReference
from pipeline.references.idconv import IdConverter
from pipeline.references.pubmed.eutils import Eutils
from pipeline.references.pubmed.service import Service
from pipeline.stages.stage import drain
from standins.eutils import EFETCH, IDCONV, EutilsStandin
from standins.misbehaviour import MISBEHAVIOURS
from standins.papers import invented

PATIENT = Limits(connect=60, read=60, total=60)
QUICK = {name: Limits(connect=60, read=0.5, total=1.0) for name in ("slow", "hang", "drip")}  # what time alone ends
UNKNOWN = 90_000_000  # PMIDs from here on do not exist


@pytest.fixture
def ncbi() -> Iterator[EutilsStandin]:
    with EutilsStandin([]) as standin:
        yield standin


@pytest.fixture
def bench(ledger: Ledger, ncbi: EutilsStandin, name: str) -> Iterator[Bench]:
    """The real clients over real HTTP, with a controllable clock. `name`: how the service misbehaves."""
    limits = QUICK.get(name, PATIENT)
    bench, http = WithoutFeeds(ledger), Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
    who = {"tool": "citewire", "email": None}
    bench.context = replace(
        bench.context,
        pubmed=Eutils(
            Service(http, ncbi.url, "citewire", None, None, sleep=bench.clock.pass_), limits=limits, clock=bench.clock
        ),
        converter=IdConverter(http, base_url=ncbi.idconv_url, **who, limits=limits, sleep=bench.clock.pass_),
    )
    yield bench
    http.close()


def publish(bench: Bench, ncbi: EutilsStandin, number: int) -> None:
    """An article that cites three papers by PMID, one by DOI, and two unknown works."""
    pmids = [1_000 + number * 2 + n for n in range(4)]
    for pmid in pmids:
        ncbi.add(structs.replace(invented(str(pmid)), pmcid=f"PMC{pmid}"))
    works = [CitedWork("pmid", str(pmid)) for pmid in pmids[:3]]
    works += [CitedWork("doi", f"10.5555/standin.{pmids[3]}"), CitedWork("pmid", str(UNKNOWN + number))]
    works.append(CitedWork("doi", f"10.5555/nobodys.{number}"))
    bench.publish(structs.replace(article(f"article-{number}"), references=tuple(works)))


def shown(bench: Bench, number: int) -> tuple[CitedReference, ...]:
    pmids = [1_000 + number * 2 + n for n in range(4)]
    works = [CitedWork("pmid", str(pmid)) for pmid in pmids[:3]]
    works += [CitedWork("doi", f"10.5555/standin.{pmids[3]}"), CitedWork("pmid", str(UNKNOWN + number))]
    with bench.ledger.read() as transaction:
        return evidence.references_for(transaction, (*works, CitedWork("doi", f"10.5555/nobodys.{number}")))


def check(bench: Bench, number: int, *, done: bool) -> None:
    """Each reference has its own paper's record or none; when all is `done`, exactly the existing ones are resolved."""
    exists = (True, True, True, True, False, False)
    for cited, there in zip(shown(bench, number), exists, strict=True):
        assert cited.state in (("resolved" if there else "unknown"), *(() if done else ("pending",))), cited
        if cited.reference is not None:
            pmid = cited.work.value.removeprefix("10.5555/standin.")
            assert cited.reference.title == f"Stand-in record for PMID {pmid}."


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_each_way_to_fail_teaches_nothing_false_and_is_survived(bench: Bench, ncbi: EutilsStandin, name: str) -> None:
    for first, path in enumerate((EFETCH, IDCONV)):
        ncbi.misbehave(name, times=2, path=path)
        numbers = (10 * first, 10 * first + 1)
        for number in numbers:
            publish(bench, ncbi, number)
        for _ in range(8):
            ask(bench, times=1)
            for number in numbers:
                check(bench, number, done=False)
        for _ in range(3):  # what is unknown is asked for twice, and a refusal is answered with a long pause
            bench.clock.pass_(2 * bench.context.policy.unknown_confirm)
            ask(bench, times=8)
        for number in numbers:
            check(bench, number, done=True)


@pytest.mark.parametrize("name", ["turns", "random"])
def test_with_ever_other_failures_every_reference_ends_as_it_is(bench: Bench, ncbi: EutilsStandin, name: str) -> None:
    ncbi.misbehave(name, seed=7)
    for number in range(120):
        publish(bench, ncbi, number)
        if number % 30 == 29:
            ask(bench, times=4)
            check(bench, number, done=False)
    ask(bench, times=100)
    for _ in range(20):  # refusals are answered with long pauses, and what is unknown is asked for twice
        bench.clock.pass_(3600)
        ask(bench, times=20)
    for number in range(120):
        check(bench, number, done=True)
    assert max(len(asked.ids) for asked in ncbi.requests if asked.path == EFETCH) > 90
    assert any(asked.path == IDCONV for asked in ncbi.requests)


def ask(bench: Bench, *, times: int) -> None:
    for _ in range(times):
        drain(bench.context, enrich)
        bench.clock.pass_(4)
