"""A stand-in for NCBI's E-utilities (efetch, esearch, ecitmatch) and its PMC ID Converter, over real HTTP.

    python -m standins.eutils --port 0 [--papers FILE] [--xml FILE_OR_DIR ...] [--invent] [--rate 3] [--misbehave NAME]

prints `ready http://127.0.0.1:PORT/entrez/eutils/` and serves until terminated. In-process:
`with EutilsStandin() as ncbi: ncbi.url, ncbi.idconv_url, ncbi.misbehave("429", times=2), ncbi.requests`.

While it runs: `POST /standin/papers` (a list of papers as in papers.json), `/standin/misbehave`
({"name": "down", "times": 3}; "" to stop), `/standin/retract` ({"pmid", "notice"}), `/standin/correct`
({"pmid", "kind", "source", "notice"}), `/standin/remove` ({"pmid"}); `GET /standin/requests`.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from standins.misbehaviour import Answer, Conduct, error_answer, rate_answer
from standins.papers import PAPERS, Correction, Paper, load_papers, record_set
from standins.records import Records
from standins.serving import Standin

EFETCH = "/entrez/eutils/efetch.fcgi"
ESEARCH = "/entrez/eutils/esearch.fcgi"
ECITMATCH = "/entrez/eutils/ecitmatch.cgi"
IDCONV = "/tools/idconv/api/v1/articles/"
_SEARCHED = re.compile(r'"([^"]*)"\[(?:doi|aid)\]|(\S+)\[aid\]')
_FIELDED = re.compile(r"(\S+)\[(ti|vi|pg|dp|au|ta)\]")
_LONGEST_ADDRESS = 4_000  # characters of a GET request
_MOST_CONVERTED = 200


@dataclass(frozen=True)
class Asked:
    """A request to NCBI, and the `status` of the answer."""

    at: float  # time.monotonic()
    path: str
    ids: tuple[str, ...]
    params: Mapping[str, str]
    status: int


class EutilsStandin(Standin):
    """The stand-in. `papers`: the file to load, by default papers.json, which describes real papers.

    `rate`: requests per second above which it answers 429. `invent`: every other PMID gets a record that says that it
    is invented.
    """

    def __init__(
        self,
        papers: Path | Iterable[Paper] | None = None,
        *,
        xml: Sequence[Path] = (),
        invent: bool = False,
        rate: int | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(port)
        known = load_papers(papers or PAPERS) if papers is None or isinstance(papers, Path) else papers
        self.records = Records(known, invent=invent)
        for path in xml:
            self.records.add_path(path)
        self.requests: list[Asked] = []
        self._rate = rate
        self._recent: deque[float] = deque()

    @property
    def url(self) -> str:
        return f"{self.root}/entrez/eutils/"

    @property
    def idconv_url(self) -> str:
        return f"{self.root}{IDCONV}"

    def add(self, *papers: Paper) -> None:
        for paper in papers:
            self.records.add(paper)

    def retract(self, pmid: str, notice_pmid: str = "") -> None:
        """Mark a paper as retracted. Raises KeyError for an unknown PMID."""
        self.records.retract(pmid, notice_pmid)

    # --- answers ------------------------------------------------------------------------------------------------

    def _respond(self, method: str, path: str, params: Mapping[str, str], body: bytes, length: int) -> Answer:
        if path.startswith("/standin/"):
            return self._control(path.removeprefix("/standin/"), body)
        ids = tuple(one.strip() for one in (params.get("id") or params.get("ids") or "").split(",") if one.strip())
        with self._lock:
            left = self._take_permit(params)
            good = self._data(method, path, params, ids, length) if left >= 0 else rate_answer(self._limit(params))
            answer = self._conduct.apply(good, path) if left >= 0 else good
            self.requests.append(Asked(time.monotonic(), path, ids, dict(params), answer.status))
        limits = {"X-RateLimit-Limit": str(self._limit(params)), "X-RateLimit-Remaining": str(max(left, 0))}
        return replace(answer, headers={**answer.headers, **limits})

    def _limit(self, params: Mapping[str, str]) -> int:
        """Return the limit: with an API key it is higher, in the same proportion as NCBI's ten to three a second."""
        rate = self._rate or 3
        return rate * 10 // 3 if params.get("api_key") else rate

    def _take_permit(self, params: Mapping[str, str]) -> int:
        """Return how many more requests are allowed within this second; a negative number refuses this one."""
        if self._rate is None:
            return self._limit(params)
        now = time.monotonic()
        while self._recent and self._recent[0] <= now - 1.0:
            self._recent.popleft()
        left = self._limit(params) - len(self._recent) - 1
        if left >= 0:
            self._recent.append(now)
        return left

    def _data(self, method: str, path: str, params: Mapping[str, str], ids: tuple[str, ...], length: int) -> Answer:
        if method == "GET" and length > _LONGEST_ADDRESS:
            return Answer(414, "text/plain", b"Request-URI Too Long")
        if path == EFETCH:
            return self._efetch(params, ids)
        if path == ESEARCH:
            return self._search(params)
        if path == ECITMATCH:
            return self._match_citations(params)
        if path == IDCONV:
            return self._convert(params, ids)
        return Answer(404, "text/plain", b"Not Found")

    def _efetch(self, params: Mapping[str, str], ids: tuple[str, ...]) -> Answer:
        """Return the known records, each once and in arbitrary order. Unknown ids are silently omitted, as by NCBI."""
        if params.get("db") != "pubmed":
            return error_answer("Error: a database that this stand-in does not know")
        valid = sorted({pmid for pmid in ids if pmid.isascii() and pmid.isdigit() and int(pmid)}, key=int, reverse=True)
        if not valid:
            return error_answer("ID list is empty! Possibly it has no correct IDs.")
        records = [record for pmid in valid if (record := self.records.get(pmid))]
        if params.get("retmode") != "xml":
            return Answer(200, "text/plain; charset=UTF-8", f"{len(records)} records, in plain text\n".encode())
        return Answer(200, "text/xml; charset=UTF-8", record_set(records))

    def _search(self, params: Mapping[str, str]) -> Answer:
        """Return the PMIDs of papers with any of the words asked for: as by NCBI, punctuation does not count."""
        term = params.get("term", "")
        asked = [part for pair in _SEARCHED.findall(term) for part in pair if part]
        fielded = [(field, value.strip("()")) for value, field in _FIELDED.findall(term)]
        if params.get("db") != "pubmed" or params.get("retmode") != "json" or not (asked or fielded):
            return Answer(200, "application/json", b'{"esearchresult": {"ERROR": "Empty term and query_key"}}')
        hits = {pmid for one in asked for pmid in self.records.searched(one)}
        hits |= set(self.records.with_fields(fielded)) if fielded else set()
        found = sorted(hits, key=int, reverse=True)
        most = int(params.get("retmax", "20"))
        result = {"count": str(len(found)), "retmax": str(most), "retstart": "0", "idlist": found[:most]}
        return Answer(200, "application/json", json.dumps({"esearchresult": result}).encode())

    def _match_citations(self, params: Mapping[str, str]) -> Answer:
        """Answer each line of `bdata`, "journal|year|volume|page|author|key|", with a PMID or the reason for none."""
        if params.get("db") != "pubmed" or params.get("retmode") != "xml":
            return Answer(400, "text/plain", b"Wrong parameters\n")
        lines = [line.split("|") for line in re.split(r"[\r\n]+", params.get("bdata", "")) if line.strip()]
        answers = [f"{'|'.join(line[:6])}|{self.records.cited_as(*line[:5])}" for line in lines if len(line) >= 6]
        return Answer(200, "text/plain; charset=UTF-8", ("\n".join(answers) + "\n").encode())

    def _convert(self, params: Mapping[str, str], ids: tuple[str, ...]) -> Answer:
        kind = params.get("idtype") or "doi"
        if not ids or len(ids) > _MOST_CONVERTED or kind not in ("doi", "pmcid", "pmid"):
            content = {"status": "error", "message": "Invalid ids: from 1 to 200 of one type"}
            return Answer(400, "application/json", json.dumps(content).encode())
        answer = {"status": "ok", "records": [self._converted(kind, one) for one in ids]}
        return Answer(200, "application/json", json.dumps(answer).encode())

    def _converted(self, kind: str, value: str) -> dict[str, Any]:
        ids = self.records.converted(kind, value)
        if ids is None:
            return {kind: value, "requested-id": value, "status": "error", "errmsg": "Identifier not found in PMC"}
        return {"doi": ids.get("doi"), "pmcid": ids["pmc"], "pmid": int(ids["pubmed"]), "requested-id": value}

    # --- control --------------------------------------------------------------------------------------------------

    def _control(self, what: str, body: bytes) -> Answer:
        try:
            content = self._controlled(what, body)
        except (KeyError, ValueError, msgspec.MsgspecError) as error:
            return Answer(400, "application/json", json.dumps({"error": str(error)}).encode())
        return Answer(200, "application/json", json.dumps(content).encode())

    def _controlled(self, what: str, body: bytes) -> Any:
        if what == "requests":
            with self._lock:
                return [asdict(asked) for asked in self.requests]
        if what == "papers":
            self.add(*msgspec.json.decode(body, type=list[Paper]))
            return {}
        order: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        match what:
            case "misbehave":
                self.misbehave(order.get("name", ""), times=order.get("times"), seed=order.get("seed", 0))
            case "retract":
                self.retract(order["pmid"], order.get("notice", ""))
            case "correct":
                correction = Correction(kind=order["kind"], source=order["source"], pmid=order.get("notice", ""))
                self.records.correct(order["pmid"], correction)
            case "remove":
                self.records.remove(order["pmid"])
            case _:
                raise ValueError(f"there is no control named {what!r}")
        return {}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m standins.eutils", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--papers", type=Path, help="facts of papers, as in standins/papers.json")
    parser.add_argument("--xml", type=Path, nargs="*", default=[], help="PubMed XML: files or folders")
    parser.add_argument("--invent", action="store_true", help="know every PMID, with a record that says it is invented")
    parser.add_argument("--rate", type=int, help="requests a second, above which it answers 429")
    parser.add_argument("--misbehave", default="", choices=Conduct.names)
    given = parser.parse_args(arguments)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    standin = EutilsStandin(given.papers, xml=given.xml, invent=given.invent, rate=given.rate, port=given.port)
    with standin:
        standin.misbehave(given.misbehave)
        print(f"ready {standin.url}", flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
