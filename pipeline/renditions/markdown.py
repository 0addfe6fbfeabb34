"""Markdown (CommonMark with tables), for programs and language models that read the article and for people who edit it.

What Markdown has no syntax for (raised and struck-out text, lists with other numbers, definitions) is written as HTML,
which Markdown allows. Every character of the article that could be taken for markup is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pipeline.flattening import note_label
from pipeline.model.article import (
    Article,
    Block,
    BulletList,
    Image,
    Inline,
    LineBreak,
    Link,
    ListItem,
    Marker,
    Note,
    NumberedList,
    Paragraph,
    Preformatted,
    Quotation,
    Section,
    Table,
    Text,
)
from pipeline.model.own_marks import MARKDOWN_MARK
from pipeline.model.rendition import Format
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Site
from pipeline.renditions.parts.content import page_url
from pipeline.renditions.parts.content_text import byline_texts, reference_text
from pipeline.renditions.parts.evidence import attribution
from pipeline.renditions.parts.fragments import disclaimers
from pipeline.renditions.parts.head import withdrawn_title
from pipeline.renditions.parts.markup import blocks_html, inlines_html
from pipeline.renditions.parts.text import clean, paragraphs
from pipeline.renditions.parts.uri import address, uri
from pipeline.renditions.parts.withdrawn_entry import withdrawn_text
from pipeline.wording import Words, words_of

_LINE_ENDS = re.compile(r"(?<!\s)\s*\n\s*")  # each run of spaces is read once
_SIGNS = re.compile(r"([\\`*_{}\[\]#|<>~^&$])")
_AT_START = re.compile(r"([+\-=:]|[0-9]{1,9}(?=[.)]))")  # what is markup at the start of a block only
_DEEPEST = 6


def render(revision: Revision, site: Site) -> bytes:
    article, words = revision.article, words_of(revision.article.language)
    return _document(
        f"# {_inlines(article.marked_title) if article.marked_title else _line(article.title)}",
        f"*{_line(article.question)}*" if article.question else "",
        _inlines(article.marked_answer) or _plain(article.answer),
        _block(article.image, words) if article.image else "",
        _blocks(article.lead, words),
        *_sections(article.sections, 2, words),
        *_around(article, words),
        _headed(
            words.translated("References"), [_plain(reference_text(cited, words)) for cited in revision.references]
        ),
        _plain(attribution(revision.references, words) or ""),
        "\\\n".join(map(_line, byline_texts(revision, words))),
        *map(_plain, disclaimers(article, site)),
        words.say("Licence: {licence}", licence=_link(article.licence, article.licence)) if article.licence else "",
        _link(page_url(article, site), page_url(article, site)),
    )


def tombstone(withdrawal: Withdrawal, site: Site) -> bytes:
    """Say that the article was withdrawn, when and why, and nothing of what it said."""
    to = withdrawal.canonical or site.article_url(withdrawal.name)
    return _document(
        f"# {_line(withdrawn_title(withdrawal))}",
        _line(withdrawn_text(withdrawal)),
        _plain(withdrawal.reason),
        _link(to, to),
    )


def _document(*parts: str) -> bytes:
    return clean("\n\n".join(part for part in (*parts, MARKDOWN_MARK) if part) + "\n").encode()


def _around(article: Article, words: Words) -> Iterable[str]:
    for call in article.calls_to_action:
        label = f"**{_link(call.url, call.label)}**"
        yield f"{label}\\\n{_line(call.text)}" if call.text else label
    yield _headed(words.translated("Related"), [f"- {_link(link.url, link.title)}" for link in article.related])


def _headed(heading: str, lines: Sequence[str]) -> str:
    return "\n\n".join([f"## {heading}", *lines]) if lines else ""


def _sections(sections: Iterable[Section], level: int, words: Words) -> Iterable[str]:
    for section in sections:
        heading = _inlines(section.marked_heading) if section.marked_heading else _line(section.heading)
        yield f"{'#' * min(level, _DEEPEST)} {heading}"
        yield _blocks(section.blocks, words)
        yield from _sections(section.sections, level + 1, words)


# --- text ---------------------------------------------------------------------------------------------------------


def _escaped(text: str) -> str:
    return _SIGNS.sub(r"\\\1", clean(text))


def _line(text: str) -> str:
    return _begun(" ".join(_escaped(text).split()))


def _begun(text: str) -> str:
    """Escape the beginning of a block that would start a list, definition or heading."""
    found = _AT_START.match(text)
    if found is None:
        return text
    sign = found[0]
    return f"{sign}\\{text[found.end() :]}" if sign.isdigit() else f"\\{text}"


def _plain(text: str) -> str:
    """Return the paragraphs of a plain text."""
    return "\n\n".join(map(_line, paragraphs(text)))


def _link(href: str | None, words: str) -> str:
    to = address(href)
    return f"[{_line(words)}](<{to}>)" if to else _line(words)


def _inlines(inlines: Iterable[Inline]) -> str:
    """Return inlines as Markdown if they are only text, links and markers, and everything else as HTML in it."""
    return _begun("".join(map(_inline, inlines)).strip())


def _inline(inline: Inline) -> str:
    match inline:
        case Text(value):
            return _LINE_ENDS.sub(" ", _escaped(value))
        case Marker(numbers):
            return rf"\[{','.join(map(str, numbers))}\]"
        case LineBreak():
            return "<br>"
        case Link(href, children) if _is_simple(children):
            to = address(href)
            inner = "".join(map(_inline, children))
            return f"[{inner}](<{to}>)" if to else inner
        case _:
            return _html([inline])


def _is_simple(inlines: Iterable[Inline]) -> bool:
    return all(isinstance(inline, Text) for inline in inlines)


def _html(inlines: Iterable[Inline]) -> str:
    """Return inlines as HTML on one line, with Markdown's special characters as character references."""
    return _LINE_ENDS.sub(" ", _inert(inlines_html(inlines, linked=False)))


