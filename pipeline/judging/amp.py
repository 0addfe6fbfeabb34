"""AMP (the AMP HTML specification, amp.dev): what AMP caches refuse a page for. Quoted by the specification's headings.

It is not AMP's validator, whose rules are some thousand and in a language of their own: the tests run that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lxml import etree

from pipeline.judging.parts.judge import Judge, Rule
from pipeline.judging.parts.page import DATA_BLOCKS, OF_PAGES, PAGE, Page, attributes_that_run
from pipeline.judging.parts.values import quoted

MOST_CSS = 75_000  # bytes of the author's style sheet and inline styles together
_RUNTIME = "https://cdn.ampproject.org/v0.js"
_COMPONENT = re.compile(r"https://cdn\.ampproject\.org/v[0-9]+/[a-z-]+-(?:latest|[0-9]+|[0-9]+\.[0-9]+)\.js")
_PROHIBITED = ("base", "picture", "frame", "frameset", "object", "param", "applet", "embed")
_REPLACED = ("img", "video", "audio", "iframe")  # by elements of AMP's own, except in a noscript
_FORBIDDEN_CSS = re.compile(r"!\s*important|@import", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_WIDTH = re.compile(r"\bwidth\s*=\s*device-width\b")
_SIZES: Mapping[str, tuple[str, ...]] = {"fill": (), "flex-item": (), "nodisplay": (), "fixed-height": ("height",)}
_RESERVED = ("-amp-", "i-amp-")

# amp-boilerplate.md, without its spaces: what hides the page until AMP's script shows it, and what shows it without.
_HIDING = (
    "body{-webkit-animation:-amp-start8ssteps(1,end)0s1normalboth;-moz-animation:-amp-start8ssteps(1,end)0s1normalboth;"
    "-ms-animation:-amp-start8ssteps(1,end)0s1normalboth;animation:-amp-start8ssteps(1,end)0s1normalboth}"
    + "".join(
        f"@{prefix}keyframes-amp-start{{from{{visibility:hidden}}to{{visibility:visible}}}}"
        for prefix in ("-webkit-", "-moz-", "-ms-", "-o-", "")
    )
)
_SHOWING = "body{-webkit-animation:none;-moz-animation:none;-ms-animation:none;animation:none}"


def _root(page: Page) -> Iterator[str]:
    if not {"amp", "⚡"} & set(page.root.attrib):
        yield "<html> has neither `amp` nor `⚡`"


def _charset(page: Page) -> Iterator[str]:
    first = None if page.head is None else next(page.head.iterchildren(etree.Element), None)
    if first is None or first.tag != "meta" or first.get("charset", "").lower() != "utf-8":
        yield 'the first element of the head is not <meta charset="utf-8">'


def _viewport(page: Page) -> Iterator[str]:
    found = page.root.xpath("//head/meta[@name='viewport']/@content")
    if len(found) != 1 or not _WIDTH.search(found[0]):
        yield "the head has no viewport as wide as the device"


def _runtime(page: Page) -> Iterator[str]:
    found = page.root.xpath("//head/script[@src=$address and @async]", address=_RUNTIME)
    if len(found) != 1:
        yield f"{len(found)} scripts with AMP's runtime in the head"


def _boilerplate(page: Page) -> Iterator[str]:
    hiding = page.root.xpath("//style[@amp-boilerplate and not(ancestor::noscript)]")
    showing = page.root.xpath("//noscript//style[@amp-boilerplate]")
    for name, found, expected in (("style", hiding, _HIDING), ("noscript", showing, _SHOWING)):
        if ["".join((one.text or "").split()) for one in found] != [expected]:
            yield f"the boilerplate's {name} is not as AMP has it"


def _style_sheet(page: Page) -> Iterator[str]:
    sheets = page.root.xpath("//style[not(@amp-boilerplate) and not(@amp-keyframes)]")
    if len(sheets) > 1 or any("amp-custom" not in one.attrib for one in sheets):
        yield "a style sheet besides the one of `amp-custom`"
    own = [one.text or "" for one in sheets]
    inline = list(map(str, page.root.xpath("//@style")))
    size = sum(len(css.encode()) for css in (*own, *inline))
    if size > MOST_CSS:
        yield f"{size:,} bytes of CSS, at most {MOST_CSS:,} are taken"
    for css in (*own, *inline):
        for found in _FORBIDDEN_CSS.finditer(_COMMENT.sub("", css)):
            yield f"{found[0]} in its CSS"
    if page.root.xpath("//link[@rel='stylesheet']"):
        yield "a style sheet from elsewhere"


def _elements(page: Page) -> Iterator[str]:
    yield from (f"the element {node.tag}" for node in page.root.iter(*_PROHIBITED))
    for node in page.root.iter(*_REPLACED):
        if next(node.iterancestors("noscript"), None) is None:
            yield f"{node.tag} in place of amp-{node.tag}: {quoted(node.get('src', ''))}"


def _scripts(page: Page) -> Iterator[str]:
    for script in page.root.iter("script"):
        address = script.get("src")
        if address is None and script.get("type") in DATA_BLOCKS:
            continue
        if address != _RUNTIME and not (address and _COMPONENT.fullmatch(address)):
            yield f"a script of its own: {quoted(address or script.text or '')}"
    yield from attributes_that_run(page.root)


def _components(page: Page) -> Iterator[str]:
    loaded = set(page.root.xpath("//script/@custom-element"))
    used = {str(node.tag) for node in page.root.iter(etree.Element) if str(node.tag).startswith("amp-")}
    missing = used - loaded - {"amp-img", "amp-layout", "amp-pixel"}
    yield from (f"{name} is used without its script" for name in sorted(missing))


def _pictures(page: Page) -> Iterator[str]:
    for picture in page.root.iter("amp-img"):
        sizes = _SIZES.get(picture.get("layout", ""), ("width", "height"))
        if not all(picture.get(one) for one in sizes):
            yield f"a picture without its size: {quoted(picture.get('src', ''))}"


def _names(page: Page) -> Iterator[str]:
    names = [*page.root.xpath("//@id"), *(name for names in page.root.xpath("//@class") for name in names.split())]
    yield from (f"the name {quoted(name)} is AMP's own" for name in names if name.startswith(_RESERVED))


JUDGE = Judge(
    "amp",
    PAGE,
    (
        *OF_PAGES,
        Rule("root", "AMP HTML, Required markup (ampd)", _root),
        Rule("charset", "AMP HTML, Required markup (chrs)", _charset),
        Rule("viewport", "AMP HTML, Required markup (vprt)", _viewport),
        Rule("runtime", "AMP HTML, Required markup (scrpt)", _runtime),
        Rule("boilerplate", "AMP HTML, Required markup (boilerplate)", _boilerplate),
        Rule("style-sheet", "AMP HTML, Stylesheets: Maximum size, Important, @-rules", _style_sheet),
        Rule("elements", "AMP HTML, HTML Tags", _elements),
        Rule("scripts", "AMP HTML, HTML Tags: script; HTML attributes; Links", _scripts),
        Rule("components", "AMP HTML, Extended components", _components),
        Rule("pictures", "AMP HTML Layout System, width and height", _pictures),
        Rule("names", "AMP HTML, Classes; IDs", _names),
    ),
)
