"""The article's tree as HTML: every string is escaped, every address checked, no style and no script.

The HTML is flat (a section is its heading and what follows), so that deep articles stay shallow documents.
Classes that a style sheet may rely on: `marker`, `note`, `note-label`, `note-{kind}`, `credit`.
Ids: a section's heading has `section_id(anchor)`, the n-th reference `ref-{n}`. A page's own furniture
takes ids that start with `cw-`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pipeline.model.article import (
    Block,
    BulletList,
    Cell,
    Code,
    Emphasis,
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
    Strong,
    Subscript,
    Superscript,
    Table,
    Text,
)
from pipeline.renditions.parts.plain import blocks_text
from pipeline.renditions.parts.spans import fitting_spans
from pipeline.renditions.parts.text import escape
from pipeline.renditions.parts.uri import address

ImageWriter = Callable[[Image], str]

NOTE_LABELS = {
    "important": "Important",
    "warning": "Warning",
    "urgent": "When to seek urgent care",
    "info": "Note",
}


def attributes(**values: str | int | None) -> str:
    """` name="value"` for each value that is not None, escaped; a trailing underscore of a name is dropped."""
    return "".join(f' {name.rstrip("_")}="{escape(str(v))}"' for name, v in values.items() if v is not None)


def link_html(href: str | None, inner: str, **values: str | int | None) -> str:
    """`inner` (HTML) as a link; bare where the address is none that a reader may safely follow."""
    to = address(href)
    return inner if to is None else f"<a{attributes(href=to, **values)}>{inner}</a>"


def section_id(anchor: str) -> str:
    """The `id` of a section's heading: its anchor, moved out of the way of ids that are ours."""
    return f"section-{anchor}" if anchor.startswith(("ref-", "section-", "cw-")) else anchor


def image_html(image: Image) -> str:
    """An `img` element; nothing where its address is none."""
    src = address(image.src)
    if src is None:
        return ""
    return f"<img{attributes(src=src, alt=image.alt, width=image.width, height=image.height)}>"


# --- inlines ------------------------------------------------------------------------------------------------------


