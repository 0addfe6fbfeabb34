"""Nothing of an article is lost: every format's rendition holds all of it, checked against the one article.

Formats are found by being there, so a new one is checked without a word here.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from articles import FEED, GONE, SAMPLE, SITE, WITHDRAWAL, revisions
from hypothesis import HealthCheck, given, settings
from judges.markdown import markdown_html
from lxml import etree
from msgspec import structs
from published import EVERY, OURS

import pipeline.renditions
from pipeline.citations import citation_text, editorial_labels
from pipeline.errors import ConfigError
from pipeline.flattening import inlines_text
from pipeline.flattening.scripts import subscript, superscript, with_fractions
from pipeline.model.article import (
    Article,
    Block,
    BulletList,
    Cell,
    Code,
    Definition,
    DefinitionList,
    Image,
    ListItem,
    Note,
    NumberedList,
    Paragraph,
    Person,
    Preformatted,
    Quotation,
    Section,
    Table,
    Text,
)
from pipeline.model.reference import CitedReference
from pipeline.model.revision import Revision
from pipeline.renditions import format_named, formats
from pipeline.renditions.parts.dates import date_text, dates_of
from pipeline.renditions.parts.evidence import attribution
from pipeline.renditions.parts.text import clean, paragraphs
from pipeline.renditions.parts.uri import uri
from pipeline.wording import ENGLISH, Words, words_of

Alternatives = tuple[str, ...]  # any one of them will do


# --- what a reader of a rendition finds in it ---------------------------------------------------------------------


class _Words(HTMLParser):
    """What a reader of HTML gets: the text in one piece, the values of attributes each by itself.

    Nothing of a page's head and of scripts, linked data too: a page that says it only there has lost it.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: list[str] = []
        self._open: list[tuple[str, dict[str, str | None], list[str]]] = [("", {}, [])]  # of elements in `_SAID`
        self._unseen = 0
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        return with_fractions("".join(part for _, _, parts in self._open for part in parts))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        values = dict(attrs)
        if self._unseen:
            return
        self.values += [value for _, value in attrs if value]
        if tag in _SAID:
            self._open.append((tag, values, []))
        elif tag == "img":
            self._open[-1][2].append(f"[Image: {values.get('alt') or values.get('src')}]")
        elif tag == "br":
            self._open[-1][2].append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(self._unseen - (tag in _UNSEEN), 0)
        if tag == self._open[-1][0]:
            _, values, parts = self._open.pop()
            self._open[-1][2].append(_SAID[tag]("".join(parts), values))

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._open[-1][2].append(data)


_UNSEEN = {"head", "script", "style"}
_SAID: dict[str, Callable[[str, dict[str, str | None]], str]] = {  # what an element says of the text in it
    "sup": lambda text, _: text if _MARKER.fullmatch(text) else superscript(text),
    "sub": lambda text, _: subscript(text),
    "del": lambda text, _: "",
    "abbr": lambda text, values: f"{text} ({values['title']})",
}
_MARKER = re.compile(r"\[[0-9,]+\]")


def _html(html: str) -> Iterator[str]:
    words = _Words(html)
    yield words.text
    yield from words.values


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
            if "<" in value or "&" in value:
                yield from _html(value)
        case dict():
            for each in value.values():
                yield from _strings(each)
        case list():
            for each in value:
                yield from _strings(each)


def _xml(body: bytes) -> Iterator[str]:
    for node in etree.fromstring(body, etree.XMLParser(huge_tree=True)).iter():
        yield from (str(value) for value in node.attrib.values())
        yield from _strings(node.text or "")


def found_in(body: bytes, media_type: str) -> str:
    """Return all its text without white space, its pieces separated by NUL."""
    if media_type.endswith("json"):
        pieces: Iterable[str] = _strings(json.loads(body))
    elif media_type == "text/html":
        pieces = _html(body.decode())
    elif media_type == "text/markdown":
        pieces = _html(markdown_html(body))
    elif media_type.startswith("text/"):
        pieces = [body.decode()]
    else:
        pieces = _xml(body)
    return "\0".join(map(squeeze, pieces))


def squeeze(text: str) -> str:
    """Return a text without spaces and isolates, its labels of images in English."""
    text = "".join(clean(text).translate(_ISOLATES).split())
    for label in ("[Bild:", "[صورة:", "［图片："):
        text = text.replace(label, "[Image:")
    return text.replace("］", "]")


_ISOLATES = dict.fromkeys((0x2068, 0x2069))


# --- what must be there -------------------------------------------------------------------------------------------


