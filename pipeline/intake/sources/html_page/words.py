"""Find the words of a page and the element that each run of them belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from lxml import etree

from pipeline.intake.body.inlines import text_of
from pipeline.intake.fields.text import line

INLINE = frozenset({
    "a", "abbr", "b", "bdi", "bdo", "br", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img", "ins", "kbd",
    "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
})  # fmt: skip
SHINGLE = 4  # words

_WHOLE = frozenset({"table", "pre"})  # one run, however many blocks they contain

# Chinese, Japanese, Thai, Lao, Burmese and Khmer have no spaces between words: each character counts as one.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[^\W{_UNSPACED}]+|(?=\w)[{_UNSPACED}]")


def words_in(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def shingles(words: Sequence[str]) -> list[tuple[str, ...]]:
    """Return every run of `SHINGLE` words; none if there are fewer."""
    return [tuple(words[start : start + SHINGLE]) for start in range(len(words) - SHINGLE + 1)]


_MOST_OF_A_HEADING = 1000  # anything longer is not a heading


def short_text(element: etree._Element, most: int = 1000) -> str:
    """Return the beginning of the element's text.

    It is limited because nested elements may each hold the whole page.
    """
    found, size = list[str](), 0
    for text in element.itertext():
        found.append(str(text))
        size += len(text)
        if size > most:
            break
    return "".join(found)[: most + 1]


def heading_text(element: etree._Element) -> str:
    """Return a heading as text with the same meaning: `10<sup>9</sup>` as `10⁹`."""
    text = short_text(element)
    return line(text) if len(text) > _MOST_OF_A_HEADING else text_of(element)


@dataclass
class Run:
    """Text without a block boundary in it. `owner` is the block that contains it."""

    owner: etree._Element
    text: list[str] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        return words_in(" ".join(self.text))


def runs_in(root: etree._Element) -> Iterator[Run]:
    """Yield the runs of text in document order, each with at least one word."""
    run = Run(root)
    whole: etree._Element | None = None
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if not isinstance(element.tag, str):
            continue
        block = element.tag not in INLINE and whole is None
        if event == "start":
            if block:
                yield from _filled(run)
                run = Run(element)
                whole = element if element.tag in _WHOLE else None
            run.text.append(element.text or "")
        else:
            if element is whole or block:
                whole = None
                yield from _filled(run)
                parent = element.getparent()
                run = Run(_block_of(element) if parent is not None and element is not root else root)
            if element is not root:
                run.text.append(element.tail or "")
    yield from _filled(run)


def _block_of(element: etree._Element) -> etree._Element:
    """Return the nearest block around an element."""
    above = element.getparent()
    while above is not None and above.tag in INLINE and above.getparent() is not None:
        above = above.getparent()
    return above if above is not None else element


def _filled(run: Run) -> Iterable[Run]:
    return (run,) if run.words else ()


def weigh(root: etree._Element) -> dict[etree._Element, int]:
    """Return the number of words in each element, without those of links: a menu weighs nothing."""
    weights: dict[etree._Element, int] = {}
    for _, element in etree.iterwalk(root, events=("end",)):
        if not isinstance(element.tag, str):
            continue
        own = 0 if element.tag == "a" else _count(element.text) + sum(weights.get(child, 0) for child in element)
        weights[element] = own + (0 if element.tag == "a" else sum(_count(child.tail) for child in element))
    return weights


def _count(text: str | None) -> int:
    return len(_WORD.findall(text)) if text else 0
