"""The article's tree as Apple News components.

Consecutive paragraphs and lists are one `body`. What Apple's HTML cannot contain becomes a component of its own:
tables, pictures, and at the top level quotations and notes. A table or picture inside a list item or a quotation
follows the list or quotation.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from pipeline.flattening import labels
from pipeline.flattening.inlines import image_label, image_text
from pipeline.model.article import (
    Block,
    BulletList,
    DefinitionList,
    Image,
    Note,
    NumberedList,
    Quotation,
    Section,
    Table,
)
from pipeline.renditions.apple_news.subset import table_html, text_html
from pipeline.renditions.parts.markup import blocks_html, link_html, note_label_html, section_id
from pipeline.renditions.parts.simpler_lists import definitions_as_bullets, with_label
from pipeline.renditions.parts.text import clean, escape
from pipeline.renditions.parts.uri import uri
from pipeline.wording import Words

Component = dict[str, Any]

_PICTURE_FILES = frozenset({"", ".jpg", ".jpeg", ".png", ".gif", ".webp"})  # "": a server that names no type


def text_component(role: str, text: str, text_style: str, *, layout: str = "text", **more: Any) -> list[Component]:
    """Return a component of plain text, or none for an empty text, which Apple refuses."""
    if not clean(text).strip():
        return []
    return [{"role": role, **more, "text": text, "format": "none", "textStyle": text_style, "layout": layout}]


def html_component(role: str, html: str, text_style: str, *, layout: str = "text", **more: Any) -> list[Component]:
    """Return a component of our HTML, reduced to Apple's subset, or none if it is empty."""
    text = text_html(html)
    if not text.strip():
        return []
    return [{"role": role, **more, "text": text, "format": "html", "textStyle": text_style, "layout": layout}]


def section_components(sections: Iterable[Section], words: Words, depth: int = 1) -> list[Component]:
    """Return the components of sections. Apple has six levels of headings, we have three styles."""
    out: list[Component] = []
    for section in sections:
        role, style = f"heading{min(depth, 6)}", f"heading{min(depth, 3)}"
        anchor = section_id(section.anchor)
        out += text_component(role, section.heading, style, layout="heading", identifier=anchor)
        out += block_components(section.blocks, words)
        out += section_components(section.sections, words, depth + 1)
    return out


def block_components(blocks: Iterable[Block], words: Words) -> list[Component]:
    out: list[Component] = []
    run: list[Block] = []  # what goes into one `body`
    for block in blocks:
        inline, lifted = _parted(block)
        if inline is not None and not isinstance(inline, Quotation | Note):
            run.append(inline)
        if lifted or isinstance(inline, Quotation | Note):
            out += _body(run, words)
            run = []
        if isinstance(inline, Quotation):
            out += _quotation(inline, words)
        elif isinstance(inline, Note):
            out += _note(inline, words)
        for block_ in lifted:
            out += _table(block_, words) if isinstance(block_, Table) else picture(block_)
    return out + _body(run, words)


def picture(image: Image) -> list[Component]:
    """Return a photo with its caption, or a link to a picture that Apple does not show (SVG)."""
    caption = " ".join(part for part in (image.caption, image.credit) if part)
    if not shows(image):
        words = caption or image.alt or image.src
        return html_component("body", f'<p><a href="{escape(image.src)}">{escape(words)}</a></p>', "caption")
    photo = {
        "role": "photo",
        "URL": uri(image.src),
        "accessibilityCaption": image.alt,
        "layout": "picture",
    }
    return [photo, *text_component("caption", caption, "caption", layout="close")]


def shows(image: Image) -> bool:
    """Return whether Apple News shows it: JPEG, PNG, GIF, WebP, or a type that the address does not show."""
    return PurePosixPath(urlsplit(uri(image.src)).path).suffix.lower() in _PICTURE_FILES


def _body(run: Sequence[Block], words: Words) -> list[Component]:
    return html_component("body", blocks_html(run, words=words), "body")


def _quotation(quotation: Quotation, words: Words) -> list[Component]:
    """Return a quotation, marked by a bar beside it and therefore without a `blockquote`."""
    source = f"<p>— {escape(quotation.source)}</p>" if quotation.source else ""
    html = blocks_html(quotation.blocks, words=words) + source
    return html_component("quote", html, "quote", layout="panel", style="quote")


def _note(note: Note, words: Words) -> list[Component]:
    inner = [
        *html_component("body", note_label_html(note, words), "label", layout="close"),
        *block_components(note.blocks, words),
    ]
    if not inner:
        return []
    return [{"role": "container", "style": f"note-{note.kind}", "layout": "panel", "components": inner}]


def _linked(image: Image, words: Words) -> str:
    """Return a link in place of a picture in a table, where Apple allows none: its description, or else its address."""
    said = image_text(replace(image, caption=None, credit=None), words) or image_label(image.src, words)
    return link_html(image.src, escape(said))


def _table(table: Table, words: Words) -> list[Component]:
    html = table_html(blocks_html([replace(table, caption=None)], image=functools.partial(_linked, words=words)))
    caption = text_component("caption", table.caption or "", "caption", layout="close")
    return [*caption, *([{"role": "htmltable", "html": html, "style": "table", "layout": "text"}] if html else ())]


# --- splitting: what HTML can hold, and what follows it -------------------------------------------------------------


def _parted(block: Block) -> tuple[Block | None, list[Table | Image]]:
    match block:
        case Table() | Image():
            return None, [block]
        case BulletList() | NumberedList():
            return _parted_list(block)
        case DefinitionList():
            return _parted_list(definitions_as_bullets(block))
        case Quotation(inner):
            blocks, lifted = _parted_all(inner)
            return replace(block, blocks=blocks), lifted
        case _:
            return block, []  # a note becomes a container, which takes every component


def _parted_all(blocks: Iterable[Block]) -> tuple[tuple[Block, ...], list[Table | Image]]:
    kept: list[Block] = []
    lifted: list[Table | Image] = []
    for block in blocks:
        if isinstance(block, Note):  # inside other blocks it stays HTML
            inner, more = _parted_all(block.blocks)
            kept.append(replace(block, blocks=inner))
        else:
            part, more = _parted(block)
            kept += [part] if part is not None else []
        lifted += more
    return tuple(kept), lifted


def _parted_list(block: BulletList | NumberedList) -> tuple[Block, list[Table | Image]]:
    """Return a list whose items have their numbers as text, because Apple's `ol` only counts from 1."""
    parted = [_parted_all(item.blocks) for item in block.items]
    lifted = [one for _, more in parted for one in more]
    items = [replace(item, blocks=blocks) for item, (blocks, _) in zip(block.items, parted, strict=True)]
    if isinstance(block, NumberedList) and (marks := labels(block)) != [f"{n}." for n in range(1, len(items) + 1)]:
        named = zip(marks, items, strict=True)
        return BulletList(tuple(replace(item, blocks=with_label(mark, item.blocks)) for mark, item in named)), lifted
    return replace(block, items=tuple(items)), lifted
