"""The stand-in against NCBI's recorded habits, over real HTTP."""

from __future__ import annotations

import html
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter

from pipeline.references.pubmed.pubmed_xml import parse_pubmed
from standins.eutils import EutilsStandin
from standins.misbehaviour import MISBEHAVIOURS
from standins.papers import Author, Correction, Paper, load_papers, paper_xml, record_set

ROOT = Path(__file__).resolve().parents[2]
QUERY = {"db": "pubmed", "retmode": "xml"}


@pytest.fixture
def ncbi() -> Iterator[EutilsStandin]:
    with EutilsStandin() as standin:
        yield standin


@pytest.fixture
def web() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", HTTPAdapter(max_retries=0))
        yield session


def efetch(web: requests.Session, ncbi: EutilsStandin, ids: str, **more: str) -> requests.Response:
    return web.post(f"{ncbi.url}efetch.fcgi", data={**QUERY, "id": ids, **more}, timeout=60)


# --- papers ---


def test_every_paper_comes_out_of_its_xml_as_it_went_in() -> None:
    for paper in load_papers():
        reference = parse_pubmed(record_set([paper_xml(paper)]))[paper.pmid]
        written = f"[{reference.title.removesuffix('.')}]." if reference.translated else reference.title_html
        assert (written or html.escape(reference.title, quote=False)) == paper.title
        assert reference.doi == (paper.doi or None)
        assert reference.pmcid == (paper.pmcid or None)
        assert reference.pages == (paper.pages or None)
        assert reference.journal_abbreviation == (paper.abbreviation or None)
        assert reference.types == paper.types
        assert len(reference.authors) == len(paper.authors)
        assert reference.authors_complete == paper.authors_complete
        assert reference.date is not None


def test_the_retracted_and_their_notices_are_told_apart() -> None:
    known = parse_pubmed(record_set([paper_xml(paper) for paper in load_papers()]))
    assert {pmid for pmid, reference in known.items() if reference.retracted} == {"4122370", "9500320", "10066780"}
    assert known["9500320"].editorial == ("retracted", "concern")
    assert [notice.pmid for notice in known["9500320"].notices] == ["15016483", "20137807", "21971344"]
    assert all(known[pmid].editorial == () for pmid in ("15016483", "20137807", "27508352"))


def test_hostile_facts_are_escaped() -> None:
    paper = Paper(
        pmid="7", title="A &lt;b&gt; title", authors=(Author(last='<&"]]>', initials="X"),), journal="J & <J>"
    )
    reference = parse_pubmed(record_set([paper_xml(paper)]))["7"]
    assert reference.authors[0].last == '<&"]]>'
    assert reference.journal == "J & <J>"


# --- efetch ---


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_known_records_are_given_and_unknown_ones_silently_left_out(
    ncbi: EutilsStandin, web: requests.Session, method: str
) -> None:
    given = {"params" if method == "GET" else "data": {**QUERY, "id": "9500320,99999999,362234"}}
    answer = web.request(method, f"{ncbi.url}efetch.fcgi", timeout=60, **given)  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert answer.headers["X-RateLimit-Limit"] == "3"
    assert b"pubmed_250101.dtd" in answer.content
    assert list(parse_pubmed(answer.content)) == ["9500320", "362234"]


def test_an_unknown_pmid_alone_is_an_empty_set(ncbi: EutilsStandin, web: requests.Session) -> None:
    answer = efetch(web, ncbi, "99999999")
    assert (answer.status_code, parse_pubmed(answer.content)) == (200, {})


@pytest.mark.parametrize("ids", ["0", "", "x,0"])
def test_no_valid_id_is_a_400(ncbi: EutilsStandin, web: requests.Session, ids: str) -> None:
    answer = efetch(web, ncbi, ids)
    assert (answer.status_code, b"ID list is empty!" in answer.content) == (400, True)


def test_a_long_get_is_refused(ncbi: EutilsStandin, web: requests.Session) -> None:
    many = ",".join(str(10_000_000 + n) for n in range(500))
    assert web.get(f"{ncbi.url}efetch.fcgi", params={**QUERY, "id": many}, timeout=60).status_code == 414
    assert efetch(web, ncbi, many).status_code == 200


def test_requests_are_remembered(ncbi: EutilsStandin, web: requests.Session) -> None:
    efetch(web, ncbi, "9500320,362234", tool="citewire")
    [asked] = ncbi.requests
    assert (asked.ids, asked.params["tool"], asked.status) == (("9500320", "362234"), "citewire", 200)


def test_invented_records_say_so(web: requests.Session) -> None:
    with EutilsStandin([], invent=True) as ncbi:
        reference = parse_pubmed(efetch(web, ncbi, "34187661").content)["34187661"]
    assert reference.title == "Stand-in record for PMID 34187661."
    assert reference.doi == "10.5555/standin.34187661"


def test_real_pubmed_xml_can_be_served(tmp_path: Path, web: requests.Session) -> None:
    file = tmp_path / "a.xml"
    file.write_bytes(record_set([paper_xml(Paper(pmid="77", title="From a file."))]))
    with EutilsStandin([], xml=[tmp_path]) as ncbi:
        assert parse_pubmed(efetch(web, ncbi, "77").content)["77"].title == "From a file."


def test_over_the_rate_comes_429_and_more_is_allowed_with_a_key(web: requests.Session) -> None:
    with EutilsStandin(rate=3) as ncbi:
        statuses = [efetch(web, ncbi, "9500320").status_code for _ in range(5)]
        keyed = efetch(web, ncbi, "9500320", api_key="k")
        refused = efetch(web, ncbi, "9500320")
    assert statuses == [200, 200, 200, 429, 429]
    assert (keyed.status_code, keyed.headers["X-RateLimit-Limit"]) == (200, "10")
    assert refused.json()["error"] == "API rate limit exceeded"
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert int(refused.headers["Retry-After"]) > 0