def needles(revision: Revision) -> Iterator[Alternatives]:
    article = revision.article
    yield (article.title,)
    yield (inlines_text(article.marked_answer),) if article.marked_answer else (article.answer,)
    yield from _plain(article.question, article.disclaimer, SITE.disclaimer, article.licence)
    yield from _blocks(article.lead)
    for section in article.sections:
        yield from _section(section)
    yield from _dates(revision)
    for person in (*article.authors, *article.reviewers):
        yield from _person(person)
    for call in article.calls_to_action:
        yield from _plain(call.label, call.text)
        yield from _address(call.url)
    for link in article.related:
        yield (link.title,)
        yield from _address(link.url)
    for cited in revision.references:
        yield from _reference(cited, words_of(article.language))
    words = words_of(article.language)
    if line := attribution(revision.references, words):
        yield (line, attribution(revision.references, ENGLISH) or "")  # in JSON-LD


def _plain(*texts: str | None) -> Iterator[Alternatives]:
    return ((part,) for text in texts if text for part in paragraphs(text))


def _address(address: str | None) -> Iterator[Alternatives]:
    if address:
        yield (address, uri(address))


def _section(section: Section) -> Iterator[Alternatives]:
    yield (section.heading,)
    yield from _blocks(section.blocks)
    for inner in section.sections:
        yield from _section(inner)


def _blocks(blocks: Iterable[Block]) -> Iterator[Alternatives]:
    for block in blocks:
        match block:
            case Paragraph(children):
                yield (inlines_text(children),)
            case BulletList(items) | NumberedList(items):
                yield from _blocks(block for item in items for block in item.blocks)
            case DefinitionList(items):
                yield from (each for one in items for each in _definition(one))
            case Table(rows, caption):
                yield from _plain(caption)
                yield from ((inlines_text(cell.children),) for row in rows for cell in row)
            case Quotation(inner, source):
                yield from _plain(source)
                yield from _blocks(inner)
            case Note():
                yield from _blocks(block.blocks)
            case Image():
                yield from _plain(block.caption, block.credit)
            case Preformatted(value):
                yield (value,)


def _definition(definition: Definition) -> Iterator[Alternatives]:
    yield from ((inlines_text(term),) for term in definition.terms)
    for blocks in definition.descriptions:
        yield from _blocks(blocks)


def _person(person: Person) -> Iterator[Alternatives]:
    return _plain(person.name, person.credentials)


def _dates(revision: Revision) -> Iterator[Alternatives]:
    dates = dates_of(revision)
    day = functools.partial(_day, language=revision.article.language)
    yield day(dates.published)
    yield (*day(dates.modified), *day(dates.updated))
    if dates.reviewed:
        yield day(dates.reviewed)
    if revision.article.next_review:
        yield day(revision.article.next_review)
    if revision.overdue:
        text = words_of(revision.article.language).translated("Review overdue since {date}")
        yield (text.split("{date}")[0].strip(), "Review overdue since")


def _day(date: dt.date, language: str) -> Alternatives:
    day = date.date() if isinstance(date, dt.datetime) else date
    return (day.isoformat(), date_text(day, language))


def _reference(cited: CitedReference, words: Words) -> Iterator[Alternatives]:
    yield (cited.work.value, uri(cited.work.url))
    if cited.reference:
        yield (citation_text(cited),)
        own, english = editorial_labels(cited.reference, words), editorial_labels(cited.reference)
        yield from zip(own, english, strict=True)


def lost(revision: Revision, body: bytes, media_type: str) -> list[Alternatives]:
    """Return the parts of the revision that are missing from the rendition."""
    return lost_in(found_in(body, media_type), revision)


def lost_in(haystack: str, revision: Revision) -> list[Alternatives]:
    return [each for each in needles(revision) if not any(squeeze(needle) in haystack for needle in each)]


_SCRIPT = "</script><script>alert(1)</script>"
BLOCKS: list[Block] = [
    Paragraph((Text(_SCRIPT),)),
    Paragraph((Text(f"    {_SCRIPT}"),)),
    Paragraph((Code(_SCRIPT),)),
    Preformatted(_SCRIPT),
    BulletList((ListItem((Paragraph((Text(_SCRIPT),)),)),)),
    NumberedList((ListItem((Preformatted(f"  {_SCRIPT}\n\n{_SCRIPT}"),)),)),
    DefinitionList((Definition(((Text(_SCRIPT),),), ((Preformatted(_SCRIPT),),)),)),
    Table(((Cell((Text(_SCRIPT),)),),), caption=_SCRIPT),
    Quotation((Preformatted(_SCRIPT),), source=_SCRIPT),
    Note("warning", (Preformatted(_SCRIPT),)),
    Image("https://example.org/a.png", _SCRIPT, caption=_SCRIPT),
]


