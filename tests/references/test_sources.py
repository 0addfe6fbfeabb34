"""The sources beside PubMed, against their stand-ins over real HTTP, and on recorded answers where those are."""

from __future__ import annotations

import ipaddress
import json
import pathlib
from collections.abc import Iterator
from contextlib import closing

import pytest
from judges.presence import missing

from pipeline.errors import TransientError
from pipeline.http import EgressGuard, Http, Limits
from pipeline.model.article import CitedWork
from pipeline.model.reference import Author, PartialDate
from pipeline.references.source import Caller, SourceClient
from pipeline.references.sources import sources
from pipeline.references.sources.crossref import read_work
from pipeline.references.sources.europe_pmc import read_result
from standins.crossref import CrossrefStandin
from standins.europe_pmc import EuropePmcStandin
from standins.misbehaviour import SOURCE_FAULTS
from standins.works import Notice, Work, WorksStandin, papers_as_works

RECORDED = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data" / "pubmed" / "choxos+retraction"
WAKEFIELD = CitedWork("doi", "10.1016/s0140-6736(97)11096-0")
NOTICE = CitedWork("doi", "10.1016/s0140-6736(10)60175-4")
ABSENT = CitedWork("doi", "10.5555/absent")
STANDINS: dict[str, type[WorksStandin]] = {"crossref": CrossrefStandin, "europe_pmc": EuropePmcStandin}


@pytest.fixture
def http() -> Iterator[Http]:
    http = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
    yield http
    http.close()


@pytest.fixture(params=sorted(STANDINS))
def standin(request: pytest.FixtureRequest) -> Iterator[WorksStandin]:
    with STANDINS[request.param](papers_as_works()) as standin:
        yield standin


@pytest.fixture
def client(http: Http, standin: WorksStandin) -> SourceClient:
    return opened(http, standin, Limits(connect=60, read=60, total=60))


def opened(http: Http, standin: WorksStandin, limits: Limits) -> SourceClient:
    name = next(name for name, kind in STANDINS.items() if isinstance(standin, kind))
    caller = Caller("citewire", "ops@example.org", sleep=lambda _: None, limits=limits)
    return sources()[name].open(http, standin.url, caller)


# --- both sources ---


def test_every_stand_in_is_a_source_and_every_source_has_one() -> None:
    assert set(STANDINS) == set(sources())


def test_what_a_source_has_and_what_it_has_not_are_told_apart(client: SourceClient, standin: WorksStandin) -> None:
    answer = client.look_up([WAKEFIELD, ABSENT, NOTICE])
    assert set(answer.records) == {WAKEFIELD, NOTICE}
    assert answer.unknown == {ABSENT}
    record = answer.records[WAKEFIELD]
    assert (record.doi, record.year, record.volume) == (WAKEFIELD.value, 1998, "351")
    assert record.authors[0].last == "Wakefield"
    assert len(standin.requests) == 1


@pytest.mark.parametrize("name", sorted(STANDINS))
def test_a_full_look_up_of_ordinary_papers_takes_one_request(name: str) -> None:
    source = sources()[name]
    asked = [CitedWork("doi", f"10.1016/j.jns.2019.{number:06}") for number in range(source.most)]
    with STANDINS[name]() as standin, closing(Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))) as http:
        answer = source.open(http, standin.url, Caller("citewire")).look_up(asked)
        assert answer.unknown == set(asked)
        assert len(standin.requests) == 1


def test_the_operator_can_be_written_to(client: SourceClient, standin: WorksStandin) -> None:
    client.look_up([WAKEFIELD])
    assert "ops@example.org" in standin.requests[0].params.values()


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("fault", sorted(SOURCE_FAULTS))
def test_a_failure_is_transient_and_says_nothing_about_any_paper(
    fault: str, alone: bool, http: Http, client: SourceClient, standin: WorksStandin
) -> None:
    standin.misbehave(fault, times=1)
    works = [WAKEFIELD] if alone else [WAKEFIELD, ABSENT]
    quick = opened(http, standin, Limits(connect=60, read=0.3, total=0.5))
    with pytest.raises(TransientError) as caught:
        (quick if fault in ("hang", "drip", "slow") else client).look_up(works)
    assert caught.value.retry_after == {"429": 2.0, "503": 54_000.0}.get(fault)
    assert set(client.look_up(works).records) == {WAKEFIELD}


def test_hundreds_of_works_take_few_requests(client: SourceClient, standin: WorksStandin) -> None:
    works = [CitedWork("doi", f"10.5555/{'x' * 60}(97)<{number}>") for number in range(100)]
    standin.add(Work(doi=works[77].value, title="T."))
    answer = client.look_up(works)
    assert list(answer.records) == [works[77]]
    assert len(answer.unknown) == 99
    assert 1 < len(standin.requests) < 10


def test_dois_with_commas_quotes_and_backslashes_are_looked_up_like_any_other(
    client: SourceClient, standin: WorksStandin
) -> None:
    odd = [CitedWork("doi", f"10.1000/a{sign}b") for sign in ',"\\&#?+ %']
    standin.add(*[Work(doi=work.value, title=work.value) for work in odd])
    answer = client.look_up([*odd, WAKEFIELD, CitedWork("doi", "10.1000/a,c")])
    assert {work: record.title for work, record in answer.records.items() if work in odd} == {
        work: " ".join(work.value.split()) for work in odd
    }
    assert WAKEFIELD in answer.records
    assert answer.unknown == {CitedWork("doi", "10.1000/a,c")}


