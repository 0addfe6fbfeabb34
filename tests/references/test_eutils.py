"""The client against the stand-in, and against NCBI's recorded bytes, over real HTTP."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable, Iterator

import pytest
from recorded import Answers, answers

from pipeline.errors import TransientError
from pipeline.http import EgressGuard, Http, Limits
from pipeline.references.pubmed.eutils import Eutils
from pipeline.references.pubmed.service import Service
from standins.eutils import EutilsStandin
from standins.misbehaviour import Answer
from standins.papers import invented, paper_xml, record_set
from standins.serving import Listener

__all__ = ["answers"]  # a fixture

HERE = EgressGuard([ipaddress.ip_network("127.0.0.0/8")])
QUICK = Limits(connect=60, read=0.3, total=0.5)  # where the time is what ends a request
PATIENT = Limits(connect=60, read=60, total=60)


@pytest.fixture
def http() -> Iterator[Http]:
    http = Http(HERE)
    yield http
    http.close()


@pytest.fixture
def ncbi() -> Iterator[EutilsStandin]:
    with EutilsStandin() as standin:
        yield standin


@pytest.fixture
def client(http: Http, ncbi: EutilsStandin) -> Eutils:
    return eutils(http, ncbi.url)


def eutils(http: Http, url: str, *, limits: Limits = PATIENT, api_key: str | None = None) -> Eutils:
    return Eutils(Service(http, url, "citewire", "op@example.org", api_key, sleep=lambda _: None), limits=limits)


def test_what_is_known_is_resolved_and_the_rest_is_unknown(client: Eutils, ncbi: EutilsStandin) -> None:
    fetched = client.fetch(["9500320", "99999999", "362234", "9500320"])
    assert set(fetched.resolved) == {"9500320", "362234"}
    assert fetched.resolved["9500320"].retracted
    assert fetched.unknown == {"99999999"}
    assert fetched.rate_limit == 3
    [asked] = ncbi.requests
    assert asked.ids == ("9500320", "99999999", "362234")
    assert asked.params["tool"] == "citewire"
    assert asked.params["email"] == "op@example.org"
    assert "api_key" not in asked.params


def test_a_key_travels_in_the_body_only(http: Http, ncbi: EutilsStandin) -> None:
    eutils(http, ncbi.url, api_key="s3cret").fetch(["9500320"])
    assert ncbi.requests[0].params["api_key"] == "s3cret"
    assert "s3cret" not in ncbi.requests[0].path
    ncbi.stop()
    with pytest.raises(TransientError) as down:
        eutils(http, ncbi.url, api_key="s3cret").fetch(["9500320"])
    assert "s3cret" not in f"{down.value!r} {down.value.__cause__!r}"


def test_two_hundred_go_in_one_request_and_more_are_refused(http: Http) -> None:
    pmids = [str(30_000_000 + number) for number in range(201)]
    with EutilsStandin([], invent=True) as ncbi:
        client = eutils(http, ncbi.url)
        assert len(client.fetch(pmids[:200]).resolved) == 200
        assert len(ncbi.requests) == 1
        with pytest.raises(ValueError, match="201"):
            client.fetch(pmids)


def test_what_cannot_be_a_pmid_is_unknown_without_being_asked(client: Eutils, ncbi: EutilsStandin) -> None:
    odd = ["0", "", "12a", "1,2", "-5", "007", "٣", "9" * 11]
    assert client.fetch(odd).unknown == set(odd)
    assert ncbi.requests == []
    assert client.fetch([*odd, "9500320"]).resolved.keys() == {"9500320"}


def test_nothing_asked_is_nothing_answered(client: Eutils, ncbi: EutilsStandin) -> None:
    assert client.fetch([]).resolved == {}
    assert ncbi.requests == []


# --- failures say nothing of any paper ---

FAILURES = {
    "down": "connection-failed",
    "hang": "timeout",
    "drip": "timeout",
    "cut": "connection-failed",
    "truncated": "unreadable-xml",
    "429": "rate-limited",
    "429-as-200": "rate-limited",
    "500-html": "html-page",
    "blocked": "html-page",
    "backend-400": "backend-failed",
    "unroutable": "unroutable",
    "not-xml": "not-data",
    "empty": "not-data",
}


@pytest.mark.parametrize("name", FAILURES)
def test_each_misbehaviour_is_transient_and_over_with_it_the_paper_is_there(
    http: Http, ncbi: EutilsStandin, name: str
) -> None:
    limits = QUICK if FAILURES[name] == "timeout" else PATIENT
    ncbi.misbehave(name, times=1)
    with pytest.raises(TransientError) as failed:
        eutils(http, ncbi.url, limits=limits).fetch(["9500320", "99999999"])
    assert failed.value.code == FAILURES[name]
    fetched = eutils(http, ncbi.url).fetch(["9500320", "99999999"])
    assert fetched.resolved.keys() == {"9500320"}
    assert fetched.unknown == {"99999999"}


def test_ncbis_wish_to_be_left_alone_is_passed_on(client: Eutils, ncbi: EutilsStandin) -> None:
    ncbi.misbehave("429")
    with pytest.raises(TransientError) as limited:
        client.fetch(["9500320"])
    assert limited.value.retry_after == 2.0
    assert "192.0.2.1" not in str(limited.value)


def test_records_that_nobody_asked_for_are_no_answer(client: Eutils, ncbi: EutilsStandin) -> None:
    ncbi.misbehave("stranger")
    with pytest.raises(TransientError) as raised:
        client.fetch(["9500320"])
    assert raised.value.code == "not-data"


def test_what_an_answer_with_strangers_leaves_out_is_asked_for_again(http: Http) -> None:
    records = record_set([paper_xml(invented(pmid)) for pmid in ("5", "7")])
    listener = Listener(lambda *_: Answer(200, "text/xml", records))
    listener.start()
    fetched = eutils(http, f"http://127.0.0.1:{listener.port}/").fetch(["5", "6"])
    listener.stop()
    assert (set(fetched.resolved), fetched.unknown) == ({"5"}, frozenset())


def test_an_address_that_may_not_be_reached_leaves_the_papers_pending(ncbi: EutilsStandin) -> None:
    http = Http(EgressGuard())
    with pytest.raises(TransientError) as refused:
        eutils(http, ncbi.url).fetch(["9500320"])
    assert refused.value.code == "egress-refused"
    http.close()


def test_at_random_everything_ends_resolved_or_truly_unknown(http: Http) -> None:
    known = [str(20_000_000 + number) for number in range(300)]
    chance = random.Random(5)
    with EutilsStandin([], invent=True) as ncbi:
        client = eutils(http, ncbi.url)
        ncbi.misbehave("random", seed=3)
        pending, resolved = set(known), set[str]()
        for _ in range(200):
            if not pending:
                break
            batch = chance.sample(sorted(pending), min(50, len(pending)))
            try:
                fetched = client.fetch(batch)
            except TransientError:
                continue
            assert fetched.unknown == frozenset()
            resolved |= set(fetched.resolved)
            pending -= resolved
    assert resolved == set(known)


# --- splitting ---


def served(respond: Callable[[tuple[str, ...]], Answer]) -> tuple[Listener, list[tuple[str, ...]]]:
    asked: list[tuple[str, ...]] = []

    def answer(_method: str, _path: str, params: object, _body: bytes, _length: int) -> Answer:
        ids = tuple(params["id"].split(","))  # type: ignore[index]
        asked.append(ids)
        return respond(ids)

    return Listener(answer), asked


def xml_of(ids: tuple[str, ...]) -> Answer:
    records = "".join(
        f"<PubmedArticle><MedlineCitation><PMID>{pmid}</PMID></MedlineCitation></PubmedArticle>" for pmid in ids
    )
    return Answer(200, "text/xml", f"<PubmedArticleSet>{records}</PubmedArticleSet>".encode())


NO_IDS = Answer(
    400, "text/xml", b"<eFetchResult><ERROR>ID list is empty! Possibly it has no correct IDs.</ERROR></eFetchResult>"
)


def test_one_bad_id_does_not_sink_the_others(http: Http) -> None:
    pmids = [str(number) for number in range(101, 301)]
    listener, asked = served(lambda ids: NO_IDS if "173" in ids else xml_of(ids))
    listener.start()
    fetched = eutils(http, f"http://127.0.0.1:{listener.port}/").fetch(pmids)
    listener.stop()
    assert fetched.unknown == {"173"}
    assert fetched.resolved.keys() == set(pmids) - {"173"}
    assert len(asked) < 20


def test_one_id_that_is_none_is_unknown(http: Http) -> None:
    listener, asked = served(lambda _: NO_IDS)
    listener.start()
    fetched = eutils(http, f"http://127.0.0.1:{listener.port}/").fetch(["5"])
    listener.stop()
    assert fetched.resolved == {}
    assert fetched.unknown == {"5"}
    assert asked == [("5",)]


def test_an_answer_that_is_too_large_is_asked_for_in_halves(http: Http) -> None:
    listener, asked = served(xml_of)
    listener.start()
    small = Limits(connect=2.0, read=2.0, total=2.0, max_bytes=1_000)
    fetched = eutils(http, f"http://127.0.0.1:{listener.port}/", limits=small).fetch([str(n) for n in range(1, 41)])
    listener.stop()
    assert len(fetched.resolved) == 40
    assert len(asked) > 1


def test_a_failure_within_a_split_is_a_failure(http: Http) -> None:
    listener, _ = served(lambda ids: NO_IDS if len(ids) > 1 else Answer(502, "text/plain", b"Unable to route request!"))
    listener.start()
    with pytest.raises(TransientError):
        eutils(http, f"http://127.0.0.1:{listener.port}/").fetch(["5", "6"])
    listener.stop()


# --- a record that breaks its answer ---

PMIDS = [str(number) for number in range(101, 301)]


def broken(ids: tuple[str, ...]) -> Answer:
    return Answer(200, "text/xml", xml_of(ids).body.replace(b"</MedlineCitation>", b"</MedlineCitatio>", 1))


def test_one_broken_record_does_not_sink_the_others_and_is_not_unknown(http: Http) -> None:
    listener, asked = served(lambda ids: broken(ids) if "173" in ids else xml_of(ids))
    listener.start()
    pauses: list[float] = []
    client = Eutils(Service(http, f"http://127.0.0.1:{listener.port}/", "x", None, None, sleep=pauses.append))
    fetched = client.fetch(PMIDS)
    listener.stop()
    assert fetched.resolved.keys() == set(PMIDS) - {"173"}
    assert fetched.unknown == frozenset()
    assert {pmid: error.code for pmid, error in fetched.broken.items()} == {"173": "unreadable-xml"}
    assert asked[0] == asked[1] == tuple(PMIDS)
    assert len(asked) < 20
    assert len(pauses) == len(asked) - 1
    assert min(pauses) > 1  # NCBI's rate holds between all of them


def test_what_is_broken_for_a_moment_is_asked_for_once_more_and_not_split(http: Http) -> None:
    listener, asked = served(lambda ids: broken(ids) if len(asked) == 1 else xml_of(ids))
    listener.start()
    fetched = eutils(http, f"http://127.0.0.1:{listener.port}/").fetch(PMIDS)
    listener.stop()
    assert (fetched.resolved.keys(), fetched.unknown, fetched.broken) == (set(PMIDS), frozenset(), {})
    assert asked == [tuple(PMIDS)] * 2


def test_an_answer_that_was_cut_is_not_split(http: Http) -> None:
    listener, asked = served(lambda ids: Answer(200, "text/xml", xml_of(ids).body[:-20]))
    listener.start()
    with pytest.raises(TransientError) as cut:
        eutils(http, f"http://127.0.0.1:{listener.port}/").fetch(PMIDS)
    listener.stop()
    assert cut.value.code == "unreadable-xml"
    assert len(asked) == 1


def test_one_alone_whose_record_is_broken_is_told_and_not_unknown(http: Http) -> None:
    listener, asked = served(broken)
    listener.start()
    fetched = eutils(http, f"http://127.0.0.1:{listener.port}/").fetch(["5"])
    listener.stop()
    assert (fetched.resolved, fetched.unknown, set(fetched.broken)) == ({}, frozenset(), {"5"})
    assert len(asked) == 2


def test_where_everything_comes_broken_it_is_no_records_fault(http: Http) -> None:
    listener, _ = served(broken)
    listener.start()
    with pytest.raises(TransientError) as failed:
        eutils(http, f"http://127.0.0.1:{listener.port}/").fetch(["5", "6", "7"])
    listener.stop()
    assert failed.value.code == "unreadable-xml"


# --- NCBI's own bytes ---


def test_each_recorded_answer_over_http_leaves_nothing_false(http: Http, answers: Answers) -> None:
    outcomes = {}
    for row in answers.rows():
        answer = Answer(int(row["status"]), row["headers"].split(";")[0], answers.body(row["file"]))
        listener, _ = served(lambda _, answer=answer: answer)  # type: ignore[misc]
        listener.start()
        try:
            fetched = eutils(http, f"http://127.0.0.1:{listener.port}/").fetch(["32816848", "32816849"])
            outcomes[row["file"]] = sorted(fetched.unknown)
        except TransientError:
            outcomes[row["file"]] = ["transient"]
        listener.stop()
    both = ["32816848", "32816849"]
    settled = {"200_empty_set.xml", "400_id_list_empty.xml", "400_id_list_empty.txt", "200_text_pmid_not_available.txt"}
    assert outcomes == {name: both if name in settled else ["transient"] for name in answers.names()}
