"""The whole article as plain text: `content` for readers without HTML."""

from __future__ import annotations

from pipeline.citations import citation_text, editorial_labels
from pipeline.flattening import blocks_text, inlines_text, sections_text
from pipeline.model.article import CallToAction, Image
from pipeline.model.reference import CitedReference
from pipeline.model.revision import Revision
from pipeline.model.site import Site
from pipeline.renditions.parts.dates import date_text, dates_of, next_review_text
from pipeline.renditions.parts.evidence import attribution
from pipeline.renditions.parts.fragments import disclaimers
from pipeline.renditions.parts.people import person_text


def content_text(revision: Revision, site: Site) -> str:
    """Return all of an article but its title. Paragraphs are separated by an empty line; the answer comes first."""
    article = revision.article
    parts = (
        article.question,
        inlines_text(article.marked_answer) or article.answer,
        _image_text(article.image),
        blocks_text(article.lead),
        sections_text(article.sections),
        "\n\n".join(map(_call_text, article.calls_to_action)),
        _headed("Related", [f"- {link.title}\n  {link.url}" for link in article.related]),
        _headed("References", list(map(reference_text, revision.references))),
        attribution(revision.references),
        "\n".join(byline_texts(revision)),
        *disclaimers(article, site),
        f"Licence: {article.licence}" if article.licence else None,
    )
    return "\n\n".join(part for part in parts if part)


def byline_texts(revision: Revision) -> tuple[str, ...]:
    """Return a line each for who wrote it, who reviewed it, and when."""
    article, dates = revision.article, dates_of(revision)
    published = f"Published {date_text(dates.published, article.language)}"
    if dates.modified != dates.published:
        published += f". Updated {date_text(dates.modified, article.language)}"
    lines = (
        f"Written by {'; '.join(map(person_text, article.authors))}" if article.authors else "",
        f"Medically reviewed by {'; '.join(map(person_text, article.reviewers))}" if article.reviewers else "",
        published,
        f"Last reviewed {date_text(dates.reviewed, article.language)}" if dates.reviewed else "",
        next_review_text(revision),
    )
    return tuple(line for line in lines if line)


def standing_text(cited: CitedReference) -> str:
    """Return `Retracted. Expression of concern. `, or "" for a paper in good standing."""
    return "".join(f"{label}. " for label in editorial_labels(cited.marks)) if cited.marks else ""


def reference_text(cited: CitedReference) -> str:
    """Return `3. Retracted. Wakefield AJ, …`."""
    return f"{cited.number}. {standing_text(cited)}{citation_text(cited)}"


def _call_text(call: CallToAction) -> str:
    return "\n".join(part for part in (call.label, call.text, call.url) if part)


def _image_text(image: Image | None) -> str:
    return blocks_text([image]) if image else ""


def _headed(heading: str, lines: list[str]) -> str:
    return "\n".join([heading, *lines]) if lines else ""
