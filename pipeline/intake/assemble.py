"""Fields and a body, whatever file they came in, → the article. The one way that every source format ends in."""

from __future__ import annotations

import re

from pipeline.intake.body import Body, listed_references, read_body
from pipeline.intake.body.inlines import plain
from pipeline.intake.body.sanitise import sanitised
from pipeline.intake.fields import Fields, dates, values
from pipeline.intake.fields.addresses import web_address
from pipeline.intake.fields.identifiers import MAX_REFERENCES, cited_work, joined
from pipeline.intake.fields.invalid_value import InvalidValue, quoted
from pipeline.intake.fields.slugs import article_id, slug
from pipeline.intake.fields.text import line, paragraphs
from pipeline.model.article import (
    Article,
    Block,
    BulletList,
    Note,
    NumberedList,
    Paragraph,
    Quotation,
    Section,
    Text,
)
from pipeline.model.reading import Read

MAX_PROSE = 50_000  # characters of a summary or a disclaimer

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8}){0,8}")


def assemble(fields: Fields, html: str, *, base: str | None = None) -> Read:
    """`html`: the body, not yet sanitised. `base`: what its relative addresses are resolved against.

    Raises InvalidArticle for a field that cannot stand, a missing title, an empty article, or a body over the limits.
    """
    title = fields.one("title", values.text_line)
    cited = fields.many("references", cited_work, most=MAX_REFERENCES)
    try:
        tree = sanitised(html)
        cited = cited or listed_references(tree)
        _check_count(len(cited))
        references, numbering = joined(cited)
        body = read_body(tree, title=title, numbering=numbering, base=base)
    except InvalidValue as invalid:
        raise fields.error("body", invalid) from invalid
    title = title or body.heading
    if title is None:
        raise fields.error("title", InvalidValue("the title is missing", hint="give it a title", code="missing-field"))
    answer, lead = _answer(fields, body)
    article = Article(
        id=fields.one("id", article_id) or slug(title, otherwise="article"),
        title=title,
        question=fields.one("question", values.text_line),
        answer=answer,
        lead=lead,
        sections=body.sections,
        references=references,
        authors=fields.many("authors", values.person),
        reviewers=fields.many("reviewers", values.person),
        topics=fields.many("topics", values.topic),
        calls_to_action=fields.many("calls_to_action", values.call_to_action),
        related=fields.many("related", values.related_link),
        image=fields.one("image", values.image),
        published=fields.one("published", dates.moment),
        modified=fields.one("modified", dates.moment),
        reviewed=fields.one("reviewed", dates.day),
        embargo=fields.one("embargo", dates.moment),
        language=fields.one("language", _language) or "en",
        canonical=fields.one("canonical", web_address),
        disclaimer=fields.one("disclaimer", _prose),
        licence=fields.one("licence", values.text_line),
    )
    return Read(article, tuple(fields.warnings))


def _check_count(count: int) -> None:
    if count > MAX_REFERENCES:
        raise InvalidValue(
            f"{count:,} references, and {MAX_REFERENCES:,} are the most",
            code="too-many-references",
            hint="keep fewer",
        )


def _answer(fields: Fields, body: Body) -> tuple[str, tuple[Block, ...]]:
    """The summary or else the first paragraph, and the lead without a paragraph that only says it again."""
    answer = fields.one("summary", _prose) or _first_paragraph(body)
    if not answer:
        invalid = InvalidValue("the article says nothing", code="article-empty", hint="write a summary or a body")
        raise fields.error("body", invalid)
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


def _language(value: object) -> str:
    text = values.text_line(value)
    if not _LANGUAGE.fullmatch(text):
        raise InvalidValue(f"{quoted(text)} is not a language tag", hint='write one such as "en" or "pt-BR" (BCP 47)')
    first, *rest = text.replace("_", "-").split("-")
    return "-".join([first.lower(), *rest])
