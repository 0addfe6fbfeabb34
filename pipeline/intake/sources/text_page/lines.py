"""Split a page saved as text into paragraphs and lists, using blank lines, bullets and indentation."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from pipeline.intake.fields.invalid_value import InvalidValue

MAX_LINES = 150_000  # lines that are not blank

_BULLET = re.compile(r"(?P<mark>[•◦▪▫‣⁃●○■□·*–-]|o(?=\s{1,3}\S))\s+(?P<text>\S.*)")
_NUMBER = re.compile(r"(?P<mark>\d{1,3})[.)]\s+(?P<text>\S.*)")


@dataclass(frozen=True)
class Words:
    """Lines that belong together. `gap`: the number of blank lines before them. `lines`: how many lines they are.

    `numbered`: a line such as "1. Physical Therapy" on its own, unlike an item of a list.
    """

    text: str
    line: int  # of the file, from 1
    gap: int
    indent: int = 0
    lines: int = 1
    numbered: bool = False


@dataclass(frozen=True)
class Item:
    """A bullet or a numbered line of a list. `more`: further paragraphs of the same item."""

    text: str
    line: int
    gap: int
    indent: int
    number: int | None = None
    raw: str = ""  # including its number, as written
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class Items:
    """A list with its items still in one sequence: deeper indentation is a deeper list."""

    items: tuple[Item, ...]

    @property
    def line(self) -> int:
        return self.items[0].line


Piece = Words | Items


def pieces_of(text: str) -> list[Piece]:
    """Return everything in the text, in order. Raises InvalidValue `article-too-complex`."""
    return list(_joined(_mark_headings(list(_single(text)))))


def _single(text: str) -> Iterator[Words | Item]:
    """Yield each line, joined with the lines that continue it."""
    current: Words | Item | None = None
    more: list[str] = []
    gap = read = 0
    for number, raw in enumerate(text.split("\n"), 1):
        bare = raw.expandtabs(4).rstrip()
        stripped = bare.lstrip()
        if not stripped:
            gap += 1
            continue
        read += 1
        if read > MAX_LINES:
            raise InvalidValue(
                f"the text has more than {MAX_LINES:,} lines", code="article-too-complex", hint="divide it"
            )
        indent = len(bare) - len(stripped)
        item = _item(stripped, number, gap, indent)
        joins = item is None and not (isinstance(current, Item) and indent <= current.indent)
        if current is not None and gap == 0 and joins:
            more.append(stripped)
        else:
            if current is not None:
                yield _continued(current, more)
            current, more = item or Words(stripped, number, gap, indent), []
        gap = 0
    if current is not None:
        yield _continued(current, more)


def _item(stripped: str, line: int, gap: int, indent: int) -> Item | None:
    if bullet := _BULLET.fullmatch(stripped):
        return None if bullet["mark"] == "o" and not indent else Item(bullet["text"], line, gap, indent)
    if numbered := _NUMBER.fullmatch(stripped):
        return Item(numbered["text"], line, gap, indent, int(numbered["mark"]), stripped)
    return None


def _mark_headings(parts: list[Words | Item]) -> Iterator[Words | Item]:
    """Mark numbered lines that are headings: between blank lines, with no other number next to them."""
    for place, part in enumerate(parts):
        before = parts[place - 1] if place else None
        after = parts[place + 1] if place + 1 < len(parts) else None
        if (
            isinstance(part, Item)
            and part.number is not None
            and part.indent == 0
            and part.gap > 0
            and after is not None
            and after.gap > 0
            and not _numbered(before)
            and not _numbered(after)
        ):
            yield Words(part.raw, part.line, part.gap, numbered=True)
        else:
            yield part


def _numbered(part: Words | Item | None) -> bool:
    return isinstance(part, Item) and part.number is not None and part.indent == 0


def _continued(current: Words | Item, more: list[str]) -> Words | Item:
    if not more:
        return current
    joined = " ".join([current.text, *more])
    if isinstance(current, Item):
        return replace(current, text=joined)
    return replace(current, text=joined, lines=1 + len(more))


def _joined(parts: Iterator[Words | Item]) -> Iterator[Piece]:
    items: list[Item] = []
    more: list[str] = []  # paragraphs of the last item
    for part in parts:
        if isinstance(part, Words) and items and part.indent > items[-1].indent:
            more.append(part.text)
            continue
        if more:
            items[-1] = replace(items[-1], more=tuple(more))
            more = []
        if isinstance(part, Item):
            items.append(part)
            continue
        if items:
            yield Items(tuple(items))
            items = []
        yield part
    if more:
        items[-1] = replace(items[-1], more=tuple(more))
    if items:
        yield Items(tuple(items))


def list_html(items: Items) -> str:
    """Return the list as HTML, nested according to its indentation."""
    out: list[str] = []
    open_lists: list[tuple[int, str]] = []  # indent and tag
    for item in items.items:
        tag = "ul" if item.number is None else "ol"
        while open_lists and (item.indent < open_lists[-1][0] or open_lists[-1] == (item.indent, _other(tag))):
            out.append(f"</li></{open_lists.pop()[1]}>")
        if open_lists and item.indent == open_lists[-1][0]:
            out.append("</li>")
        else:
            start = f' start="{item.number}"' if item.number not in (None, 1) else ""
            out.append(f"<{tag}{start}>")
            open_lists.append((item.indent, tag))
        out.append(f"<li>{html.escape(item.text)}")
        out.extend(f"<p>{html.escape(more)}</p>" for more in item.more)
    out.extend(f"</li></{tag}>" for _, tag in reversed(open_lists))
    return "".join(out)


def _other(tag: str) -> str:
    return "ol" if tag == "ul" else "ul"
