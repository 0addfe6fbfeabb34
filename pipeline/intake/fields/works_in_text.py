"""Find the identifiers of works wherever they occur in a text or an address: PubMed, PMC, DOI, Bookshelf and arXiv.

PubMed's addresses of all times, PMC's and Europe PMC's; DOIs in the addresses of resolvers and of publishers' pages,
with tracking, fragments and the names of views ("/full", ".pdf") removed. A number is a PMID only if it is labelled so.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from pipeline.intake.fields.addresses import web_address
from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.fields.text import line
from pipeline.model.article import CitedWork
from pipeline.model.dois import dois_in, trimmed

MOST = 1 << 14  # characters of a text that are read

_HTTP = r"(?:https?:)?(?://)?(?:www\.)?"
_NUMBERS = r"0*([1-9]\d{0,7}(?:\s?,\s?[1-9]\d{0,7}){0,50})(?:\.\d{1,2}(?![\d.]))?(?!\d)"
_PMID_PATTERNS = (
    rf"\b(?:pmids?|pubmed\s?ids?)\s?(?:[:#=\-：]\s?)?\[?{_NUMBERS}",
    rf"{_HTTP}(?:(?:m\.)?pubmed\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/(?:m/)?pubmed|pubmed\.gov)/(?:\?term=)?{_NUMBERS}",
    rf"{_HTTP}ncbi\.nlm\.nih\.gov/entrez/query\.fcgi\?[^\s#]{{0,300}}?\blist_uids={_NUMBERS}",
    rf"{_HTTP}europepmc\.org/(?:article|abstract)/med/{_NUMBERS}",
    rf"{_HTTP}pmc\.ncbi\.nlm\.nih\.gov/articles/pmid/{_NUMBERS}",
    rf"\binfo:pmid/{_NUMBERS}",
)
_PMID = re.compile("|".join(_PMID_PATTERNS), re.IGNORECASE)
_PMCID = re.compile(
    r"\bPMCID\s?[:#=\-：]?\s?(?:PMC)?\s?0*([1-9]\d{0,8})(?:\.\d)?|PMC0*([1-9]\d{0,8})(?:\.\d)?(?!\d)", re.IGNORECASE
)
_BOOK = re.compile(r"\bNBK\d{1,9}\b", re.IGNORECASE)
_ARXIV = re.compile(r"\barxiv(?:\.org/(?:abs|pdf)/|\s?:\s?)(\d{4}\.\d{4,5})(?:v\d+)?", re.IGNORECASE)
_WHOLE_DOI = re.compile(r"10\.\d{4,9}/\S+")
_ADDRESS = re.compile(r"(?:https?:)?//[^\s<>\"]{4,2000}|\bwww\.[^\s<>\"]{4,2000}", re.IGNORECASE)
_LABELS = re.compile(
    r"\b(?:pubmed(?: central)?|pmids?|pmcid|doi|dx|org|https?|www|epub|ids?|urn|info|indexed for medline)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class FoundWorks:
    """The works that a text names, PMIDs first, then PMCIDs, DOIs, books and plain addresses; and what else it says."""

    works: tuple[CitedWork, ...]
    is_bare: bool  # it says nothing else


def works_in(text: str) -> FoundWorks:
    """Return what a text names. Its plain addresses count only if it names no work otherwise."""
    given = html.unescape(line(text[:MOST]))
    spans: list[tuple[int, int]] = []
    found = [*_pmids(given, spans), *_pmcids(given, spans), *_dois(given, spans), *_books(given, spans)]
    ids = dict.fromkeys(found)
    addresses = dict.fromkeys(_addresses(given, spans))
    return FoundWorks(tuple(ids) or tuple(addresses), _has_nothing_else(given, spans) and bool(ids or addresses))


def _pmids(text: str, spans: list[tuple[int, int]]) -> Iterator[CitedWork]:
    for match in _PMID.finditer(unquote(text) if "%5B" in text else text):
        spans.append(match.span())
        for number in re.split(r"\s?,\s?", next(group for group in match.groups() if group)):
            yield CitedWork("pmid", number.lstrip("0"))


def _pmcids(text: str, spans: list[tuple[int, int]]) -> Iterator[CitedWork]:
    for match in _PMCID.finditer(text):
        spans.append(match.span())
        yield CitedWork("pmcid", f"PMC{match[1] or match[2]}")


def _books(text: str, spans: list[tuple[int, int]]) -> Iterator[CitedWork]:
    for match in _BOOK.finditer(text):
        spans.append(match.span())
        yield CitedWork("nbk", match[0].upper())


def _dois(text: str, spans: list[tuple[int, int]]) -> Iterator[CitedWork]:
    for match in _ARXIV.finditer(text):
        spans.append(match.span())
        yield CitedWork("doi", f"10.48550/arxiv.{match[1]}")
    for match, value in dois_in(text):
        spans.append(match.span())
        if _WHOLE_DOI.fullmatch(value):
            yield CitedWork("doi", value)


def _addresses(text: str, spans: list[tuple[int, int]]) -> Iterator[CitedWork]:
    for match in _ADDRESS.finditer(text):
        value = trimmed(match[0])
        whole = value if value.lower().startswith("http") else f"https://{value.removeprefix('//')}"
        try:
            work = CitedWork("url", web_address(whole))
        except InvalidValue:
            continue
        spans.append((match.start(), match.end()))
        yield work


def _has_nothing_else(text: str, spans: list[tuple[int, int]]) -> bool:
    """Return whether only labels and punctuation are left without the identifiers."""
    kept, end = [], 0
    for start, stop in sorted(spans):
        kept.append(text[end:start] if start > end else "")
        end = max(end, stop)
    rest = _LABELS.sub("", " ".join([*kept, text[end:]]))
    return not any(character.isalnum() for character in rest)