def inlines_html(inlines: Iterable[Inline], *, page: str = "", linked: bool = False) -> str:
    """`page`: the address that in-text markers lead to; empty where the references stand in the same document.

    `linked`: already inside a link, in which HTML allows no other.
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
                    out[-1] = f"{out[-1][:-1]}\u00a0"  # or the marker might stand alone on the next line
                out.append(marker_html(numbers, page=page, linked=linked))
            case Link(href, children):
                inner = inlines_html(children, page=page, linked=True)
                out.append(inner if linked else link_html(href, inner))
            case _:
                tag = _INLINE_TAGS[type(inline)]
                out.append(f"<{tag}>{inlines_html(inline.children, page=page, linked=linked)}</{tag}>")
    return "".join(out)


_INLINE_TAGS: dict[type, str] = {Emphasis: "em", Strong: "strong", Superscript: "sup", Subscript: "sub"}


def marker_html(numbers: Sequence[int], *, page: str = "", linked: bool = False) -> str:
    """`[2,5]` in superscript, each number a link to its reference."""
    links = (str(n) if linked else f'<a href="{escape(page)}#ref-{n}">{n}</a>' for n in numbers)
    return f'<sup class="marker">[{",".join(links)}]</sup>'


# --- blocks -------------------------------------------------------------------------------------------------------


def blocks_html(blocks: Iterable[Block], *, image: ImageWriter = image_html, page: str = "") -> str:
    """`image` writes the `img` element itself (AMP's is another); the figure around it is written here."""
    out: list[str] = []
    for block in blocks:
        match block:
            case Paragraph(children):
                out.append(f"<p>{inlines_html(children, page=page)}</p>" if children else "")
            case BulletList(items):
                out.append(_list_html("ul", items, image, page))
            case NumberedList(items, start):
                out.append(_list_html("ol", items, image, page, start=None if start == 1 else start))
            case Table():
                out.append(_table_html(block, page))
            case Quotation(inner, source):
                cite = f"<footer><cite>{escape(source)}</cite></footer>" if source else ""
                out.append(f"<blockquote>{blocks_html(inner, image=image, page=page)}{cite}</blockquote>")
            case Note():
                label = note_label_html(block)
                inner_html = blocks_html(block.blocks, image=image, page=page)
                out.append(f'<aside class="note note-{block.kind}">{label}{inner_html}</aside>')
            case Image():
                out.append(figure_html(block, image=image))
            case Preformatted(value):
                out.append(f"<pre>\n{escape(value)}</pre>")  # a parser drops the first newline of a `pre`
    return "".join(out)


def note_label_html(note: Note) -> str:
    """What a note is, in a word before it; nothing where its own text begins with that word."""
    label = NOTE_LABELS[note.kind]
    if blocks_text(note.blocks).lstrip().casefold().startswith(label.casefold()):
        return ""
    return f'<p class="note-label"><strong>{label}</strong></p>'


def figure_html(picture: Image, *, image: ImageWriter = image_html) -> str:
    """An image with its caption and credit."""
    credit = f'<small class="credit">{escape(picture.credit)}</small>' if picture.credit else ""
    caption = " ".join(part for part in (escape(picture.caption or ""), credit) if part)
    return f"<figure>{image(picture)}{f'<figcaption>{caption}</figcaption>' if caption else ''}</figure>"


def _list_html(tag: str, items: tuple[ListItem, ...], image: ImageWriter, page: str, start: int | None = None) -> str:
    if not items:
        return ""
    out: list[str] = []
    for item in items:
        match item.blocks:
            case (Paragraph(children), *rest):  # a tight list: the first paragraph needs no element of its own
                inner = inlines_html(children, page=page) + blocks_html(rest, image=image, page=page)
            case _:
                inner = blocks_html(item.blocks, image=image, page=page)
        out.append(f"<li>{inner}</li>")
    return f"<{tag}{attributes(start=start)}>{''.join(out)}</{tag}>"


def _table_html(table: Table, page: str) -> str:
    rows = [row for row in table.rows if row]
    if not rows:
        return f"<p>{escape(table.caption)}</p>" if table.caption else ""
    count = next((n for n, row in enumerate(rows) if not _heads_columns(row)), 0)  # 0 too: a table needs a body
    head, body = fitting_spans((rows[:count], rows[count:]))
    caption = f"<caption>{escape(table.caption)}</caption>" if table.caption else ""
    thead = f"<thead>{_rows_html(head, 'col', page)}</thead>" if head else ""
    return f"<table>{caption}{thead}<tbody>{_rows_html(body, 'row', page)}</tbody></table>"


def _heads_columns(row: tuple[Cell, ...]) -> bool:
    return all(cell.header and cell.rowspan == 1 for cell in row)


def _rows_html(rows: Iterable[tuple[Cell, ...]], scope: str, page: str) -> str:
    return "".join(f"<tr>{''.join(_cell_html(cell, scope, page) for cell in row)}</tr>" for row in rows)


def _cell_html(cell: Cell, scope: str, page: str) -> str:
    tag = "th" if cell.header else "td"
    values = attributes(
        scope=scope if cell.header else None,
        colspan=cell.colspan if cell.colspan > 1 else None,
        rowspan=cell.rowspan if cell.rowspan > 1 else None,
    )
    return f"<{tag}{values}>{inlines_html(cell.children, page=page)}</{tag}>"


# --- sections -----------------------------------------------------------------------------------------------------


def sections_html(
    sections: Iterable[Section], *, level: int = 2, image: ImageWriter = image_html, page: str = ""
) -> str:
    """Headings from `<h{level}>`; those deeper than `h6` stay `h6` and say their level to screen readers."""
    out: list[str] = []
    for section in sections:
        out.append(heading_html(section.heading, level, id_=section_id(section.anchor)))
        out.append(blocks_html(section.blocks, image=image, page=page))
        out.append(sections_html(section.sections, level=level + 1, image=image, page=page))
    return "".join(out)


def heading_html(heading: str, level: int, *, id_: str | None = None) -> str:
    deep = f' aria-level="{level}"' if level > 6 else ""
    tag = f"h{min(level, 6)}"
    return f"<{tag}{attributes(id_=id_)}{deep}>{escape(heading)}</{tag}>"
