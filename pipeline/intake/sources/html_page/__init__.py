"""Read an HTML page: fields from JSON-LD, meta tags and microdata, and the body from the part that is the article.

    bytes → tree → fields
                 → embeds linked, furniture out → trafilatura finds the words → the elements that hold them → body

trafilatura decides which part of the page is the article; its markup is kept and read like any other body.
"""

from __future__ import annotations

import html
from dataclasses import replace

from lxml import etree

from pipeline.intake.assemble import assemble
from pipeline.intake.body.elements import take_out, text_in
from pipeline.intake.body.sanitise import parse
from pipeline.intake.decoding import decode_page
from pipeline.intake.fields import Fields
from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.fields.text import same
from pipeline.intake.source import SourceFile, SourceFormat
from pipeline.intake.sources.html_page.extractor import article_lines
from pipeline.intake.sources.html_page.furniture import remove_furniture
from pipeline.intake.sources.html_page.left_out import prepare, warn_of
from pipeline.intake.sources.html_page.page_fields import PageFields, page_fields
from pipeline.intake.sources.html_page.selection import select
from pipeline.intake.sources.html_page.summary import is_summary
from pipeline.intake.sources.html_page.titles import is_heading_of
from pipeline.intake.sources.html_page.words import heading_text, short_text, words_in
from pipeline.model.reading import Read

_SMALL_SHARE = 0.25  # share of the page's prose: if less was taken, a person should check it

_HARDLY_LONGER = 3  # times as many words in the text as in the page's description


def read(file: SourceFile) -> Read:
    """Read a page. Raises InvalidArticle.

    A field that cannot be read is left out with a warning, because pages are written for others.
    """
    page, fields, element = _parts(file)
    body_text = text_in(element)
    if len(words_in(page.body)) > 2 * len(words_in(body_text)):
        return assemble(_with_summary(fields, page, page.body), _as_html(page.body), base=page.base)
    markup = etree.tostring(element, method="html", encoding="unicode", with_tail=False)
    return assemble(_with_summary(fields, page, body_text), markup, base=page.base)


def article_element(file: SourceFile) -> etree._Element:
    """Return the part of the page that is its article. Raises InvalidArticle."""
    return _parts(file)[2]


def _parts(file: SourceFile) -> tuple[PageFields, Fields, etree._Element]:
    text = decode_page(file.data, file.name)
    try:
        tree = parse(text)
        page = page_fields(tree)
        fields = Fields(file.name, page.values, lenient=True)
        for name, note in page.dates:
            hint = "write dates as 2026-02-23 or 2026-02-23T09:30:00Z"
            fields.warn(name, InvalidValue(note, code="date-read", hint=hint))
        return page, fields, _article(tree, page, fields, file.drop)
    except InvalidValue as invalid:
        raise Fields(file.name, {}).error("body", invalid) from invalid


def _article(tree: etree._Element, page: PageFields, fields: Fields, drop: tuple[str, ...]) -> etree._Element:
    found = tree.find("body")
    body = found if found is not None else tree
    prepare(body, page.base, title=str(page.values.get("title", "")))
    remove_furniture(body, title=str(page.values.get("title", "")), drop=drop)
    chosen = select(body, article_lines(body))
    _remove_heading(chosen.element, str(page.values.get("title", "")))
    _remove_repeated_title(chosen.element, str(page.values.get("title", "")))
    _remove_byline(chosen.element)
    if chosen.share < _SMALL_SHARE:
        hint = "check the article; mark it with <article> where it is not all"
        message = f"only {chosen.share:.0%} of the page's text was taken as the article"
        fields.warn("body", InvalidValue(message, code="small-part-kept", hint=hint))
    warn_of(chosen.element, page.base, lambda invalid: fields.warn("body", invalid))
    return chosen.element


def _remove_heading(article: etree._Element, title: str) -> None:
    """Remove the heading that repeats the title in fewer or other words: it starts no section."""
    heading = next(iter(article.iter("h1")), None)
    if heading is None or heading is article:
        return
    text = heading_text(heading)
    if is_heading_of(text, title) and not same(text, title):  # a heading identical to the title may add markup to it
        take_out(heading)


def _remove_repeated_title(article: etree._Element, title: str) -> None:
    """Remove captions and paragraphs that only repeat the title, as in galleries, unless nothing else is left."""
    repeated = [element for element in article.iter("p", "figcaption") if same(short_text(element), title)]
    if len(words_in(text_in(article))) > len(repeated) * len(words_in(title)):
        for element in repeated:
            if element is not article and element.find(".//img") is None:
                take_out(element)


def _remove_byline(article: etree._Element) -> None:
    """Remove the byline of the article's header, and its footer: what matters in both is read as fields."""
    marked = [article, *article.iter("article")]
    for element in marked:
        for footer in element.findall("footer"):
            take_out(footer)
        for header in element.findall("header"):
            for inner in list(header.iter("time", "address", "p", "span", "div", "a")):
                if _is_byline(inner):
                    take_out(inner)


def _is_byline(element: etree._Element) -> bool:
    names = f"{element.get('class') or ''} {element.get('rel') or ''} {element.get('itemprop') or ''}".lower()
    return element.tag in ("time", "address") or "byline" in names or "author" in names or "date" in names


def _with_summary(fields: Fields, page: PageFields, body_text: str) -> Fields:
    """Keep the page's own answer if it adds to the text; without one, the first paragraph is the answer.

    A page's description is written for search engines, so it is the answer only if the text is hardly longer.
    """
    given = fields.values.get("summary")
    if not given and len(words_in(body_text)) <= _HARDLY_LONGER * len(words_in(page.description)):
        given = page.description
    values = {name: value for name, value in fields.values.items() if name != "summary"}
    if isinstance(given, str) and is_summary(given, title=str(values.get("title", "")), text=body_text):
        values["summary"] = given
    return replace(fields, values=values)


def _as_html(text: str) -> str:
    return "".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in text.split("\n\n"))


SOURCE = SourceFormat("html", ("text/html", "application/xhtml+xml"), ("html", "htm", "xhtml"), read)
