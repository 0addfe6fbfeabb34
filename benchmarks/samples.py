"""Sample articles: the seed page (or an example if that is not available), numbered copies, and very long ones."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from pathlib import Path

from pipeline.intake import read_article
from pipeline.model.article import Article
from pipeline.model.reference import CitedReference, Reference
from pipeline.model.revision import Revision
from pipeline.model.site import Feed, Site
from pipeline.references.pubmed.pubmed_xml import parse_pubmed
from standins.papers import invented, load_papers, paper_xml, record_set

ROOT = Path(__file__).resolve().parents[1]
SEED = ROOT.parent / "shared" / "data" / "seed"
EXAMPLE = ROOT / "examples" / "articles" / "baclofen-for-spasticity.md"

SITE = Site(
    title="Doctor's Note",
    url="https://notes.example.org",
    publisher="Example Health",
    logo="https://notes.example.org/logo.png",
    disclaimer="This is for information only. It does not replace the advice of a doctor who knows you.",
    feeds=(Feed(id="latest", title="Doctor's Note: latest"),),
)


def seed() -> tuple[Article, str]:
    """Return the article to render, and a description of it."""
    pages = sorted(SEED.glob("*.txt"))
    file, what = (pages[0], "the seed page") if pages else (EXAMPLE, "an example article")
    return read_article(file.read_bytes(), name=file.name), what


def revision_of(article: Article) -> Revision:
    """Return the article with resolved references: the stand-in's papers, and invented ones for the rest."""
    assert article.published is not None
    known = _papers(work.value for work in article.references if work.scheme == "pmid")
    shown = tuple(
        CitedReference(number, work, "resolved" if work.value in known else "unknown", known.get(work.value))
        for number, work in enumerate(article.references, start=1)
    )
    return Revision(article=article, number=1, published=article.published, updated=article.published, references=shown)


def numbered(number: int) -> str:
    """Return the example with a numbered id, as Markdown."""
    text = EXAMPLE.read_text(encoding="utf-8")
    return text.replace("\nid: baclofen-for-spasticity\n", f"\nid: article-{number}\n", 1)


def short(id: str, text: str, *, summary: str = "Rest and stretch.") -> str:
    """Return an article that cites nothing, as Markdown."""
    return (
        f"---\nid: {id}\ntitle: About {id}\nsummary: {summary}\npublished: 2026-03-01\n---\n\n## What to do\n\n{text}\n"
    )


def big(form: str, size: int) -> bytes:
    """Return an article of `size` bytes in a source format: many sections with emphasis, links and lists."""
    head = {"id": "big", "title": "A very long article", "summary": "Long.", "published": "2026-03-01"}
    match form:
        case "md":
            front = "".join(f"{name}: {value}\n" for name, value in head.items())
            return _filled(f"---\n{front}---\n", _MARKDOWN, size)
        case "json":
            room = size - len(json.dumps(head | {"body": ""}))
            lines = room // len(json.dumps(_MARKDOWN)[1:-1])
            return json.dumps(head | {"body": _MARKDOWN * lines}).encode()
        case "html":
            facts = {"@context": "https://schema.org", "@type": "Article", "headline": head["title"]}
            facts |= {"datePublished": head["published"], "description": head["summary"]}
            start = f"<!doctype html><html lang=en><title>{html.escape(head['title'])}</title>"
            start += f'<script type="application/ld+json">{json.dumps(facts)}</script><article><h1>{head["title"]}</h1>'
            return _filled(start, _HTML, size)
        case "txt":
            return _filled(f"Published on: 3/1/2026\n\n{head['title']}\n\n{head['summary']}\n\n", _TEXT, size)
    raise ValueError(form)


def _filled(start: str, part: str, size: int) -> bytes:
    return (start + part * ((size - len(start.encode())) // len(part.encode()))).encode()


_PROSE = "Stretch the muscle slowly, hold it for half a minute, and stop where it hurts. Warmth helps many people. "
_MARKDOWN = (
    f"## What helps\n\n{_PROSE * 4}Read *more* [here](https://example.org/more).\n\n- walking\n- **swimming**\n\n"
)
_HTML = (
    f"<h2>What helps</h2><p>{_PROSE * 4}Read <em>more</em> <a href='https://example.org/more'>here</a>.</p>"
    "<ul><li>walking</li><li><strong>swimming</strong></li></ul>\n"
)
_TEXT = f"What helps\n\n{_PROSE * 4}\n\nwalking\nswimming\n\n"


def _papers(pmids: Iterable[str]) -> dict[str, Reference]:
    real = {paper.pmid: paper for paper in load_papers()}
    return parse_pubmed(record_set([paper_xml(real.get(pmid) or invented(pmid)) for pmid in pmids]))
