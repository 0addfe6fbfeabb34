"""A citation leads to the paper that it describes, or to none: what merely resembles it is not taken."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import pytest

from pipeline.errors import TransientError
from pipeline.http import EgressGuard, Http, Limits
from pipeline.references.pubmed.eutils import Eutils
from pipeline.references.pubmed.matching import MOST_CITATIONS, Matcher
from pipeline.references.pubmed.service import Service
from standins.eutils import ECITMATCH, EFETCH, ESEARCH, EutilsStandin
from standins.papers import Author, Paper

WAKEFIELD = (
    "Wakefield AJ, Murch SH, Anthony A, et al. Ileal-lymphoid-nodular hyperplasia, non-specific colitis, and pervasive"
    " developmental disorder in children. Lancet. 1998;351(9103):637-641."
)
IN_PROSE = "Wakefield et al., Ileal-lymphoid-nodular hyperplasia, non-specific colitis, and developmental disorder"
PATIENT = Limits(connect=60, read=60, total=60)


@pytest.fixture(scope="module")
def standin() -> Iterator[EutilsStandin]:
    with EutilsStandin() as ncbi:
        ncbi.add(
            Paper(
                pmid="70000001",
                title="A wholly different paper about a quite unrelated subject.",
                authors=(Author(last="Lonely", fore="Only One", initials="OO"),),
                journal="The Lancet",
                abbreviation="Lancet",
                year="2003",
                volume="361",
                pages="11-12",
            )
        )
        yield ncbi


@pytest.fixture
def ncbi(standin: EutilsStandin) -> EutilsStandin:
    standin.misbehave("")
    standin.requests.clear()
    return standin


@pytest.fixture
def matcher(ncbi: EutilsStandin) -> Iterator[Matcher]:
    http = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
    service = Service(http, ncbi.url, "citewire", "desk@example.org", "key", sleep=lambda seconds: None)
    yield Matcher(service, Eutils(service, limits=PATIENT), limits=PATIENT)
    http.close()


@pytest.mark.parametrize("words", [WAKEFIELD, IN_PROSE, WAKEFIELD.replace("Lancet", "The Lancet")])
def test_a_citation_leads_to_its_paper(matcher: Matcher, words: str) -> None:
    assert matcher.match([words]).pmids == {words: "9500320"}


def test_the_requests_are_few_and_say_who_asks(matcher: Matcher, ncbi: EutilsStandin) -> None:
    matcher.match([WAKEFIELD, IN_PROSE])
    assert [asked.path for asked in ncbi.requests] == [ECITMATCH, *[ESEARCH] * 3, EFETCH]
    assert {(asked.params["tool"], asked.params["email"], asked.params["api_key"]) for asked in ncbi.requests} == {
        ("citewire", "desk@example.org", "key")
    }
    line = "Lancet|1998|351|637|Wakefield AJ|0|"
    assert ncbi.requests[0].params["bdata"] == line


def test_what_ecitmatch_finds_by_author_alone_is_not_taken(matcher: Matcher) -> None:
    words = "Lonely OO. On something that nobody ever wrote about here. Lancet. 1999;350(1):777-779."
    found = matcher.match([words])
    assert (found.pmids, found.answered) == ({}, frozenset([words]))


@pytest.mark.parametrize("words", ["", "Ibid.", "A|b\r\n|c", "x " * 5_000, "PubMed."])
def test_words_that_describe_nothing_lead_nowhere(matcher: Matcher, words: str) -> None:
    assert matcher.match([words]).pmids == {}


FAULTS = ("down", "429", "429-as-200", "500-html", "blocked", "backend-400", "empty", "not-xml")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_matcher_that_does_not_answer_says_nothing(matcher: Matcher, ncbi: EutilsStandin, fault: str) -> None:
    for path in (ECITMATCH, ESEARCH):
        ncbi.misbehave(fault, path=path)
        with pytest.raises(TransientError):
            matcher.match([WAKEFIELD])


def test_too_many_citations_are_a_mistake_of_the_caller(matcher: Matcher) -> None:
    with pytest.raises(ValueError, match="at most"):
        matcher.match([str(number) for number in range(MOST_CITATIONS + 1)])
