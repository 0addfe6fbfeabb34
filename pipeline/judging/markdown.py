"""Markdown (CommonMark 0.31.2, with tables): one title, links that lead somewhere, and HTML that does nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from pipeline.judging.parts.judge import Judge, Reading, Rule, Unreadable
from pipeline.judging.parts.page import unfit
from pipeline.judging.parts.text import CHARACTERS, TEXT
from pipeline.judging.parts.values import is_link, quoted

_DEEPEST = 1000  # elements within each other


@dataclass(frozen=True, slots=True)
class Document:
    text: str
    blocks: tuple[Token, ...]
    inlines: tuple[Token, ...]


def _read(body: bytes) -> Document:
    text = TEXT.read(body)
    try:
        blocks = MarkdownIt("commonmark", {"maxNesting": _DEEPEST}).enable("table").parse(text)
    except RecursionError as error:
        raise Unreadable("it is nested too deeply to be read") from error
    return Document(text, tuple(blocks), tuple(_within(blocks)))


def _within(tokens: Iterable[Token]) -> Iterator[Token]:
    """Yield what is within these, and within that."""
    for token in tokens:
        children = token.children or ()
        yield from children
        yield from _within(children)


def _characters(document: Document) -> Iterable[str]:
    return CHARACTERS.breaches(document.text)


def _title(document: Document) -> Iterator[str]:
    titles = [one for one in document.blocks if one.type == "heading_open" and one.tag == "h1"]
    if len(titles) != 1:
        yield f"{len(titles)} headings of the first level"
    elif document.blocks[0] is not titles[0]:
        yield "the heading of the first level does not stand first"


def _links(document: Document) -> Iterator[str]:
    for token in document.inlines:
        address = token.attrGet("href") or token.attrGet("src")
        if address is not None and not str(address).startswith("#") and not is_link(address):
            yield f"the address {quoted(address)} leads nowhere"


def _html(document: Document) -> Iterator[str]:
    tokens = (*document.blocks, *document.inlines)
    written = [one.content for one in tokens if one.type in ("html_block", "html_inline")]
    yield from unfit(["".join(written)] if written else ())


JUDGE = Judge(
    "markdown",
    Reading(TEXT.name, TEXT.source, _read),
    (
        Rule(CHARACTERS.name, CHARACTERS.source, _characters),
        Rule("title", "Citewire: one heading of the first level, and it stands first", _title),
        Rule("links", "CommonMark 0.31.2, sections 6.3 and 6.4; RFC 3986, section 4.3", _links),
        Rule("html", "GitHub Flavored Markdown, section 6.11; RFC 4287, section 8.1", _html),
    ),
)
