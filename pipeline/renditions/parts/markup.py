"""The article's tree as HTML: every string is escaped, every address checked, no style and no script.

The HTML is flat (a section is its heading and what follows), so that deep articles stay shallow documents.
Classes that a style sheet may rely on: `marker`, `note`, `note-label`, `note-{kind}`, `credit`.
Ids: a section's heading has `section_id(anchor)`, in others' pages `foreign_id(anchor)`; the n-th reference has
`ref-{n}`. The page's own elements have ids that start with `cw-`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pipeline.flattening import note_label
from pipeline.flattening.grid import divided
from pipeline.model.article import (
    Abbreviation,
    Block,
    BulletList,
    Cell,
    Code,
    Definition,
    DefinitionList,
    Deleted,
    Emphasis,
    Image,
    Inline,
    Inserted,
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
    Strong,
    Subscript,
    Superscript,
    Table,
    Text,
)
from pipeline.renditions.parts.labels import foreign_attributes
from pipeline.renditions.parts.text import escape
from pipeline.renditions.parts.uri import address
from pipeline.wording import ENGLISH, Words

ImageWriter = Callable[[Image], str]

_BOXES = {True: "☑ ", False: "☐ ", None: ""}  # no `input`: AMP and Apple News know none


def attributes(**values: str | int | None) -> str:
    """Return ` name="value"`, escaped, for each value that is not None. A name's trailing underscore is dropped."""
    return "".join(f' {name.rstrip("_")}="{escape(str(v))}"' for name, v in values.items() if v is not None)


def link_html(href: str | None, inner: str, **values: str | int | None) -> str:
    """Return `inner` (HTML) as a link, or alone if the address is not safe to follow."""
    to = address(href)
    return inner if to is None else f"<a{attributes(href=to, **values)}>{inner}</a>"


def section_id(anchor: str) -> str:
    """Return the `id` of a heading in a page of ours: its anchor, unless that is an id of ours or of AMP's runtime."""
    taken = anchor == "amp" or anchor.startswith(("ref-", "section-", "cw-", "amp-", "i-amphtml-"))
    return foreign_id(anchor) if taken else anchor


def foreign_id(anchor: str) -> str:
    """Return the `id` of a heading in others' pages, whose scripts would take `location` or `amp` for their own."""
    return f"section-{anchor}"


def image_html(image: Image) -> str:
    """Return an `img` element, or "" if its address is not usable."""
    src = address(image.src)
    if src is None:
        return ""
    return f"<img{attributes(src=src, alt=image.alt, width=image.width, height=image.height)}>"


# --- inlines ------------------------------------------------------------------------------------------------------


def inlines_html(
    inlines: Iterable[Inline], *, page: str = "", linked: bool = False, image: ImageWriter = image_html
) -> str:
    """Return inlines as HTML. `page`: the address that markers link to; empty for the same document.

    `linked`: whether this is inside a link, where HTML allows no other.
    """
    out: list[str] = []
    for inline in inlines:
        match inline:
            case Text(value):
                out.append(escape(value))
            case Code(value):
                out.append(f"<code>{escape(value)}</code>")
            case LineBreak():
                out.append("<br>")
            case Marker(numbers):
                if out and out[-1].endswith(" "):
                    out[-1] = f"{out[-1][:-1]}\u00a0"  # or the marker might wrap to the next line
                out.append(marker_html(numbers, page=page, linked=linked))
            case Link(href, children):
                inner = inlines_html(children, page=page, linked=True, image=image)
                out.append(inner if linked else link_html(href, inner))
            case Image():
                out.append(image(inline))
            case Abbreviation(children, expansion):
                inner = inlines_html(children, page=page, linked=linked, image=image)
                out.append(f"<abbr{attributes(title=expansion)}>{inner}</abbr>")
            case _:
                tag = _INLINE_TAGS[type(inline)]
                out.append(f"<{tag}>{inlines_html(inline.children, page=page, linked=linked, image=image)}</{tag}>")
    return "".join(out)


_INLINE_TAGS: dict[type, str] = {
    Emphasis: "em", Strong: "strong", Superscript: "sup", Subscript: "sub", Deleted: "del", Inserted: "ins",
}  # fmt: skip


def marker_html(numbers: Sequence[int], *, page: str = "", linked: bool = False) -> str:
    """Return `[2,5]` in superscript, each number a link to its reference."""
    links = (str(n) if linked else f'<a href="{escape(page)}#ref-{n}">{n}</a>' for n in numbers)
    return f'<sup class="marker">[{",".join(links)}]</sup>'


# --- blocks -------------------------------------------------------------------------------------------------------


def blocks_html(
    blocks: Iterable[Block], *, image: ImageWriter = image_html, page: str = "", words: Words = ENGLISH
) -> str:
    """Return blocks as HTML. `image` writes an `img` element, or AMP's; the figure around it is written here.

    `words`: for the labels of notes.
    """
    out: list[str] = []
    for block in blocks:
        match block:
            case Paragraph(children):
                out.append(f"<p>{inlines_html(children, page=page)}</p>" if children else "")
            case BulletList(items):
                out.append(_list_html("ul", items, image, page, words))
            case NumberedList():
                out.append(_numbered_html(block, image, page, words))
            case DefinitionList(items):
                inner_html = "".join(_definition_html(one, image, page, words) for one in items)
                out.append(f"<dl>{inner_html}</dl>" if inner_html else "")
            case Table():
                out.append(_table_html(block, image, page))
            case Quotation(inner, source):
                cite = f"<footer><cite>{escape(source)}</cite></footer>" if source else ""
                out.append(f"<blockquote>{blocks_html(inner, image=image, page=page, words=words)}{cite}</blockquote>")
            case Note():
                label = note_label_html(block, words)
                inner_html = blocks_html(block.blocks, image=image, page=page, words=words)
                out.append(f'<aside class="note note-{block.kind}">{label}{inner_html}</aside>')
            case Image():
                out.append(figure_html(block, image=image))
            case Preformatted(value):
                out.append(f"<pre>\n{escape(value)}</pre>")  # a parser drops the first newline of a `pre`
    return "".join(out)


