"""Select the element of a page that is its article, and the parts of it that are not.

The extractor returns words. If the page marks an article (`articleBody`, `article`, `main`) and the mark agrees with
those words, the marked element is used as it is. Otherwise the article is the narrowest element that holds the words,
without the blocks in it that hold none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml import etree

from pipeline.intake.body.elements import take_out, text_in
from pipeline.intake.body.reference_headings import is_certain
from pipeline.intake.sources.html_page.words import INLINE, SHINGLE, Run, runs_in, shingles, weigh, words_in

_SHORT, _LITTLE = 150, 50  # words of a page and of what was found: too few for an extractor made for long pages

_MATCH = 0.6  # share of a run's shingles: an extractor joins and splits lines in its own way
_COVERED = 0.95  # share of the words that were found: an element with fewer is not the article
_AGREED = 0.95  # share of a marked element's words that were found: the rest of it then belongs to the article too
_PROSE = 0.9  # share of a short element's words that are in no link
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_NOT_WHOLE = frozenset({"p", "ul", "ol", "dl", "table", "tbody", "blockquote", "figure", *_HEADINGS})
_STRUCTURE = frozenset({"table", "pre", "figure", "dl", "ul", "ol", "blockquote", "aside"})
EMBED = "citewire-embed"  # the class of what `left_out` puts in place of an embed


@dataclass(frozen=True)
class Selection:
    """The selected article. `share` is how much of the page's prose, without furniture, it holds: 0 to 1."""

    element: etree._Element
    share: float


class _Words:
    """The extractor's words, for look-up by shingles."""

    def __init__(self, lines: Sequence[str]) -> None:
        words = [words_in(line) for line in lines]
        self.lines = {tuple(line) for line in words if line}
        self.size = sum(len(line) for line in words)
        self.shingles = set(shingles([word for line in words for word in line]))

    def hold(self, run: Sequence[str]) -> bool:
        if len(run) < SHINGLE:
            return tuple(run) in self.lines
        found = [shingle in self.shingles for shingle in shingles(run)]
        return sum(found) >= _MATCH * len(found)


@dataclass(frozen=True)
class _Page:
    """A body with word counts for each element: found by the extractor, all, and not in links."""

    body: etree._Element
    runs: list[Run]
    matches: list[bool]
    found: int  # in the whole page, which may hold its article twice, for screens and for print
    found_in: dict[etree._Element, int]
    all_in: dict[etree._Element, int]
    prose_in: dict[etree._Element, int]


def select(body: etree._Element, lines: Sequence[str]) -> Selection:
    """Select by the extractor's lines, or without any by the page's marks and prose alone."""
    words = _Words(lines)
    page = _count(body, words)
    found, prose = page.found, page.prose_in.get(body, 0)
    if not found or (prose < _SHORT and found < _LITTLE):
        return Selection(_heaviest(page), 1.0)
    marked = next((element for element in _marks(body) if _agrees(page, element)), None)
    element = marked if marked is not None else _pruned(page)
    return Selection(element, found / max(prose, found))


def _count(body: etree._Element, words: _Words) -> _Page:
    runs = list(runs_in(body))
    matches = [words.hold(run.words) for run in runs]
    found_in: dict[etree._Element, int] = {}
    all_in: dict[etree._Element, int] = {}
    for run, holds in zip(runs, matches, strict=True):
        size = len(run.words)
        all_in[run.owner] = all_in.get(run.owner, 0) + size
        found_in[run.owner] = found_in.get(run.owner, 0) + size * holds
    for _, element in etree.iterwalk(body, events=("end",)):
        parent = element.getparent()
        if parent is not None and element is not body:
            for sums in (all_in, found_in):
                sums[parent] = sums.get(parent, 0) + sums.get(element, 0)
    least = min(found_in.get(body, 0), words.size)
    return _Page(body, runs, matches, least, found_in, all_in, weigh(body))


def _marks(body: etree._Element) -> Iterator[etree._Element]:
    for element in body.iter(etree.Element):
        if "articlebody" in (element.get("itemprop") or "").lower().split():
            yield element
    yield from body.iter("article", "main")


def _agrees(page: _Page, element: etree._Element) -> bool:
    found = page.found_in.get(element, 0)
    whole = page.all_in.get(element, 0)
    if found < _COVERED * page.found or (found >= _SHORT and not _has_blocks(element)):
        return False
    short = whole < _SHORT and page.prose_in.get(element, 0) >= _PROSE * whole
    return short or found >= _AGREED * whole


def _has_blocks(element: etree._Element) -> bool:
    """Return whether a long text has any structure: some pages keep a copy of theirs without it."""
    return any(inner is not element and inner.tag not in INLINE for inner in element.iter(etree.Element))


def _heaviest(page: _Page) -> etree._Element:
    """Return a marked element that holds most of the page's prose, or else the whole body."""
    enough = 0.6 * page.prose_in.get(page.body, 0)
    return next((element for element in _marks(page.body) if page.prose_in.get(element, 0) >= enough > 0), page.body)


def _pruned(page: _Page) -> etree._Element:
    article = _narrowest(page)
    inside = set(article.iter())
    places = [n for n, run in enumerate(page.runs) if page.matches[n] and run.owner in inside]
    between = {run.owner for run in page.runs[places[0] : places[-1] + 1]}
    for element in list(_without_words(page, article)):
        if not _belongs(page, element, between):
            take_out(element)
    for owner in _trailing_links(page, article):
        take_out(owner)
    return article


def _trailing_links(page: _Page, article: etree._Element) -> list[etree._Element]:
    """Return the final blocks that are only links and their headings: other pages, unless they are references."""
    left, found = set(article.iter()), list[etree._Element]()
    for run in reversed([run for run in page.runs if run.owner in left]):
        if run.owner is article or (run.owner.tag not in _HEADINGS and page.prose_in.get(run.owner, 0)):
            break
        if is_certain(text_in(run.owner)):
            return []
        found.append(run.owner)
    return found


def _narrowest(page: _Page) -> etree._Element:
    """Return the deepest element that holds nearly all of the article's words."""
    enough = page.found * _COVERED
    article = page.body
    while True:
        inner = next((child for child in article if page.found_in.get(child, 0) >= enough), None)
        if inner is None or inner.tag in _NOT_WHOLE:
            return article
        article = inner


def _without_words(page: _Page, article: etree._Element) -> Iterator[etree._Element]:
    """Yield the outermost elements that have text, but none of the article's words."""
    with_text = {run.owner for run in page.runs}
    waiting = [article]
    while waiting:
        for child in waiting.pop():
            if page.found_in.get(child, 0):
                waiting.append(child)
            elif any(element in with_text for element in child.iter()):
                yield child


def _belongs(page: _Page, element: etree._Element, between: set[etree._Element]) -> bool:
    """Return whether an element that the extractor left out is part of the article: structure between what it found."""
    if element.tag in _HEADINGS:
        return element in between or is_certain(text_in(element))
    if _is_references(element):
        return True
    if not any(inner in between for inner in element.iter()):
        return False
    if any(inner.get("class") == EMBED for inner in element.iter()):
        return True
    return element.tag in _STRUCTURE and 2 * page.prose_in.get(element, 0) >= page.all_in.get(element, 0)


def _is_references(element: etree._Element) -> bool:
    """Return whether it is a list or block under a "References" heading, or holds such a heading."""
    before = element.getprevious()
    if before is not None and before.tag in _HEADINGS and is_certain(text_in(before)):
        return True
    first = next(iter(element.iter(*_HEADINGS)), None)
    return first is not None and is_certain(text_in(first))
