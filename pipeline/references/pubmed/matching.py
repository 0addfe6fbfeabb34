"""Find the PMID of a work from an author's words: ECitMatch, and ESearch by place in a journal and by title.

Each of them also returns papers that merely resemble the one described (ECitMatch matches by author alone, if need be).
So all are candidates only: their records are fetched, and one counts if the words describe it.
Source: NCBI, "The E-utilities In-Depth" (NBK25499), ECitMatch and ESearch; PubMed Help, "Search field tags".
"""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.appraisal.identity import compare
from pipeline.appraisal.identity.claims import Claims, read_claims
from pipeline.http import Limits, Response
from pipeline.references.pubmed.answers import failure_of
from pipeline.references.pubmed.finding import Fetcher
from pipeline.references.pubmed.service import Service

MOST_CITATIONS = 10  # in one match
_MOST_CANDIDATES = 5  # of one search: a citation that fits more papers names none
_MOST_FETCHED = 100
_PATIENCE = 40.0  # seconds after which the remaining citations are returned unanswered
_LIMITS = Limits(connect=5.0, read=10.0, total=20.0, max_bytes=1_000_000)

_IN_JOURNAL = re.compile(
    r"(?:^|[.?!]\s+)(?P<journal>[^.?!;:\d][^?!;:]{1,80}?)[.,]?\s+(?P<year>(?:18|19|20)\d\d)\b[^;:]{0,20};"
)
_AUTHOR = re.compile(r"\W*(?:\d+\W+)?(?P<author>[^\W\d_][\w'’ -]{1,40}? [A-Z]{1,3})\b")
_SENTENCE = re.compile(r"(?<=[.?!]),?\s+")
_LONG_WORD = re.compile(r"[^\W_]{3,}")
_TITLE_WORDS = (4, 12)  # least and most words of a title that are searched for


@dataclass(frozen=True)
class Matched:
    """The PMID of each citation that describes a paper, and the citations that were looked up."""

    pmids: Mapping[str, str]
    answered: frozenset[str]


@dataclass(frozen=True)
class Matcher:
    """The citation matchers of `service`, and `fetcher` for the candidates' records."""

    service: Service
    fetcher: Fetcher
    limits: Limits = _LIMITS

    def match(self, citations: Sequence[str]) -> Matched:
        """Look up at most 10 citations; more raise ValueError. Raises TransientError, as `Eutils.fetch` does."""
        asked = list(dict.fromkeys(citations))
        if len(asked) > MOST_CITATIONS:
            raise ValueError(f"at most {MOST_CITATIONS} citations can be matched at once")
        until = time.monotonic() + _PATIENCE
        candidates = self._by_citation(asked)
        answered: list[str] = []
        for words in asked:
            if answered and time.monotonic() > until:
                break
            for term in _terms(words):
                candidates.setdefault(words, []).extend(self._search(term))
            answered.append(words)
        return Matched(self._described(answered, candidates), frozenset(answered))

    def _described(self, citations: Sequence[str], candidates: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Return for each citation the first candidate that it describes."""
        pmids = list(dict.fromkeys(pmid for words in citations for pmid in candidates.get(words, ())))
        if not pmids:
            return {}
        self.service.pause()
        known = self.fetcher.fetch(pmids[:_MOST_FETCHED]).resolved
        found: dict[str, str] = {}
        for words in citations:
            fitting = (pmid for pmid in candidates.get(words, ()) if pmid in known)
            described = (pmid for pmid in fitting if compare(words, known[pmid]).identity == "match")
            if pmid := next(described, None):
                found[words] = pmid
        return found

    def _by_citation(self, citations: Sequence[str]) -> dict[str, list[str]]:
        lines = {str(number): line for number, words in enumerate(citations) if (line := _citation_line(words))}
        if not lines:
            return {}
        data = "\r".join(f"{line}|{key}|" for key, line in lines.items())
        form = {"db": "pubmed", "retmode": "xml", "bdata": data}
        response = self.service.ask("ecitmatch.cgi", form, self.limits)
        found = _matches(response)
        if found is None:
            raise failure_of(response, dt.datetime.now(dt.UTC))
        return {citations[int(key)]: [pmid] for key, pmid in found.items() if key in lines}

    def _search(self, term: str) -> list[str]:
        """Return the PMIDs that a search finds; none if there are too many to be meant."""
        self.service.pause()
        pmids, count = self.service.search(term, self.limits, most=_MOST_CANDIDATES)
        return pmids if count == len(pmids) else []


def _citation_line(words: str) -> str | None:
    """Return "journal|year|volume|first page|author", or None if the words do not give a place in a journal."""
    place, journal = read_claims(words, "").place, _IN_JOURNAL.search(words)
    if place is None or journal is None:
        return None
    author = _AUTHOR.match(words)
    parts = (journal["journal"], journal["year"], place.volume, place.page, author["author"] if author else "")
    return "|".join(" ".join(re.sub(r"[|\r\n]", " ", part).split()) for part in parts)


def _terms(words: str) -> Iterator[str]:
    claims = read_claims(words, "")
    if claims.place and claims.years:
        yield f"{claims.place.volume}[vi] AND {claims.place.page}[pg] AND {_years(claims)}"
    sentences = (_LONG_WORD.findall(one) for one in _SENTENCE.split(claims.text))
    title, (least, most) = max(sentences, key=len, default=[]), _TITLE_WORDS
    if len(title) >= least:
        yield " AND ".join(f"{word}[ti]" for word in title[:most])


def _years(claims: Claims) -> str:
    years = [f"{year}[dp]" for year in sorted(claims.years)[:3]]
    return years[0] if len(years) == 1 else f"({' OR '.join(years)})"


def _matches(response: Response) -> dict[str, str] | None:
    """Return the PMIDs by key, or None if the body is not an answer.

    Each line repeats a citation, with its PMID, NOT_FOUND or AMBIGUOUS (and the reason) at the end.
    """
    text = response.body.decode("utf-8", "replace")
    lines = [line.split("|") for line in re.split(r"[\r\n]+", text) if line.strip()]
    if response.status != 200 or not lines or any(len(line) < 7 for line in lines):
        return None
    found = {line[-2]: line[-1].strip() for line in lines}
    return {key: pmid for key, pmid in found.items() if pmid.isascii() and pmid.isdigit()}
