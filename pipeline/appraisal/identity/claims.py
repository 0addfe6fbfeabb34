"""What an author's words say of a work: years, DOIs, volume and first page, and the other words."""

from __future__ import annotations

import re

from msgspec import Struct

from pipeline.appraisal.identity.fold import tokens
from pipeline.model.dois import DOI, doi, dois_in

LONGEST = 4_000  # characters that are read of one citation

_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_IDENTIFIER = re.compile(r"\b(?:pmid|pmcid|pmc|pubmed|doi|issn|isbn|arxiv)\b[\s:#=-]*(?:pmc)?[\d-]*", re.IGNORECASE)
# The date on which a page was read says nothing about the work.
_ASIDE = re.compile(
    r"[\[(]?\b(?:accessed|retrieved|cited|updated|published online|epub(?: ahead of print)?|available)\b[^.;\])]{0,60}",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<![\d/.-])(?:1[6-9]|20)\d\d(?=[a-z]?\b)(?!\d)")
_PAGE = r"(?:pp?\.?\s*)?(?P<page>[a-z]{0,3}\d[\w.]{0,20})"
_ISSUE = r"(?:\s*\((?P<issue>[^)]{0,40})\))?"
_PLACES = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf";\s*(?P<volume>[a-z]?\d{{1,6}}\w{{0,6}})\s*{_ISSUE}\s*:\s*{_PAGE}",  # 2020;382(1):10-20
        rf"[,.]\s*(?:vol\.?\s*)?(?P<volume>\d{{1,4}})\s*{_ISSUE}\s*,\s*{_PAGE}\s*[-–—]",  # Lancet, 382(1), 10-20
        r"\bvol(?:ume)?\.?\s*(?P<volume>\d{1,6})\b[^:]{0,40}?\bpp?\.?\s*(?P<page>\d+)",  # vol. 382, no. 1, pp. 10-20
        rf"\s(?P<volume>(?!(?:1[6-9]|20)\d\d\b)\d{{1,4}})\s*{_ISSUE}\s*:\s*{_PAGE}",  # Lancet 382:10-20
    )
)  # fmt: skip


class Place(Struct, frozen=True):
    volume: str
    page: str  # the first


class Claims(Struct, frozen=True):
    """What the words say. `tokens` leaves out identifiers, addresses and asides.

    `dois` has a DOI in an address both without and with what may be a name of a view, such as "/full".
    """

    text: str
    dois: frozenset[str]
    years: frozenset[int]
    place: Place | None
    tokens: tuple[str, ...]


def read_claims(words: str, title: str) -> Claims:
    """Read the words. Numbers in the record's own `title` are not taken for a year or a page."""
    words = words[:LONGEST]
    dois = frozenset(one for match, found in dois_in(words) for one in (found, doi(match[0], in_address=False)))
    text = _IDENTIFIER.sub(" ", _ADDRESS.sub(" ", DOI.sub(" ", words)))
    plain = _ASIDE.sub(" ", text)
    rest = _without(plain, title.rstrip("."))
    match = next((match for form in _PLACES if (match := form.search(rest))), None)
    place = Place(match["volume"].lower(), first_page(match["page"])) if match else None
    dated = rest if match is None else f"{rest[: match.start('volume')]} {rest[match.end('page') :]}"
    years = frozenset(int(year) for year in _YEAR.findall(_without_ranges(dated)))
    return Claims(plain, dois, years, place, tuple(tokens(plain)))


def first_page(pages: str) -> str:
    """Return the first page of "284-7" or "e123", in lower case, without leading zeros."""
    page = re.split(r"[-–—,;\s]", pages.strip().lower(), maxsplit=1)[0].strip(".")
    return page.lstrip("0") or page


def _without(text: str, title: str) -> str:
    start = text.lower().find(title.lower()) if title else -1
    return text if start < 0 else f"{text[:start]} {text[start + len(title) :]}"


def _without_ranges(text: str) -> str:
    """Remove ranges of pages that look like years: "1985-1990"; dates such as "1998-99" keep their first year."""
    return re.sub(r"(?<!\d)\d{4}\s*[-–—]\s*(?=\d{3,})\d+", " ", text)
