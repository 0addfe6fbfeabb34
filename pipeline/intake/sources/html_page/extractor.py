"""Find the text of a page's article with trafilatura. Only its words are used: the markup is our own."""

from __future__ import annotations

from lxml import etree

MAX_CHARACTERS = 1_000_000
MAX_ELEMENTS = 20_000


def article_lines(body: etree._Element) -> list[str]:
    """Return the lines of the article's text as trafilatura finds them; none for a page that is too large for it."""
    from trafilatura import extract  # slow to import, and most articles are not pages

    if sum(1 for _ in body.iter()) > MAX_ELEMENTS:
        return []
    page = etree.tostring(body, method="html", encoding="unicode", with_tail=False)
    if len(page) > MAX_CHARACTERS:
        return []
    found = extract(f"<html>{page}</html>", include_comments=False, favor_precision=True, with_metadata=False)
    return (found or "").splitlines()