# --- the tests ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", formats())
@pytest.mark.parametrize("revision", EVERY, indirect=True)
def test_a_rendition_holds_all_of_the_article(name: str, revision: Revision) -> None:
    form = formats()[name]
    assert lost(revision, form.render(revision, SITE), form.media_type) == []


@pytest.mark.parametrize("name", formats())
def test_a_rendition_says_that_the_review_is_overdue(name: str) -> None:
    form = formats()[name]
    article = structs.replace(SAMPLE.article, next_review=dt.date(2026, 3, 2))
    late = structs.replace(SAMPLE, article=article, overdue=True)
    assert lost(late, form.render(late, SITE), form.media_type) == []
    on_time = structs.replace(late, overdue=False)
    assert lost(late, form.render(on_time, SITE), form.media_type) == [("Review overdue since",) * 2]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(revision=revisions())
def test_every_rendition_holds_all_of_a_hostile_article(revision: Revision) -> None:
    for form in formats().values():
        assert lost(revision, form.render(revision, SITE), form.media_type) == [], form.name


@pytest.mark.parametrize("name", ["html", "markdown", "plain-text"])
@pytest.mark.parametrize("first", BLOCKS, ids=lambda block: type(block).__name__)
def test_no_block_takes_the_one_after_it_for_its_own(name: str, first: Block) -> None:
    """As an indented block of code after a list was a paragraph of the list, and its text markup."""
    form, following = formats()[name], [*BLOCKS, Preformatted("~~~"), Preformatted("a\r\n````\r<b>b</b>")]
    for second in following:
        items = (ListItem((first,)), ListItem((second,)))
        for lead in (
            (first, second),
            (BulletList((ListItem((first, second)),)),),
            (BulletList(items),),
            (BulletList((ListItem((first, second), checked=True), ListItem((second,), checked=False))),),
            (NumberedList(items), second),
            (BulletList((ListItem((BulletList((ListItem((first,)),)), second)),)),),
            (Quotation((first, second)), second),
            (Note("warning", (NumberedList((ListItem((first,)),)), second)), second),
        ):
            revision = structs.replace(SAMPLE, article=Article(id="a", title="T", answer="A", lead=lead))
            assert lost(revision, form.render(revision, SITE), form.media_type) == [], lead


@pytest.mark.parametrize("name", [name for name, form in formats().items() if form.document])
def test_a_feed_holds_all_of_every_article(name: str) -> None:
    form = formats()[name]
    assert form.document
    haystack = found_in(form.document(FEED, [*OURS.values(), GONE], SITE), form.media_type)
    assert [each for revision in OURS.values() for each in lost_in(haystack, revision)] == []


@pytest.mark.parametrize("name", formats())
def test_a_tombstone_gives_the_reason_and_nothing_of_the_article(name: str) -> None:
    form = formats()[name]
    found = found_in(form.tombstone(WITHDRAWAL, SITE), form.media_type)
    assert squeeze(WITHDRAWAL.reason) in found
    left = squeeze("".join((WITHDRAWAL.title, WITHDRAWAL.reason, SITE.disclaimer, *_day(WITHDRAWAL.published, "en"))))
    gone = [squeeze(needle) for each in needles(SAMPLE) for needle in each if squeeze(needle) not in left]
    assert len(gone) > 50
    assert [needle for needle in gone if needle in found] == []


def test_the_search_for_lost_parts_finds_a_lost_part() -> None:
    poorer = Article(id="leg-spasticity", title="Other", answer="Other")
    body = formats()["rss"].render(
        Revision(article=poorer, number=1, published=SAMPLE.published, updated=SAMPLE.updated), SITE
    )
    missing = lost(SAMPLE, body, "application/rss+xml")
    for part in ("at night", "90000002", "Grace Reviewer", "Call your doctor's office", "2025-03-09", "Retracted"):
        assert any(part in each for each in missing), part


def test_the_folder_shows_the_formats_and_nothing_else() -> None:
    modules = {module.name for module in pkgutil.iter_modules(pipeline.renditions.__path__)} - {"parts"}
    ours = {name for name, form in formats().items() if form.render.__module__.startswith("pipeline.renditions.")}
    assert modules == {name.replace("-", "_") for name in ours}


def test_no_two_formats_share_an_extension() -> None:
    extensions = [form.extension for form in formats().values()]
    assert len(set(extensions)) == len(extensions)


def test_an_unknown_format_is_named_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no format 'pdf'; there are: .*rss") as caught:
        format_named("pdf")
    assert caught.value.code == "unknown-format"
    assert format_named("rss") is formats()["rss"]
