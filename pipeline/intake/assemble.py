"""Build the article from its fields and its body: the last step of every source format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from pipeline.intake.body import Body, read_body
from pipeline.intake.body.answer import Answer, answer_of
from pipeline.intake.body.markup_in_text import flat, flat_line, marked_line
from pipeline.intake.body.reference_lists import listed_references, mentioned_references
from pipeline.intake.body.sanitise import sanitised
from pipeline.intake.fields import Fields, dates, values
from pipeline.intake.fields.addresses import web_address
from pipeline.intake.fields.entries import Entry, cited_entries, joined
from pipeline.intake.fields.identifiers import MAX_REFERENCES, article_or_address, pmid
from pipeline.intake.fields.invalid_value import InvalidValue, quoted
from pipeline.intake.fields.languages import language
from pipeline.intake.fields.slugs import address_slug, article_id, slug
from pipeline.intake.fields.text import paragraphs, same
from pipeline.intake.remarks import remarks
from pipeline.model.article import Article, CitedAs
from pipeline.model.reading import Read

MAX_PROSE = 50_000  # characters of a summary or a disclaimer


def assemble(fields: Fields, html: str, *, base: str | None = None) -> Read:
    """Build the article from its fields and its body, which is not yet sanitised.

    `base` is what the body's relative URLs are resolved against. Raises InvalidArticle with every mistake found in the
    fields and the body, including a missing title and an empty article.
    """
    title, marked_title = fields.one("title", marked_line) or (None, ())
    entries, body = _body(fields, html, title, base)
    if body and body.heading and not marked_title and (title is None or same(title, body.heading)):
        title, marked_title = title or body.heading, body.marked_heading
    if title is None and body is not None and not fields.is_wrong("title"):
        fields.refuse_whole("title", InvalidValue("the title is missing", hint="give it a title", code="missing-field"))
    answer = _answer(fields, body)
    given, title_id = fields.one("id", article_id), slug(title or "", otherwise="article")
    found = _lines(fields)
    by_address = address_slug(found["canonical"])
    article = Article(
        id=given or by_address or title_id,
        title=title or "",
        answer=answer.text,
        lead=answer.lead,
        sections=body.sections if body else (),
        references=tuple(entry.work for entry in entries),
        cited_as=_cited_as(entries),
        marked_title=marked_title,
        marked_answer=answer.marked,
        **_people_and_topics(fields),
        **_dates(fields),
        **found,
    )
    fields.check()
    warnings = (*fields.warnings, *remarks(article, fields.file))
    return Read(article, warnings, "id" if given else "canonical" if by_address else "title", title_id)


def _cited_as(entries: Sequence[Entry]) -> tuple[CitedAs, ...]:
    """Return how each work is cited, or nothing if all are cited by one identifier."""
    found = tuple(entry.cited_as for entry in entries)
    return found if any(one != CitedAs() for one in found) else ()


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
        "question": fields.one("question", flat_line),
        "short_title": fields.one("short_title", flat_line),
        "audience": fields.one("audience", values.text_line),
        "language": fields.one("language", language) or "en",
        "translation_of": fields.one("translation_of", article_or_address),
        "canonical": fields.one("canonical", web_address),
        "disclaimer": fields.one("disclaimer", _prose),
        "licence": fields.one("licence", values.text_line),
    }


def _body(fields: Fields, html: str, title: str | None, base: str | None) -> tuple[tuple[Entry, ...], Body | None]:
    """Return the references and the body. The body is None if it cannot be used, which is noted in `fields`."""
    given = [entry for some in fields.many("references", cited_entries, most=MAX_REFERENCES) for entry in some]
    try:
        tree = sanitised(html)
        listed = [] if given and not fields.lenient else [one for some in listed_references(tree) for one in some]
        numbered = listed if len(listed) >= len(given) else given
        _check_count(len(numbered))
        _, numbering = joined(numbered)
        entries = _without_repetitions(numbered, [*given, *listed, *mentioned_references(tree)])
        return entries, read_body(tree, title=title, numbering=numbering, base=base)
    except InvalidValue as invalid:
        fields.refuse_whole("body", invalid)
        return (), None


def _without_repetitions(numbered: Sequence[Entry], others: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the numbered references, then those of the others that cite anything else, as many as an article has."""
    cited = {work for entry in numbered for work in (entry.work, *entry.cited_as.also)}
    new = [entry for entry in others if entry.work not in cited]
    return joined([*numbered, *new])[0][:MAX_REFERENCES]


def _check_count(count: int) -> None:
    if count > MAX_REFERENCES:
        raise InvalidValue(
            f"{count:,} references, and {MAX_REFERENCES:,} are the most",
            code="too-many-references",
            hint="keep fewer",
        )


def _answer(fields: Fields, body: Body | None) -> Answer:
    """Return the answer, or an empty one if there is none, which is noted in `fields`."""
    summary = fields.one("summary", _prose)
    if body is None:
        return Answer("", (), ())
    answer = answer_of(summary, body)
    if not answer.text and not (fields.is_wrong("summary") or fields.is_wrong("body")):
        invalid = InvalidValue("the article says nothing", code="article-empty", hint="write a summary or a body")
        fields.refuse_whole("body", invalid)
    return answer


def _prose(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidValue(f"{quoted(value)} is not a text", hint="write a text")
    text = "\n\n".join(part for part in map(flat, paragraphs(value).split("\n\n")) if part)
    if not text:
        raise InvalidValue("the text is empty", hint="write a text, or leave the field out")
    if len(text) > MAX_PROSE:
        raise InvalidValue(f"the text has {len(text):,} characters, and {MAX_PROSE:,} are the most", hint="shorten it")
    return text