def note_label_html(note: Note, words: Words = ENGLISH) -> str:
    """Return a note's kind in a word, or "" if its text begins with that word."""
    label = note_label(note, words)
    return f'<p class="note-label"{foreign_attributes(words)}><strong>{escape(label)}</strong></p>' if label else ""


def figure_html(picture: Image, *, image: ImageWriter = image_html) -> str:
    """Return an image with its caption and credit."""
    credit = f'<small class="credit">{escape(picture.credit)}</small>' if picture.credit else ""
    caption = " ".join(part for part in (escape(picture.caption or ""), credit) if part)
    return f"<figure>{image(picture)}{f'<figcaption>{caption}</figcaption>' if caption else ''}</figure>"


def _numbered_html(numbered: NumberedList, image: ImageWriter, page: str, words: Words) -> str:
    first = len(numbered.items) if numbered.reversed else 1
    values = attributes(
        start=None if numbered.start == first else numbered.start,
        type_=None if numbered.style == "1" else numbered.style,
        reversed_="" if numbered.reversed else None,
    )
    return _list_html("ol", numbered.items, image, page, words, values)


def _list_html(
    tag: str, items: tuple[ListItem, ...], image: ImageWriter, page: str, words: Words, values: str = ""
) -> str:
    if not items:
        return ""
    out = [
        f"<li{attributes(value=item.number) if tag == 'ol' else ''}>"
        f"{_BOXES[item.checked]}{_tight_html(item.blocks, image, page, words)}</li>"
        for item in items
    ]
    return f"<{tag}{values}>{''.join(out)}</{tag}>"


def _tight_html(blocks: tuple[Block, ...], image: ImageWriter, page: str, words: Words) -> str:
    """Return an item's contents. Its first paragraph needs no element of its own."""
    match blocks:
        case (Paragraph(children), *rest):
            return inlines_html(children, page=page, image=image) + blocks_html(
                rest, image=image, page=page, words=words
            )
        case _:
            return blocks_html(blocks, image=image, page=page, words=words)


def _definition_html(definition: Definition, image: ImageWriter, page: str, words: Words) -> str:
    """Return a definition. HTML requires a term before each description, and a description after each term."""
    terms = [inlines_html(term, page=page, image=image) for term in definition.terms]
    descriptions = [_tight_html(blocks, image, page, words) for blocks in definition.descriptions]
    if not any(terms) and not any(descriptions):
        return ""
    names = "".join(f"<dt>{term}</dt>" for term in terms or [""])
    return names + "".join(f"<dd>{each}</dd>" for each in descriptions or [""])


def _table_html(table: Table, image: ImageWriter, page: str) -> str:
    head, body = divided(table.rows)
    if not body:
        return f"<p>{escape(table.caption)}</p>" if table.caption else ""
    caption = f"<caption>{escape(table.caption)}</caption>" if table.caption else ""
    thead = f"<thead>{_rows_html(head, 'col', image, page)}</thead>" if head else ""
    return f"<table>{caption}{thead}<tbody>{_rows_html(body, 'row', image, page)}</tbody></table>"


def _rows_html(rows: Iterable[tuple[Cell, ...]], scope: str, image: ImageWriter, page: str) -> str:
    return "".join(f"<tr>{''.join(_cell_html(cell, scope, image, page) for cell in row)}</tr>" for row in rows)


def _cell_html(cell: Cell, scope: str, image: ImageWriter, page: str) -> str:
    tag = "th" if cell.header else "td"
    values = attributes(
        scope=scope if cell.header else None,
        colspan=cell.colspan if cell.colspan > 1 else None,
        rowspan=cell.rowspan if cell.rowspan > 1 else None,
    )
    return f"<{tag}{values}>{inlines_html(cell.children, page=page, image=image)}</{tag}>"


# --- sections -----------------------------------------------------------------------------------------------------


def sections_html(
    sections: Iterable[Section],
    *,
    level: int = 2,
    image: ImageWriter = image_html,
    page: str = "",
    ids: Callable[[str], str] = section_id,
    words: Words = ENGLISH,
) -> str:
    """Return sections with headings from `<h{level}>`. Deeper ones are `h6`, with their level for screen readers.

    `ids`: the `id` of a heading, by its anchor.
    """
    out: list[str] = []
    for section in sections:
        heading = marked_html(section.heading, section.marked_heading)
        out.append(heading_html(heading, level, id_=ids(section.anchor)))
        out.append(blocks_html(section.blocks, image=image, page=page, words=words))
        out.append(sections_html(section.sections, level=level + 1, image=image, page=page, ids=ids, words=words))
    return "".join(out)


def marked_html(text: str, marked: Sequence[Inline]) -> str:
    """Return a title or heading with its superscripts and similar marks, or else its plain text."""
    return inlines_html(marked, linked=True) if marked else escape(text)


def heading_html(inner: str, level: int, *, id_: str | None = None) -> str:
    """Return a heading of a level. `inner` is HTML."""
    deep = f' aria-level="{level}"' if level > 6 else ""
    tag = f"h{min(level, 6)}"
    return f"<{tag}{attributes(id_=id_)}{deep}>{inner}</{tag}>"
