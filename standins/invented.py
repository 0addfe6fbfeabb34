"""Sources beside PubMed that know every paper of `papers.invented`, however many there are.

    python -m standins.invented [--rows 60000]

prints `ready ` and the addresses of Crossref, Europe PMC and Retraction Watch's list, separated by commas. A POST of
{"pmid": "1"} to `/standin/retract` of one of them has that one say that the paper is retracted.
"""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Mapping, Sequence

import msgspec

from standins.crossref import CrossrefStandin
from standins.europe_pmc import EuropePmcStandin
from standins.misbehaviour import Answer
from standins.papers import invented
from standins.retraction_watch import RetractionWatchStandin, Row, as_csv
from standins.serving import Standin
from standins.works import Notice, Work

_DOI = invented("1").doi.removesuffix("1")
_OTHERS_FROM = 900_000_000  # ids and PMIDs of the list's other rows, whose papers nobody cites
_CONTROL = "/standin/retract"


class _Controlled(Standin):
    """A stand-in with a set of retracted papers, which a request can add to."""

    retracted: set[str]

    def _respond(self, method: str, path: str, params: Mapping[str, str], body: bytes, length: int) -> Answer:
        if path == _CONTROL:
            self.retracted.add(msgspec.json.decode(body, type=dict[str, str])["pmid"])
            return Answer(200, "application/json", b"{}")
        answer = super()._respond(method, path, params, body, length)
        del self.requests[:-1]  # type: ignore[attr-defined]  # callers count their own; these would add up
        return answer


class InventedCrossref(_Controlled, CrossrefStandin):
    def __init__(self) -> None:
        super().__init__()
        self.retracted = set()

    def _with(self, doi: str) -> Work | None:
        return _work(pmid, self._notices(pmid)) if (pmid := _pmid_of(doi)) else None

    def _notices(self, pmid: str) -> tuple[Notice, ...]:
        return (Notice(kind="retraction", doi="10.5555/notice", date="2026-03-02"),) if pmid in self.retracted else ()


class InventedEuropePmc(_Controlled, EuropePmcStandin):
    def __init__(self) -> None:
        super().__init__()
        self.retracted = set()

    def _found(self, asked: Sequence[tuple[str | None, str | None, str | None]]) -> list[Work]:
        pmids = [pmid or _pmid_of(doi or "") for doi, pmid, _ in asked]
        return [_work(pmid, self._notices(pmid)) for pmid in pmids if pmid]

    def _notices(self, pmid: str) -> tuple[Notice, ...]:
        return (Notice(kind="Retraction in", pmid="999"),) if pmid in self.retracted else ()


class InventedRetractionWatch(_Controlled, RetractionWatchStandin):
    """A list with that many rows of about a thousand bytes, after those of retracted papers."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.retracted = set()
        self._others = as_csv(map(_other, range(rows)), first=_OTHERS_FROM, header=False)

    def content(self) -> bytes:
        """Return the whole list."""
        return self._csv()

    def _csv(self) -> bytes:
        return as_csv(Row(pmid=pmid, doi=invented(pmid).doi) for pmid in sorted(self.retracted)) + self._others


def _other(number: int) -> Row:
    pmid = str(_OTHERS_FROM + number)
    return Row(pmid=pmid, doi=invented(pmid).doi, reason="+Error in Data;+Investigation by Journal/Publisher;" * 18)


def _pmid_of(doi: str) -> str | None:
    pmid = doi.lower().removeprefix(_DOI)
    return pmid if pmid.isdecimal() and pmid != doi else None


def _work(pmid: str, notices: tuple[Notice, ...]) -> Work:
    paper = invented(pmid)
    shared = ("doi", "pmid", "title", "authors", "journal", "abbreviation", "year", "volume", "issue", "pages")
    return Work(**{name: getattr(paper, name) for name in shared}, updated_by=notices)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m standins.invented", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=60_000, help="of Retraction Watch's list")
    rows: int = parser.parse_args(arguments).rows
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with InventedCrossref() as crossref, InventedEuropePmc() as europe_pmc, InventedRetractionWatch(rows) as watch:
        print(f"ready {crossref.url},{europe_pmc.url},{watch.url}", flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
