"""What every source of references has in common: the questions it takes, the answers it gives, and how it is found.

A source says which of the works that were asked for it has, which it has not, and, by silence, which it did not answer.
The caller relies on the difference: a source that is down or sends something else never means "no such paper", nor
"nothing was done to this paper".
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote_plus

from msgspec import Struct

from pipeline.http import Http, Limits
from pipeline.model.article import CitedWork
from pipeline.model.reference import Author, PartialDate

_LIMITS = Limits(connect=5.0, read=10.0, total=30.0, max_bytes=20_000_000)
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Verdict(Struct, frozen=True, kw_only=True):
    """One thing that was done to a paper, as its source words it."""

    kind: str  # the source's own word: "retraction", "Expression of concern in"
    notice_doi: str | None = None  # lower case
    notice_pmid: str | None = None
    date: PartialDate | None = None
    reported_by: str | None = None  # where the source has it from: "publisher", "retraction-watch"
    record_id: str | None = None  # its number there
    text: str | None = None  # "Lancet. 2010 Feb 6;375(9713):445"


class SourceRecord(Struct, frozen=True, kw_only=True):
    """What a source knows of one work. Titles and names are plain text."""

    pmid: str | None = None
    pmcid: str | None = None
    doi: str | None = None  # lower case
    title: str | None = None
    authors: tuple[Author, ...] = ()
    journal: str | None = None
    journal_abbreviation: str | None = None
    issn: str | None = None
    publisher: str | None = None
    date: PartialDate | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    types: tuple[str, ...] = ()  # the source's words: "journal-article", "Retracted Publication"
    verdicts: tuple[Verdict, ...] = ()  # done to this paper
    updates: tuple[Verdict, ...] = ()  # done BY this publication to another one: it is a notice
    open_access: bool | None = None
    full_text: tuple[str, ...] = ()  # addresses at which the whole text is free

    @property
    def year(self) -> int | None:
        return self.date.year if self.date else None


@dataclass(frozen=True)
class LookedUp:
    """The records found, and the works (`unknown`) that the source said it does not have.

    Works in neither were not answered. `spacing`: seconds that the source wants between two requests.
    """

    records: Mapping[CitedWork, SourceRecord] = field(default_factory=dict)
    unknown: frozenset[CitedWork] = frozenset()
    spacing: float | None = None


class SourceClient(Protocol):
    """A source that is reached at one address. Safe to share between threads."""

    def look_up(self, works: Sequence[CitedWork]) -> LookedUp:
        """Look up at most `Source.most` works whose schemes the source takes; anything else raises ValueError.

        A record counts only if its own identifier is the one that was asked for. Raises TransientError, with
        `retry_after` if the source gave one, if nothing was learnt about any of the works.
        """
        ...


@dataclass(frozen=True)
class Caller:
    """Who asks, so that a source can write to the operator before it blocks the address."""

    tool: str
    email: str | None = None
    sleep: Callable[[float], None] = time.sleep  # between the requests of one look-up
    limits: Limits = _LIMITS  # of one request


@dataclass(frozen=True)
class Source:
    """A module's `SOURCE`: a source by its name, which is also the name of its setting."""

    name: str  # "crossref"
    label: str  # "Crossref"
    url: str  # its public address, ending in "/"
    schemes: frozenset[str]  # of CitedWork
    most: int  # works in one look-up
    rank: int  # sources with a lower one are asked first for a work that PubMed does not have
    open: Callable[[Http, str, Caller], SourceClient]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not the name of a source: lower-case letters, digits and _")

    def takes(self, work: CitedWork) -> bool:
        return work.scheme in self.schemes


@dataclass(frozen=True)
class OpenSource:
    """A source in use: what it is, and its client."""

    source: Source
    client: SourceClient


def batches(
    works: Sequence[CitedWork], *, characters: int, term: Callable[[CitedWork], str]
) -> Iterator[list[CitedWork]]:
    """Group works, in order, so that the terms of each group fit into a request's address.

    A term is measured as it is sent, percent-encoded, so that no request is split that could have been one.
    """
    batch: list[CitedWork] = []
    size = 0
    for work in works:
        length = len(quote_plus(term(work)))
        if batch and size + length > characters:
            yield batch
            batch, size = [], 0
        batch.append(work)
        size += length
    if batch:
        yield batch


def checked(source: Source, works: Sequence[CitedWork]) -> list[CitedWork]:
    """Return each work once. Raises ValueError for what the source does not take."""
    asked = list(dict.fromkeys(works))
    if len(asked) > source.most or not all(map(source.takes, asked)):
        raise ValueError(f"{source.name} takes at most {source.most} works by {', '.join(sorted(source.schemes))}")
    return asked
