"""Builds the article from its fields and its body. Every source format ends here."""

from __future__ import annotations

from functools import partial
from typing import Any

from pipeline.intake.body import Body, listed_references, read_body
from pipeline.intake.body.inlines import plain
from pipeline.intake.body.sanitise import sanitised
from pipeline.intake.fields import Fields, dates, values
from pipeline.intake.fields.addresses import web_address
from pipeline.intake.fields.identifiers import MAX_REFERENCES, article_or_address, cited_work, joined, pmid
from pipeline.intake.fields.invalid_value import InvalidValue, quoted
from pipeline.intake.fields.languages import language
from pipeline.intake.fields.slugs import article_id, slug
from pipeline.intake.fields.text import line, paragraphs
from pipeline.intake.remarks import remarks
from pipeline.model.article import (
    Article,
    Block,
    BulletList,
    CitedWork,
    Note,
    NumberedList,
    Paragraph,
    Quotation,
    Section,
    Text,
)
from pipeline.model.reading import Read

MAX_PROSE = 50_000  # characters of a summary or a disclaimer


def assemble(fields: Fields, html: str, *, base: str | None = None) -> Read:
    """Build the article from its fields and its body, which is not yet sanitised.

    `base` is what the body's relative addresses are resolved against. Raises InvalidArticle with every mistake that
    was found in the fields and the body, among them a missing title and an empty article.
    """
    title = fields.one("title", values.text_line)
    references, body = _body(fields, html, title, base)
    title = title or (body.heading if body else None)
    if title is None and body is not None and not fields.is_wrong("title"):
        fields.refuse_whole("title", InvalidValue("the title is missing", hint="give it a title", code="missing-field"))
    answer, lead = _answer(fields, body)
    article = Article(
        id=fields.one("id", article_id) or slug(title or "", otherwise="article"),
        title=title or "",
        answer=answer,
        lead=lead,
        sections=body.sections if body else (),
        references=references,
        **_people_and_topics(fields),
        **_dates(fields),
        **_lines(fields),
    )
    fields.check()
    return Read(article, (*fields.warnings, *remarks(article, fields.file)))


def _people_and_topics(fields: Fields) -> dict[str, Any]:
    return {
        "authors": fields.many("authors", values.person),
        "reviewers": fields.many("reviewers", values.person),
        "topics": fields.many("topics", values.topic),
        "calls_to_action": fields.many("calls_to_action", values.call_to_action),
        "related": fields.many("related", values.related_link),
        "image": fields.one("image", values.image),
        "cites_retracted": fields.many("cites_retracted", pmid),
    }


def _dates(fields: Fields) -> dict[str, Any]:
    moment = partial(dates.moment, day_first=fields.day_first)
    day = partial(dates.day, day_first=fields.day_first)
    return {
        "published": fields.one("published", moment),
        "modified": fields.one("modified", moment),
        "reviewed": fields.one("reviewed", day),
        "next_review": fields.one("next_review", day),
        "embargo": fields.one("embargo", moment),
    }


def _lines(fields: Fields) -> dict[str, Any]:
    return {
        "question": fields.one("question", values.text_line),
        "short_title": fields.one("short_title", values.text_line),
        "audience": fields.one("audience", values.text_line),
        "language": fields.one("language", language) or "en",
        "translation_of": fields.one("translation_of", article_or_address),
        "canonical": fields.one("canonical", web_address),
        "disclaimer": fields.one("disclaimer", _prose),
        "licence": fields.one("licence", values.text_line),
    }


def _body(fields: Fields, html: str, title: str | None, base: str | None) -> tuple[tuple[CitedWork, ...], Body | None]:
    """The references and the body; no body where it cannot be used, which is noted in `fields`."""
    cited = fields.many("references", cited_work, most=MAX_REFERENCES)
    try:
        tree = sanitised(html)
        cited = cited or listed_references(tree)
        _check_count(len(cited))
        references, numbering = joined(cited)
        return references, read_body(tree, title=title, numbering=numbering, base=base)
    except InvalidValue as invalid:
        fields.refuse_whole("body", invalid)
        return (), None


def _check_count(count: int) -> None:
    if count > MAX_REFERENCES:
        raise InvalidValue(
            f"{count:,} references, and {MAX_REFERENCES:,} are the most",
            code="too-many-references",
            hint="keep fewer",
        )


def _answer(fields: Fields, body: Body | None) -> tuple[str, tuple[Block, ...]]:
    """The summary or else the first paragraph, and the lead without a paragraph that only says it again."""
    summary = fields.one("summary", _prose)
    if body is None:
        return "", ()
    answer = summary or _first_paragraph(body)
    if not answer and not (fields.is_wrong("summary") or fields.is_wrong("body")):
        invalid = InvalidValue("the article says nothing", code="article-empty", hint="write a summary or a body")
        fields.refuse_whole("body", invalid)
    if not answer:
        return "", ()
    first = body.lead[0] if body.lead else None
    match first:
        case Paragraph((Text(value),)) if line(value) == answer:
            return answer, body.lead[1:]
    return answer, body.lead


def _first_paragraph(body: Body) -> str | None:
    return _text_in(body.lead) or _text_in_sections(body.sections)


def _text_in_sections(sections: tuple[Section, ...]) -> str | None:
    for section in sections:
        if text := _text_in(section.blocks) or _text_in_sections(section.sections):
            return text
    return None


def _text_in(blocks: tuple[Block, ...]) -> str | None:
    for block in blocks:
        match block:
            case Paragraph(children):
                text = plain(children) or None
            case BulletList(items) | NumberedList(items):
                text = next(filter(None, (_text_in(item.blocks) for item in items)), None)
            case Quotation(inside) | Note(_, inside):
                text = _text_in(inside)
            case _:
                text = None
        if text:
            return text
    return None


def _prose(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidValue(f"{quoted(value)} is not a text", hint="write a text")
    text = paragraphs(value)
    if not text:
        raise InvalidValue("the text is empty", hint="write a text, or leave the field out")
    if len(text) > MAX_PROSE:
        raise InvalidValue(f"the text has {len(text):,} characters, and {MAX_PROSE:,} are the most", hint="shorten it")
    return text
