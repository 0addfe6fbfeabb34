"""Find the text of a page's article with trafilatura. Only its words are used: the markup is our own."""

from __future__ import annotations

from lxml import etree

MAX_CHARACTERS = 1_000_000
MAX_ELEMENTS = 20_000
MAX_INLINE = 1_000  # in one element: trafilatura unwraps them one by one, and each joins the text before it
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "br", "cite", "code", "del", "em", "font", "i", "img", "ins", "kbd", "mark", "q"}
    | {"s", "small", "span", "strong", "sub", "sup", "u"}
)


def article_lines(body: etree._Element) -> list[str]:
    """Return the lines of the article's text as trafilatura finds them; none for a page that is too large for it."""
    from trafilatura import extract  # slow to import, and most articles are not pages

    if sum(1 for _ in body.iter()) > MAX_ELEMENTS or any(_is_crowded(one) for one in body.iter()):
        return []
    page = etree.tostring(body, method="html", encoding="unicode", with_tail=False)
    if len(page) > MAX_CHARACTERS:
        return []
    found = extract(f"<html>{page}</html>", include_comments=False, favor_precision=True, with_metadata=False)
    return (found or "").splitlines()


def _is_crowded(element: etree._Element) -> bool:
    return len(element) > MAX_INLINE and sum(child.tag in _INLINE for child in element) > MAX_INLINE
