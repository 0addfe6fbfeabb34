"""What the stand-ins for sources of references share: works by their own identifiers, requests, and misconduct."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from standins.misbehaviour import SOURCE_FAULTS, Answer
from standins.papers import Author, load_papers
from standins.serving import Standin


class Notice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was done to a work, in the source's own word for it; `date` as "2010-02-06"."""

    kind: str
    doi: str = ""
    pmid: str = ""
    date: str = ""
    reported_by: str = "publisher"
    text: str = ""


class Work(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A work that a source knows. `updated_by`: done to it; `updates`: what it does to others, if it is a notice."""

    doi: str = ""
    pmid: str = ""
    pmcid: str = ""
    title: str = ""
    authors: tuple[Author, ...] = ()
    journal: str = ""
    abbreviation: str = ""
    year: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    types: tuple[str, ...] = ()
    updated_by: tuple[Notice, ...] = ()
    updates: tuple[Notice, ...] = ()
    free: tuple[str, ...] = ()  # addresses of its free full text


def papers_as_works() -> list[Work]:
    """Return the papers of papers.json, without their editorial status."""
    shared = ("doi", "pmid", "pmcid", "title", "authors", "journal", "abbreviation", "year", "volume", "issue", "pages")
    return [Work(**{name: getattr(paper, name) for name in shared}) for paper in load_papers()]


@dataclass(frozen=True)
class Asked:
    """A request to a source, and the status of the answer."""

    path: str
    params: Mapping[str, str]
    status: int


class WorksStandin(Standin):
    """A source over real HTTP. A subclass answers by its protocol; `works` are what it knows, changed at any time."""

    faults = SOURCE_FAULTS

    def __init__(self, works: Iterable[Work] = ()) -> None:
        super().__init__()
        self.works = list(works)
        self.requests: list[Asked] = []

    @property
    def url(self) -> str:
        return f"{self.root}/"

    def add(self, *works: Work) -> None:
        """Add works, in place of those with the same identifiers."""
        with self._lock:
            ids = {(work.doi.lower(), work.pmid) for work in works}
            self.works = [one for one in self.works if (one.doi.lower(), one.pmid) not in ids] + list(works)

    def answer(self, path: str, params: Mapping[str, str]) -> Answer:
        raise NotImplementedError

    def _respond(self, method: str, path: str, params: Mapping[str, str], body: bytes, length: int) -> Answer:
        with self._lock:
            answer = self._conduct.apply(self.answer(path, params), path)
            self.requests.append(Asked(path, dict(params), answer.status))
        return answer


def in_json(answer: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, "application/json", json.dumps(answer).encode(), headers or {})
