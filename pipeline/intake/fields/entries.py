"""One entry of a reference list → the work that it cites, in its author's words, with every identifier it gives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from pipeline.intake.fields.identifiers import cited_work
from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.fields.text import line
from pipeline.intake.fields.works_in_text import works_in
from pipeline.model.article import CitedAs, CitedWork

MAX_WORDS = 2_000  # characters of an entry that are kept
_FEWEST_WORDS = 4  # a text with fewer is no citation
_MARK = re.compile(r"^(?:[*•◦▪‣–^↑-]\s+|(?:\^\s?)|\[?\d{1,4}(?:[.)\]]\s*(?=\D)|\]\s*))+")
_BARE_PMID = re.compile(r"0*([1-9]\d{0,7})(?:(?<=\d{5})\.\d{1,2})?\.?")


class Entry(Struct, frozen=True):
    """A work and how it is cited. Two of them may be of one paper: their numbers in the list stay apart until then."""

    work: CitedWork
    cited_as: CitedAs = CitedAs()


def entries_in(text: str, links: Iterable[str] = ()) -> list[Entry]:
    """Return the works that an entry cites: usually one; several if it is a list of PMIDs; none if it says nothing.

    `links`: the addresses that its words link to.
    """
    words = _MARK.sub("", line(text[: 1 << 14])).strip()
    if bare := _BARE_PMID.fullmatch(words):
        return [Entry(CitedWork("pmid", bare[1]))]
    in_words, linked = works_in(words), [work for link in links for work in works_in(link).works]
    works = list(dict.fromkeys([*in_words.works, *linked]))
    works = [work for work in works if work.scheme != "url"] or works
    if not works:
        return [Entry(CitedWork("text", words[:MAX_WORDS]), CitedAs(words[:MAX_WORDS]))] if _has_words(words) else []
    if in_words.is_bare or not _has_words(words):
        if len(works) > 1 and all(work.scheme == "pmid" for work in works):
            return [Entry(work) for work in works]
        return [Entry(works[0], CitedAs(also=_also(works)))]
    ordered = sorted(works, key=lambda work: ("pmid", "pmcid", "doi", "nbk", "url").index(work.scheme))
    return [Entry(ordered[0], CitedAs(words[:MAX_WORDS], _also(ordered)))]


def _also(works: Sequence[CitedWork]) -> tuple[CitedWork, ...]:
    """Return the further identifiers. Of plain addresses one is enough."""
    return tuple(work for work in works[1:] if work.scheme != "url")


def _has_words(words: str) -> bool:
    return any(character.isalpha() for character in words)


def cited_entries(value: object) -> list[Entry]:
    """Read one reference of a field: a number, a text or a mapping. Raises InvalidValue for what names no work."""
    if isinstance(value, Mapping):
        return [_of_mapping(value)]
    if not isinstance(value, str):
        return [Entry(cited_work(value))]
    found = entries_in(value)
    if any(entry.work.scheme != "text" for entry in found):
        return found
    try:
        return [Entry(cited_work(value))]
    except InvalidValue:
        if not found or len(value.split()) < _FEWEST_WORDS:
            raise
        return found


def names_work(text: str) -> bool:
    """Return whether a citation in words names a work by an identifier or an address."""
    try:
        return any(entry.work.scheme != "text" for entry in cited_entries(text))
    except InvalidValue:
        return False


def _of_mapping(value: Mapping[object, object]) -> Entry:
    """Read a mapping of identifiers, each of which is kept."""
    given = [key for key in ("pmid", "pmcid", "doi", "url") if value.get(key) not in (None, "")]
    first = cited_work(value)
    if len(given) < 2:
        return Entry(first)
    others = [cited_work({key: value[key]}) for key in given]
    return Entry(first, CitedAs(also=_also([first, *(work for work in others if work != first)])))


def joined(entries: Iterable[Entry]) -> tuple[tuple[Entry, ...], tuple[int, ...]]:
    """Return each work once, in order, and for each entry given its work's number (from 1) among those.

    A work that is cited twice keeps the first words and all identifiers.
    """
    found: dict[CitedWork, CitedAs] = {}
    numbers: list[int] = []
    places: dict[CitedWork, int] = {}
    for entry in entries:
        numbers.append(places.setdefault(entry.work, len(places) + 1))
        before = found.get(entry.work, CitedAs())
        also = tuple(dict.fromkeys((*before.also, *entry.cited_as.also)))
        found[entry.work] = CitedAs(before.words or entry.cited_as.words, also)
    return tuple(Entry(work, cited_as) for work, cited_as in found.items()), tuple(numbers)
