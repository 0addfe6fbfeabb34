"""The article's page: what browsers, screen readers and search engines need of it, and that nothing in it runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from pipeline.judging.parts.judge import Judge, Rule
from pipeline.judging.parts.page import OF_PAGES, PAGE, Page, runs
from pipeline.judging.parts.values import quoted

_CHARSET = re.compile(r"""<meta\s+charset\s*=\s*["']?utf-8["'\s/>]""", re.IGNORECASE)
_FIRST = 1024  # bytes in which a browser looks for the encoding


def _charset(page: Page) -> Iterator[str]:
    if not _CHARSET.search(page.text[:_FIRST].encode()[:_FIRST].decode("utf-8", "ignore")):
        yield f"its first {_FIRST:,} bytes do not say that it is UTF-8"


def _nothing_runs(page: Page) -> Iterator[str]:
    yield from runs(page.root)


def _pictures(page: Page) -> Iterator[str]:
    for picture in page.root.iter("img"):
        if picture.get("alt") is None:
            yield f"a picture without `alt`: {quoted(picture.get('src', ''))}"


def _linked_data(page: Page) -> Iterator[str]:
    for script in page.root.xpath("//script[@type='application/ld+json']"):
        try:
            json.loads(script.text or "")
        except (ValueError, RecursionError) as error:
            yield f"JSON-LD that is no JSON: {error}"


JUDGE = Judge(
    "html",
    PAGE,
    (
        *OF_PAGES,
        Rule("charset", "HTML, section 4.2.5.4", _charset),
        Rule("nothing-runs", "Citewire: the page's policy allows no script (docs/security.md, 3.4.3)", _nothing_runs),
        Rule("pictures", "HTML, section 4.8.4.4", _pictures),
        Rule("linked-data", "JSON-LD 1.1, section 7: embedded in HTML", _linked_data),
    ),
)
