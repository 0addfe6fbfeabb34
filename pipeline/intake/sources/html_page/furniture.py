"""Remove what surrounds an article on its page: menus, share bars, readers' comments, cookie notices.

A mark is a hint and never decides alone: an element that holds the page's heading, or most of its prose, is not
furniture whatever it is called. A whole page may be inside a `<form>`, and a modal dialog hides all of it with
`aria-hidden`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lxml import etree

from pipeline.intake.body.elements import take_out, text_in
from pipeline.intake.dropping import Lines, compile_selector, is_selector
from pipeline.intake.fields.text import same
from pipeline.intake.sources.html_page.words import runs_in, weigh

_NEVER_TEXT = ("script", "style", "template", "noscript", "button", "select", "textarea", "dialog", "input")
_TAGS = frozenset({"nav", "form", "search"})
_ROLES = frozenset({"navigation", "dialog", "alertdialog", "search", "banner", "contentinfo", "menu", "menubar"})
_COMMENTS = re.compile(
    r"(?:post-|reader-|user-)?comments?(?:-?(?:area|list|section|wrapper|thread|form|container|block|body))?|"
    r"comment-?respond|respond|disqus\S*"
)
_NAMES = re.compile(
    # sharing
    r"shar(?:e|ing)(?:-?(?:bar|buttons?|links?|tools?|this|icons?))?|(?:social|post|article|page)-?shar(?:e|ing)\S*|"
    r"social(?:-?(?:media|links?|icons?|bar|buttons?|nav))?|sharedaddy|addtoany\S*|addthis\S*|sharethis\S*|"
    # other pages
    r"jp-relatedposts|related|outbrain|taboola\S*|you-may-also-like|read-?next|breadcrumbs?|pagination|pager|"
    r"(?:related|recommended|popular|more|similar)-?(?:posts?|articles?|stories|content|links?|pages?|topics?|news)|"
    # the site
    r"sidebar|side-bar|widget-area|site-?(?:header|footer|nav\S*)|navbar\S*|main-?(?:menu|nav\S*)|skip-?links?|"
    r"newsletter\S*|subscribe\S*|sign-?up\S*|cookie\S*|gdpr\S*|ads?|advert\S*|sponsored\S*|promo|"
    # for screen readers alone
    r"sr-only|screen-reader-text|visually-?hidden"
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_MOST = 0.5  # share of the page's prose: an element with more is not furniture
_MOST_NAMES = 50  # class names and ids checked on one element


def remove_furniture(body: etree._Element, *, title: str, drop: Sequence[str] = ()) -> None:
    """Remove everything from a page's body that is not the article. `drop` is what the operator listed."""
    for element in list(body.iter(*_NEVER_TEXT)):
        take_out(element)
    _remove_dropped(body, drop)
    weights = weigh(body)
    most = weights.get(body, 0) * _MOST
    kept = _around_heading(body, title)
    for element in list(_marked(body)):
        if element not in kept and (weights[element] <= most or _is_comments(element)):
            take_out(element)


def _remove_dropped(body: etree._Element, drop: Sequence[str]) -> None:
    for entry in filter(is_selector, drop):
        for element in compile_selector(entry)(body):
            take_out(element)
    lines = Lines(drop)
    for run in [run for run in runs_in(body) if " ".join(run.text) in lines]:
        if run.owner is not body and not run.owner.xpath("boolean(.//img|.//table)"):
            take_out(run.owner)


def _marked(body: etree._Element) -> Iterator[etree._Element]:
    for element in body.iter(etree.Element):
        if element is not body and (_is_comments(element) or _is_furniture(element)):
            yield element


def _is_comments(element: etree._Element) -> bool:
    return element.get("itemprop") == "comment" or any(_COMMENTS.fullmatch(name) for name in _names(element))


def _is_furniture(element: etree._Element) -> bool:
    if element.tag in _TAGS or (element.get("role") or "").lower() in _ROLES or _is_hidden(element):
        return True
    return any(_NAMES.fullmatch(name) for name in _names(element))


def _is_hidden(element: etree._Element) -> bool:
    if element.get("hidden") is not None or (element.get("aria-hidden") or "").lower() == "true":
        return True
    return bool(_HIDDEN_STYLE.search(element.get("style") or ""))


def _names(element: etree._Element) -> list[str]:
    given = f"{element.get('class') or ''} {element.get('id') or ''}".lower().replace("_", "-")
    return given.split()[:_MOST_NAMES]


def _around_heading(body: etree._Element, title: str) -> set[etree._Element]:
    """Return the elements around the heading that is the page's title."""
    found: set[etree._Element] = set()
    for heading in body.iter("h1"):
        if title and same(text_in(heading), title):
            above: etree._Element | None = heading
            while above is not None and above not in found:
                found.add(above)
                above = above.getparent()
    return found
