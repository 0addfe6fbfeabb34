"""What no checker of HTML looks at: whether links within a page lead anywhere, and what its linked data says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from judges.dom import tree
from judges.nu import nu_findings
from judges.schema_org import schema_findings

# What the checker says of an author's own table, terms or words, which go out as they are.
_THE_AUTHORS = re.compile(
    r"Table columns? .* no cells? beginning|A table row was \d+ columns wide"
    r"|Document uses the Unicode Private Use Area|Text run starts with a composing character"
    r"|.*[Dd]uplicate .*dt.*name"
)


def html_findings(page: bytes) -> list[str]:
    """Return the Nu checker's findings, except those about the author's own text."""
    return [finding for finding in nu_findings(page) if not _THE_AUTHORS.search(finding)]


def page_findings(page: bytes) -> list[str]:
    root = tree(page)
    return [*_link_findings(root), *_linked_data_findings(root)]


def _link_findings(root: Any) -> Iterator[str]:
    ids = root.xpath("//@id")
    yield from (f"the id {each} repeats" for each in sorted({each for each in ids if ids.count(each) > 1}))
    expected = {link[1:] for link in root.xpath("//a/@href") if link.startswith("#")}
    expected |= set(" ".join(root.xpath("//@aria-labelledby")).split())
    yield from (f"nothing has the id {each}" for each in sorted(expected - set(ids)))


def _linked_data_findings(root: Any) -> Iterator[str]:
    scripts = root.xpath("//script[@type='application/ld+json']")
    if len(scripts) != 1:
        yield f"{len(scripts)} JSON-LD scripts"
    for script in scripts:
        try:
            data = json.loads(script.text or "")
        except ValueError as error:
            yield f"linked data that is not JSON: {error}"
        else:
            yield from schema_findings(data)
