"""Which judges a rendition of each format has to face. A new format is entered here with its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from judges.amp import official_findings, own_findings
from judges.apple_news import apple_news_findings
from judges.atom import atom_findings
from judges.json_schemas import json_feed_findings, ninjs_findings
from judges.markdown import markdown_findings
from judges.page import html_findings, page_findings
from judges.plain_text import plain_text_findings
from judges.readers import feedparser_findings
from judges.rss import rss_findings
from judges.schema_org import schema_findings

Judge = Callable[[bytes], list[str]]  # what it says against a document; nothing of a valid one


def _json_ld_findings(body: bytes) -> list[str]:
    return schema_findings(json.loads(body))


JUDGES: Mapping[str, tuple[Judge, ...]] = {
    "amp": (official_findings, own_findings, page_findings),
    "apple-news": (apple_news_findings,),
    "atom": (atom_findings, feedparser_findings),
    "html": (html_findings, page_findings),
    "json-feed": (json_feed_findings,),
    "json-ld": (_json_ld_findings,),
    "markdown": (markdown_findings,),
    "ninjs": (ninjs_findings,),
    "plain-text": (plain_text_findings,),
    "rss": (rss_findings, feedparser_findings),
}


def findings(name: str, body: bytes) -> list[str]:
    """Return the findings of all judges of the format about one of its documents."""
    return [finding for judge in JUDGES[name] for finding in judge(body)]
