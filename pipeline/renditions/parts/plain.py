"""The article's tree as plain text: paragraphs parted by an empty line, list items by "- " or their number."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.model.article import (
    Block,
    BulletList,
    Code,
    Image,
    Inline,
    LineBreak,
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


def plain_text(sections: Iterable[Section]) -> str:
    """Sections of any depth, each with its heading on a line of its own."""
    parts: list[str] = []
    for section in sections:
        parts += [section.heading, blocks_text(section.blocks), plain_text(section.sections)]
    return "\n\n".join(part for part in parts if part)


def inlines_text(inlines: Iterable[Inline]) -> str:
    """A line of text; markers as `[2,5]`, line breaks as newlines."""
    out: list[str] = []
    for inline in inlines:
        match inline:
            case Text(value) | Code(value):
                out.append(value)
            case LineBreak():
                out.append("\n")
            case Marker(numbers):
                out.append(f"[{','.join(map(str, numbers))}]")
            case _:
                out.append(inlines_text(inline.children))
    return "".join(out)


def blocks_text(blocks: Iterable[Block]) -> str:
    return "\n\n".join(text for text in map(_block_text, blocks) if text)


def _block_text(block: Block) -> str:
    match block:
        case Paragraph(children):
            return inlines_text(children)
        case BulletList(items):
            return "\n".join(_item_text("-", item) for item in items)
        case NumberedList(items, start):
            return "\n".join(_item_text(f"{number}.", item) for number, item in enumerate(items, start))
        case Table(rows, caption):
            lines = ["\t".join(inlines_text(cell.children) for cell in row) for row in rows]
            return "\n".join([caption, *lines] if caption else lines)
        case Quotation(inner, source):
            return blocks_text(inner) + (f"\n— {source}" if source else "")
        case Note():
            return blocks_text(block.blocks)
        case Image():
            return " ".join(part for part in (block.caption or block.alt, block.credit) if part)
        case Preformatted(value):
            return value


def _item_text(mark: str, item: ListItem) -> str:
    text = blocks_text(item.blocks)
    return f"{mark} {text.replace(chr(10), chr(10) + '  ')}"
