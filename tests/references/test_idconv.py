"""The ID converter's client against the stand-in, over real HTTP, and on answers of its own."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import pathlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from judges.presence import missing

from pipeline.errors import TransientError
from pipeline.http import EgressGuard, Http, Limits, Response
from pipeline.model.article import CitedWork
from pipeline.references.idconv import Conversion, IdConverter, read_conversion
from standins.eutils import EutilsStandin
from standins.misbehaviour import Answer
from standins.papers import Paper
from standins.serving import Listener

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
SAMPLE = (
    pathlib.Path(__file__).resolve().parents[3] / "shared" / "data" / "pubmed" / "choxos+retraction" / "pmc_idconv.json"
)
KNOWN_DOI = CitedWork("doi", "10.1186/1472-6904-4-6")
KNOWN_PMCID = CitedWork("pmcid", "PMC514562")


QUICK = Limits(connect=60, read=0.3, total=0.5)  # where the time is what ends a request
PATIENT = Limits(connect=60, read=60, total=60)


@pytest.fixture
def ncbi() -> Iterator[EutilsStandin]:
    with EutilsStandin() as standin:
        yield standin


@pytest.fixture
def http() -> Iterator[Http]:
    http = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
    yield http
    http.close()


@pytest.fixture
def converter(http: Http, ncbi: EutilsStandin) -> IdConverter:
    return opened(http, ncbi, PATIENT)


def opened(http: Http, ncbi: EutilsStandin, limits: Limits) -> IdConverter:
    return IdConverter(http, base_url=ncbi.idconv_url, tool="citewire", email=None, limits=limits, sleep=lambda _: None)


@contextmanager
def served(body: bytes) -> Iterator[str]:
    listener = Listener(lambda *_: Answer(200, "application/json", body))
    listener.start()
    yield f"http://127.0.0.1:{listener.port}/"
    listener.stop()


def test_dois_and_pmcids_become_pmids_and_the_rest_is_unknown(converter: IdConverter, ncbi: EutilsStandin) -> None:
    elsewhere = CitedWork("doi", "10.1212/wnl.28.11.1094")
    converted = converter.convert([KNOWN_DOI, elsewhere, KNOWN_PMCID])
    assert converted.pmids == {KNOWN_DOI: "15301690", KNOWN_PMCID: "15301690"}
    assert converted.unknown == {elsewhere}
    assert [asked.params["idtype"] for asked in ncbi.requests] == ["pmcid", "doi"]


def test_hundreds_of_long_dois_are_asked_for_in_addresses_that_are_short_enough(
    converter: IdConverter, ncbi: EutilsStandin
) -> None:
    works = [CitedWork("doi", f"10.5555/{'x' * 60}(97)#<{number}>") for number in range(200)]
    ncbi.add(Paper(pmid="5", title="T.", doi=works[77].value, pmcid="PMC5"))
    converted = converter.convert(works)
    assert converted.pmids == {works[77]: "5"}
    assert len(converted.unknown) == 199
    assert 1 < len(ncbi.requests) < 10
    assert {asked.status for asked in ncbi.requests} == {200}


def test_a_doi_with_a_comma_is_unknown_and_harms_no_other(converter: IdConverter) -> None:
    odd = CitedWork("doi", "10.1000/a,b")
    converted = converter.convert([odd, KNOWN_DOI])
    assert set(converted.pmids) == {KNOWN_DOI}
    assert converted.unknown == {odd}


@pytest.mark.parametrize("works", [[CitedWork("pmid", "1")], [CitedWork("doi", f"10.1/{n}") for n in range(201)]])
def test_other_schemes_and_too_many_are_refused(converter: IdConverter, works: list[CitedWork]) -> None:
    with pytest.raises(ValueError, match="200"):
        converter.convert(works)


@pytest.mark.parametrize(
    "name", ["down", "hang", "cut", "truncated", "429", "429-as-200", "500-html", "blocked", "empty"]
)
def test_a_failure_is_never_an_answer(http: Http, converter: IdConverter, ncbi: EutilsStandin, name: str) -> None:
    ncbi.misbehave(name, times=1)
    with pytest.raises(TransientError):
        opened(http, ncbi, QUICK if name == "hang" else PATIENT).convert([KNOWN_DOI])
    assert converter.convert([KNOWN_DOI]).pmids == {KNOWN_DOI: "15301690"}


def answer(body: object, status: int = 200) -> Response:
    return Response(status, {}, json.dumps(body).encode())


def test_an_id_that_pmc_does_not_have_is_answered_with_no_pmid() -> None:
    record = {"doi": "10.5555/cw.1", "requested-id": "10.5555/cw.1", "status": "error", "errmsg": "not found in PMC"}
    found = read_conversion(answer({"status": "ok", "request": {"idtype": "doi"}, "records": [record]}), NOW)
    assert found == Conversion({}, frozenset({"10.5555/cw.1"}))


def test_a_recorded_answer_is_read() -> None:
    if not SAMPLE.is_file():
        missing("the ID converter's recorded answer", "it belongs beside the checkout, in shared/data/pubmed")
    found = read_conversion(Response(200, {}, SAMPLE.read_bytes()), NOW)
    assert found == Conversion({}, frozenset({"10.1016/s0140-6736(97)11096-0"}))


def test_a_pmid_may_be_a_number_or_a_text_and_ids_may_differ_in_case() -> None:
    records = [{"doi": "10.1/A", "pmid": 5}, {"requested-id": "PMC7", "pmid": "6"}, {"doi": "10.1/b", "pmcid": "PMC8"}]
    found = read_conversion(answer({"status": "ok", "records": records}), NOW)
    assert found == Conversion({"10.1/a": "5", "pmc7": "6"}, frozenset({"10.1/b", "pmc8"}))


def test_what_an_answer_leaves_out_is_not_answered(http: Http) -> None:
    answered = {"status": "ok", "records": [{"requested-id": "10.1/a", "pmid": 5}, {"pmid": 6, "doi": "10.1/stranger"}]}
    with served(json.dumps(answered).encode()) as url:
        asked = [CitedWork("doi", "10.1/a"), CitedWork("doi", "10.1/b")]
        converted = IdConverter(http, base_url=url, tool="citewire", email=None).convert(asked)
    assert (converted.pmids, converted.unknown) == ({asked[0]: "5"}, frozenset())


def test_one_bad_id_does_not_sink_the_others(http: Http) -> None:
    def refuse(method: str, path: str, params: Mapping[str, str], body: bytes, length: int) -> Answer:
        ids = params["ids"].split(",")
        if "10.1/bad" in ids:
            answered: object = {"status": "error", "message": "Invalid ids: 10.1/bad"}
            return Answer(400, "application/json", json.dumps(answered).encode())
        answered = {"status": "ok", "records": [{"requested-id": one, "pmid": 5} for one in ids]}
        return Answer(200, "application/json", json.dumps(answered).encode())

    listener = Listener(refuse)
    listener.start()
    good = [CitedWork("doi", f"10.1/{number}") for number in range(5)]
    bad = CitedWork("doi", "10.1/bad")
    url = f"http://127.0.0.1:{listener.port}/"
    client = IdConverter(http, base_url=url, tool="citewire", email=None, sleep=lambda _: None)
    converted = client.convert([*good, bad])
    listener.stop()
    assert (set(converted.pmids), converted.unknown) == (set(good), {bad})


@pytest.mark.parametrize(
    "body", [[], {}, {"status": "ok"}, {"status": "error", "records": []}, {"records": [{"pmid": 5}]}]
)
def test_what_is_no_answer_is_transient(body: object) -> None:
    with pytest.raises(TransientError):
        read_conversion(answer(body), NOW)


def test_a_refusal_for_an_id_is_told_from_other_refusals() -> None:
    assert read_conversion(answer({"status": "error", "message": "Invalid ids: 10.1/x"}, 400), NOW) is None
    with pytest.raises(TransientError):
        read_conversion(answer({"status": "error", "message": "Service unavailable"}, 400), NOW)


def test_records_of_any_shape_are_survived() -> None:
    records = [
        None,
        5,
        "x",
        {"pmid": None},
        {"pmid": "x"},
        {"pmid": 5, "status": "error", "doi": "10.1/x"},
        {"pmid": 7},
    ]
    found = read_conversion(answer({"status": "ok", "records": records}), NOW)
    assert found == Conversion({}, frozenset({"10.1/x"}))