def test_a_source_refuses_schemes_it_does_not_know(client: SourceClient) -> None:
    with pytest.raises(ValueError, match="works by"):
        client.look_up([CitedWork("url", "https://example.org/")])


# --- Crossref ---


def test_updated_by_belongs_to_the_paper_and_update_to_to_the_notice(http: Http) -> None:
    paper = Work(doi="10.5555/p", title="Paper", updated_by=(_retraction("10.5555/n", "2024-03-02"),))
    notice = Work(doi="10.5555/n", title="Retraction: Paper", updates=(_retraction("10.5555/p"),))
    with CrossrefStandin([paper, notice]) as standin:
        client = sources()["crossref"].open(http, standin.url, Caller("citewire", sleep=lambda _: None))
        found = client.look_up([CitedWork("doi", "10.5555/p"), CitedWork("doi", "10.5555/n")]).records
    of_paper, of_notice = found[CitedWork("doi", "10.5555/p")], found[CitedWork("doi", "10.5555/n")]
    assert [(one.kind, one.notice_doi, one.date) for one in of_paper.verdicts] == [
        ("retraction", "10.5555/n", PartialDate(year=2024, month=3, day=2))
    ]
    assert of_paper.updates == of_notice.verdicts == ()
    assert of_notice.updates[0].notice_doi == "10.5555/p"


def _retraction(doi: str, date: str = "") -> Notice:
    return Notice(kind="retraction", doi=doi, date=date)


def test_the_recorded_work_is_read() -> None:
    if not RECORDED.is_dir():
        missing("Crossref's recorded answer", ".ci/run brings it with it")
    recorded = json.loads((RECORDED / "crossref_work_10.1016_s0140-6736-97-11096-0.json").read_text())
    work = read_work(recorded["message"])
    assert (work.doi, work.journal, work.pages) == (WAKEFIELD.value, "The Lancet", "637-641")
    assert work.date == PartialDate(year=1998, month=2)
    assert work.title is not None and work.title.startswith("RETRACTED: Ileal")
    assert [(one.kind, one.record_id, one.reported_by) for one in work.verdicts] == [
        ("correction", "17269", "retraction-watch"),
        ("retraction", "4036", "retraction-watch"),
    ]


# --- Europe PMC ---


def test_comments_are_no_verdicts_and_notices_are_not_done_to_their_author(http: Http) -> None:
    done = (
        Notice(kind="Comment in", pmid="9500313"),
        Notice(kind="Retraction in", pmid="20137807", text="Lancet. 2010 Feb 6;375(9713):445"),
        Notice(kind="Expression of concern in", pmid="21971344"),
    )
    notice = Work(doi=NOTICE.value, pmid="20137807", updates=(Notice(kind="Retraction of", pmid="9500320"),))
    with EuropePmcStandin([Work(doi=WAKEFIELD.value, pmid="9500320", updated_by=done), notice]) as standin:
        client = sources()["europe_pmc"].open(http, standin.url, Caller("citewire", sleep=lambda _: None))
        found = client.look_up([CitedWork("pmid", "9500320"), NOTICE]).records
    paper, of_notice = found[CitedWork("pmid", "9500320")], found[NOTICE]
    assert [(one.kind, one.notice_pmid) for one in paper.verdicts] == [
        ("Retraction in", "20137807"),
        ("Expression of concern in", "21971344"),
    ]
    assert of_notice.verdicts == ()
    assert [one.kind for one in of_notice.updates] == ["Retraction of"]


def test_the_recorded_result_is_read() -> None:
    if not RECORDED.is_dir():
        missing("Europe PMC's recorded answer", ".ci/run brings it with it")
    recorded = json.loads((RECORDED / "europepmc_search_core_9500320.json").read_text())
    record = read_result(recorded["resultList"]["result"][0])
    assert (record.pmid, record.doi, record.year) == ("9500320", WAKEFIELD.value, 1998)
    assert record.authors[0] == Author(last="Wakefield", fore="A J", initials="AJ")
    assert record.journal_abbreviation == "Lancet"
    kinds = {one.kind for one in record.verdicts}
    assert "Retraction in" in kinds
    assert not any("Comment" in kind for kind in kinds)


# --- whatever they send ---

_SHAPES = (
    None,
    True,
    -1,
    10**30,
    "",
    "\x00",
    [],
    {},
    [None],
    [[]],
    [[0, "x"]],
    [{}],
    {"date-parts": [[True]]},
    {"date-parts": [[]]},
)
_KEYS = (
    "DOI", "title", "author", "issued", "updated-by", "update-to", "pmid", "journalInfo", "pubTypeList",
    "commentCorrectionList", "fullTextUrlList", "authorList", "container-title", "ISSN", "page", "pubYear",
)  # fmt: skip


@pytest.mark.parametrize("key", _KEYS)
@pytest.mark.parametrize("shape", _SHAPES, ids=repr)
def test_a_record_of_any_shape_is_read(key: str, shape: object) -> None:
    for read in (read_work, read_result):
        record = read({key: shape, "volume": "7", "pubYear": shape})
        assert record.date is None or record.year is not None
        assert record.verdicts == record.updates == ()
