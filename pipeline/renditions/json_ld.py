"""JSON-LD in schema.org's vocabulary: a MedicalWebPage with its evidence and the whole text.

A web page's `script` has the same node without the text, which is in the page anyway: `parts/linked_data.py`.
"""

from __future__ import annotations

from pipeline.flattening import blocks_text
from pipeline.model.article import Article, Section
from pipeline.model.rendition import Format
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Site
from pipeline.renditions.parts.content import page_url
from pipeline.renditions.parts.json_bytes import json_bytes
from pipeline.renditions.parts.linked_data import Node, page_node, tombstone_node
from pipeline.renditions.parts.markup import section_id
from pipeline.renditions.parts.uri import uri
from pipeline.wording import Words, words_of


def render(revision: Revision, site: Site) -> bytes:
    return json_bytes({**page_node(revision, site), **_text_nodes(revision.article, site)})


def tombstone(withdrawal: Withdrawal, site: Site) -> bytes:
    return json_bytes(tombstone_node(withdrawal, site))


def _text_nodes(article: Article, site: Site) -> Node:
    url, words = uri(page_url(article, site)), words_of(article.language)
    parts = [_section(section, url, words) for section in article.sections]
    return {"text": blocks_text(article.lead, words), "hasPart": parts}


def _section(section: Section, url: str, words: Words) -> Node:
    return {
        "@type": "WebPageElement",
        "name": section.heading,
        "url": f"{url}#{section_id(section.anchor)}",
        "text": blocks_text(section.blocks, words),
        "hasPart": [_section(inner, url, words) for inner in section.sections],
    }


FORMAT = Format(
    name="json-ld",
    media_type="application/ld+json",
    extension="json-ld",
    render=render,
    tombstone=tombstone,
)