def _inert(html: str) -> str:
    """Replace Markdown's special characters between tags by character references."""
    parts = re.split(r"(<[^<>]*>)", html)
    return "".join(part if part.startswith("<") else _REFERRED.sub(_reference, part) for part in parts)


_REFERRED = re.compile(r"[\\`*_\[\]~^=|$@:]")


def _reference(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"


# --- blocks -------------------------------------------------------------------------------------------------------


def _blocks(blocks: Iterable[Block], words: Words) -> str:
    return "\n\n".join(text for block in blocks if (text := _block(block, words)))


def _block(block: Block, words: Words) -> str:
    match block:
        case Paragraph(children):
            return _inlines(children)
        case BulletList(items):
            return "\n".join(_item("-", item, words) for item in items if item.blocks)
        case NumberedList(items, start) if _counts_plainly(block):
            return "\n".join(_item(f"{number}.", item, words) for number, item in enumerate(items, start))
        case Quotation():
            return _quotation(block, words)
        case Note():
            return _note(block, words)
        case Image():
            return _image(block)
        case Preformatted(value):
            return _fenced(clean(value))
        case Table(rows, _) if not any(row for row in rows):
            return _line(block.caption or "")
        case _:
            return _html_block(block, words)


def _html_block(block: Block, words: Words) -> str:
    """Return a table or list that Markdown has no syntax for, on one line, because an empty line would end it."""
    return re.sub(r"\n+", "&#10;", _inert(blocks_html([block], words=words)))


def _counts_plainly(numbered: NumberedList) -> bool:
    plain = all(item.number is None and item.blocks for item in numbered.items)
    return plain and numbered.style == "1" and not numbered.reversed and 0 <= numbered.start < 999_999_999


def _item(mark: str, item: ListItem, words: Words) -> str:
    """Return the item. A task's box begins a paragraph, in which only another paragraph can go on."""
    parts = [(block, text) for block in item.blocks if (text := _block(block, words))]
    inner = "\n\n".join(text for _, text in parts)
    if item.checked is not None:
        box = "[x]" if item.checked else "[ ]"
        inner = f"{box} {inner}" if parts and isinstance(parts[0][0], Paragraph) else f"{box}\n\n{inner}"
    indent = " " * (len(mark) + 1)
    return f"{mark} {_prefixed(indent, inner)[len(indent) :]}".rstrip()


def _quotation(quotation: Quotation, words: Words) -> str:
    parts = (_blocks(quotation.blocks, words), f"— {_line(quotation.source)}" if quotation.source else "")
    return _prefixed("> ", "\n\n".join(part for part in parts if part)) if any(parts) else ""


def _image(image: Image) -> str:
    """Return the picture, with its caption and credit on a line of their own."""
    below = " ".join(part for part in (image.caption, image.credit) if part)
    picture = f"![{_line(image.alt)}](<{uri(image.src)}>)"
    return f"{picture}\\\n{_line(below)}" if below else picture


def _note(note: Note, words: Words) -> str:
    label = note_label(note, words)
    inner = _blocks(note.blocks, words)
    if not inner:
        return ""
    return _prefixed("> ", f"**{_escaped(label)}**\n\n{inner}" if label else inner)


def _fenced(text: str) -> str:
    """Return a block of code (CommonMark, section 4.5) within a fence longer than any that it contains.

    It must not be one by its indentation: after a list that would be a paragraph of the list, and its text markup.
    """
    if not text.strip():
        return ""
    lines = re.sub(r"\r\n?", "\n", text)  # both end a line
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", lines)), default=0))
    return f"{fence}\n{lines}\n{fence}"


def _prefixed(prefix: str, text: str) -> str:
    return "\n".join(f"{prefix}{line}".rstrip() for line in text.split("\n"))


FORMAT = Format(
    name="markdown",
    media_type="text/markdown",
    extension="md",
    render=render,
    tombstone=tombstone,
)