# --- change, and misbehaviour ---


def test_a_paper_can_be_retracted_while_it_is_served(ncbi: EutilsStandin, web: requests.Session) -> None:
    before = parse_pubmed(efetch(web, ncbi, "362234").content)["362234"]
    ncbi.retract("362234", "20137807")
    after = parse_pubmed(efetch(web, ncbi, "362234").content)["362234"]
    assert (before.editorial, after.editorial) == ((), ("retracted",))
    assert after.notices[0].pmid == "20137807"
    assert after.title == before.title


def test_it_is_steered_over_http(ncbi: EutilsStandin, web: requests.Session) -> None:
    def order(what: str, body: object) -> requests.Response:
        return web.post(f"{ncbi.root}/standin/{what}", json=body, timeout=60)

    assert order("papers", [{"pmid": "77", "title": "New."}]).ok
    assert order("correct", {"pmid": "77", "kind": "ErratumIn", "source": "J. 2002."}).ok
    assert parse_pubmed(efetch(web, ncbi, "77").content)["77"].editorial == ("erratum",)
    assert order("retract", {"pmid": "77", "notice": "78"}).ok
    assert parse_pubmed(efetch(web, ncbi, "77").content)["77"].editorial == ("retracted", "erratum")
    assert order("misbehave", {"name": "unroutable", "times": 1}).ok
    assert [efetch(web, ncbi, "77").status_code for _ in range(2)] == [502, 200]
    assert order("remove", {"pmid": "77"}).ok
    assert parse_pubmed(efetch(web, ncbi, "77").content) == {}
    assert len(web.get(f"{ncbi.root}/standin/requests", timeout=60).json()) == 5
    assert order("misbehave", {"name": "sulk"}).status_code == 400
    assert order("retract", {"pmid": "1"}).status_code == 400


@pytest.mark.parametrize("name", sorted(set(MISBEHAVIOURS) - {"slow", "hang", "drip", "down", "cut"}))
def test_each_misbehaviour_gives_no_record_that_was_asked_for(
    ncbi: EutilsStandin, web: requests.Session, name: str
) -> None:
    ncbi.misbehave(name)
    answer = efetch(web, ncbi, "9500320")
    assert answer.status_code in (200, 400, 403, 429, 500, 502)
    assert b"</PubmedArticleSet>" not in answer.content or b"9500320" not in answer.content


@pytest.mark.parametrize("name", ["down", "cut"])
def test_connections_break(ncbi: EutilsStandin, web: requests.Session, name: str) -> None:
    ncbi.misbehave(name, times=1)
    with pytest.raises(requests.RequestException):
        efetch(web, ncbi, "9500320")
    assert efetch(web, ncbi, "9500320").status_code == 200


@pytest.mark.parametrize("name", ["hang", "drip"])
def test_answers_that_never_end_end_with_the_server(web: requests.Session, name: str) -> None:
    with EutilsStandin() as ncbi:
        ncbi.misbehave(name)
        with pytest.raises(requests.RequestException):
            web.post(f"{ncbi.url}efetch.fcgi", data={**QUERY, "id": "9500320"}, timeout=0.1)


def test_random_misbehaviour_is_the_same_for_the_same_seed(ncbi: EutilsStandin, web: requests.Session) -> None:
    def statuses() -> list[int | str]:
        found: list[int | str] = []
        for _ in range(12):
            try:
                found.append(efetch(web, ncbi, "9500320").status_code)
            except requests.RequestException:
                found.append("broken")
        return found

    ncbi.misbehave("random", seed=7)
    first = statuses()
    ncbi.misbehave("random", seed=7)
    assert statuses() == first
    assert len(set(first)) > 2


def test_it_can_go_down_and_come_back_on_its_port(ncbi: EutilsStandin, web: requests.Session) -> None:
    assert efetch(web, ncbi, "9500320").ok
    ncbi.stop()
    with pytest.raises(requests.ConnectionError):
        efetch(web, ncbi, "9500320")
    ncbi.start()
    assert efetch(web, ncbi, "9500320").ok


# --- the ID converter ---


def test_the_converter_knows_only_what_is_in_pubmed_central(ncbi: EutilsStandin, web: requests.Session) -> None:
    def convert(kind: str, ids: str) -> list[dict[str, object]]:
        query = {"ids": ids, "idtype": kind, "format": "json"}
        records = web.get(ncbi.idconv_url, params=query, timeout=60).json()["records"]
        assert isinstance(records, list)
        return records

    found, missing = convert("doi", "10.1186/1472-6904-4-6,10.1212/wnl.28.11.1094")
    assert (found["pmid"], found["pmcid"]) == (15301690, "PMC514562")
    assert (missing["status"], missing["errmsg"]) == ("error", "Identifier not found in PMC")
    assert convert("pmcid", "PMC514562")[0]["pmid"] == 15301690


# --- on its own ---


def test_it_runs_as_a_command() -> None:
    command = [sys.executable, "-m", "standins.eutils", "--port", "0", "--invent", "--misbehave", "backend-400"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = process.stdout.readline().split()
        assert ready[0] == "ready"
        answer = requests.post(f"{ready[1]}efetch.fcgi", data={**QUERY, "id": "5"}, timeout=60)
        assert (answer.status_code, b"proxy_stream" in answer.content) == (400, True)
        process.terminate()
        assert process.wait(timeout=60) == 0


def test_a_correction_needs_a_record(ncbi: EutilsStandin) -> None:
    with pytest.raises(KeyError):
        ncbi.records.correct("1", Correction(kind="ErratumIn", source="J."))
