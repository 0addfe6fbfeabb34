"""Sanitise a body's HTML once, on the way in. The result is safe to walk and contains no script or style.

lxml runs first, because it refuses depth cheaply where an HTML5 parser takes quadratic time; then nh3, then lxml again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import nh3
from lxml import etree

from pipeline.intake.fields.invalid_value import InvalidValue

# 5 MB of plain sections have 138,000, and cost 17 s of a processor with all formats. As many links cost as much.
MAX_TAGS = 150_000
MAX_ATTRIBUTES = 500  # of one tag: a parser compares each with each
MAX_DEPTH = 200  # elements within elements, after sanitising
_MOST_LOOKS = 10  # at one character. In sound markup a tag is looked at once, and no tag begins within another
_FREE_LOOKS = 1_000_000  # at characters, for texts with some `<` that are no tags

_BLOCK_TAGS = {
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr",
    "li", "main", "menu", "nav", "ol", "p", "pre", "search", "section", "summary", "table", "tbody", "td", "tfoot",
    "th", "thead", "tr", "ul",
}  # fmt: skip
_INLINE_TAGS = {
    "a", "abbr", "b", "bdi", "bdo", "br", "cite", "code", "del", "dfn", "em", "i", "img", "input", "ins", "kbd", "q",
    "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href"}, "img": {"src", "alt", "title", "width", "height"}, "ol": {"start", "type", "reversed"},
    "li": {"value"}, "abbr": {"title"}, "input": {"type", "checked"},
    "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"},
    **{tag: {"class", "role"} for tag in ("aside", "blockquote", "div", "p", "section", "span", "small", "sup")},
}  # fmt: skip
_UNDIVIDED = 4_096  # characters of one text
_RAW_TEXTS = frozenset(
    {"iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "textarea", "title", "xmp"}
)
_DROPPED_WHOLE = {"script", "style", "template", "noscript", "iframe", "object", "textarea", "select", "button", "svg"}

_TAG_START = re.compile(r"<(?=[A-Za-z])")
_RAW = re.compile(r"(script|style)(?:\s[^<>]{0,2000}(?<!/))?>", re.IGNORECASE)
_RAW_ENDS = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}
_VALUE = r"\"[^\"]*+\"?+|'[^']*+'?+|[^\s>\"'][^\s>]*+"
_ATTRIBUTE = rf"[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:{_VALUE})?+)?+"
_TAG = re.compile(rf"[A-Za-z][^\s/>]*+(?:{_ATTRIBUTE}){{0,{MAX_ATTRIBUTES}}}+(?P<one_more>{_ATTRIBUTE})?+")

# Characters that lxml reads, as they are or by their numbers, and then refuses to write: \v and \f are white space.
_BREAKS = re.compile(r"[\x0b\x0c]|&#(?:0*1[12](?![0-9])|[xX]0*[bBcC](?![0-9A-Fa-f]));?")
_UNWRITABLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\ufffe\uffff]"
    r"|&#(?:0*(?:[0-8]|1[4-9]|2[0-9]|3[01]|6553[45])(?![0-9])"
    r"|[xX]0*(?:[0-8eEfF]|1[0-9A-Fa-f]|[fF]{3}[eEfF])(?![0-9A-Fa-f]));?"
)


def sanitised(html: str) -> etree._Element:
    """Return the `body` element. Raises InvalidValue `nested-too-deep` or `article-too-complex`."""
    tree = parse(f"<html><body>{html}")
    _divide_long_texts(tree)
    whole = etree.tostring(tree, method="html", encoding="unicode")
    clean = nh3.clean(
        whole,
        tags=_BLOCK_TAGS | _INLINE_TAGS,
        clean_content_tags=_DROPPED_WHOLE,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel=None,
    )
    body = parse(f"<html><body>{clean}").find("body")
    if body is None:
        raise InvalidValue("the body holds no markup that can be read", code="invalid-body", hint="check the markup")
    _check_depth(body)
    return body


def _divide_long_texts(tree: etree._Element) -> None:
    """Put a `wbr`, which nh3 removes, every few thousand characters.

    nh3 appends escapes, and characters such as the non-breaking space, to a text one by one, and copies the whole text
    each time.
    """
    for element in list(tree.iter(etree.Element)):
        if element.text and len(element.text) > _UNDIVIDED and element.tag not in _RAW_TEXTS:
            pieces = _pieces_of(element.text)
            element.text = next(pieces)
            for place, piece in enumerate(pieces):
                element.insert(place, _divider(piece))
        if element.tail and len(element.tail) > _UNDIVIDED:
            pieces = _pieces_of(element.tail)
            last, element.tail = element, next(pieces)
            for piece in pieces:
                divider = _divider(piece)
                tail, last.tail = last.tail, None
                last.addnext(divider)
                last.tail, last = tail, divider


def _pieces_of(text: str) -> Iterator[str]:
    return (text[start : start + _UNDIVIDED] for start in range(0, len(text), _UNDIVIDED))


def _divider(tail: str) -> etree._Element:
    divider = etree.Element("wbr")
    divider.tail = tail
    return divider


def parse(html: str) -> etree._Element:
    """Parse a document with lxml, within limits, and without the characters that no tree may be written with."""
    html = _UNWRITABLE.sub("", _BREAKS.sub(" ", html))
    _check_tags(html)
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        tree = etree.fromstring(html.encode("utf-8", "replace"), parser)
    except etree.LxmlError as error:  # a document of nothing that is an element
        raise InvalidValue("the markup cannot be read", code="invalid-body", hint="check the markup") from error
    if any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
        raise _too_deep()
    if tree is None:
        raise InvalidValue("the markup holds no element", code="invalid-body", hint="check the markup")
    return tree


def _check_tags(html: str) -> None:
    """Raise InvalidValue if a parser would take much longer than for other markup of this length.

    A tag that is never closed reaches to the end of the text, and so does each one that begins within it.
    """
    if html.count("<") > MAX_TAGS:
        raise _too_complex(f"the markup has more than {MAX_TAGS:,} tags", "divide it")
    looks = _MOST_LOOKS * len(html) + _FREE_LOOKS
    for start in _tags(html):
        tag = _TAG.match(html, start.end())
        assert tag is not None  # a letter follows
        looks -= tag.end() - tag.start()
        if tag["one_more"]:
            line = html.count("\n", 0, start.start()) + 1
            raise _too_complex(f"a tag has more than {MAX_ATTRIBUTES} attributes", "remove them", line)
        if looks < 0:
            raise _too_complex("too many tags begin within a tag", "close each tag with >, and write < in text as &lt;")


def _tags(html: str) -> Iterator[re.Match[str]]:
    """Return where tags start. The contents of a script or style are not tags, whatever they look like."""
    place = 0
    while (start := _TAG_START.search(html, place)) is not None:
        yield start
        place = start.end()
        if raw := _RAW.match(html, place):
            closing = _RAW_ENDS[raw[1].lower()].search(html, raw.end())
            place = closing.end() if closing else len(html)


def _check_depth(body: etree._Element) -> None:
    depth = 0
    for event, _ in etree.iterwalk(body, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAX_DEPTH:
            raise _too_deep()


def _too_complex(message: str, hint: str, line: int | None = None) -> InvalidValue:
    return InvalidValue(message, code="article-too-complex", hint=hint, line=line)


def _too_deep() -> InvalidValue:
    return InvalidValue("the markup is nested too deep", code="nested-too-deep", hint="nest less deeply")
