"""A page as a tree."""

from __future__ import annotations

from typing import Any

from lxml import html


def tree(page: bytes) -> Any:
    """lxml's root element: Any, because what `xpath` gives depends on its expression."""
    return html.document_fromstring(page, parser=html.HTMLParser(encoding="utf-8"))
