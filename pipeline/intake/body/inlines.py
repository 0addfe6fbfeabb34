"""Turn the elements of a line of text into inlines, with white space as a browser would show it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from lxml import etree
from msgspec.structs import replace

from pipeline.flattening import inlines_text, line_of
from pipeline.intake.body.markers import with_markers
from pipeline.intake.fields.addresses import link_address
from pipeline.intake.fields.text import clean, is_blank, line
from pipeline.model.article import (
    Abbreviation,
    Code,
    Deleted,
    Emphasis,
    Image,
    Inline,
    Inserted,
    LineBreak,
    Link,
    Marker,
    Strong,
    Subscript,
    Superscript,
    Text,
    Wrapper,
)

_SPACES = re.compile("[ \t\n\r]+")
Plain = Emphasis | Strong | Superscript | Subscript | Deleted | Inserted

TAGS: dict[str, type[Plain]] = {
    "em": Emphasis, "i": Emphasis, "cite": Emphasis, "dfn": Emphasis, "var": Emphasis,
    "strong": Strong, "b": Strong, "sup": Superscript, "sub": Subscript,
    "del": Deleted, "s": Deleted, "strike": Deleted, "ins": Inserted,
}  # fmt: skip
_MEANING = Superscript | Subscript | Deleted | Inserted
_CODE = frozenset({"code", "kbd", "samp", "tt"})


@dataclass(frozen=True)
class Reading:
    """The context in which a body is read.

    `numbering`: see `with_markers`. `base`: the address against which relative ones are resolved.
    `hosts`: the inline elements that hold a block or an image somewhere inside.
    """

    numbering: Sequence[int] = ()
    base: str | None = None
    hosts: frozenset[etree._Element] = field(default_factory=frozenset)


def inlines_in(element: etree._Element, reading: Reading) -> list[Inline]:
    """Return the inlines of an element, before `tidy`."""
    found: list[Inline] = [Text(element.text)] if element.text else []
    for child in element:
        found.extend(inline(child, reading))
        if child.tail:
            found.append(Text(child.tail))
    return found


def inline(element: etree._Element, reading: Reading) -> Iterable[Inline]:
    """Return an inline element, or just its contents if the element itself means nothing."""
    tag = element.tag
    if tag == "br":
        return [LineBreak()]
    if tag in _CODE:
        return [Code(inlines_text(inlines_in(element, reading)))]
    inside = inlines_in(element, reading)
    if tag == "a":
        href = link_address(element.get("href") or "", reading.base)
        return [Link(href, tuple(inside))] if href else inside
    if tag == "q":
        return [Text("“"), *inside, Text("”")]
    if tag == "abbr" and (expansion := line(element.get("title") or "")):
        return [Abbreviation(tuple(inside), expansion)]
    if tag == "sup" and "footnote" in (element.get("class") or "").split():
        return [Superscript(tuple(inside), note=True)]
    if (wrapper := TAGS.get(str(tag))) is not None:
        return [wrapper(tuple(inside))]
    return inside


def tidy(inlines: Iterable[Inline], reading: Reading) -> tuple[Inline, ...]:
    """Collapse and trim white space, drop empty inlines, join neighbouring texts and recognise markers."""
    squeezed, _ = _squeeze(inlines, after_space=True)
    _trim(squeezed)
    return tuple(_marked(squeezed, reading.numbering))


def plain(inlines: Iterable[Inline]) -> str:
    """Return the text alone, on one line, without reference markers and footnotes' letters."""
    return line(line_of(inlines))


def text_of(element: etree._Element) -> str:
    """Return an element's text on one line, as `plain` does, for captions and other plain-text fields."""
    return plain(inlines_in(element, Reading()))


def marked(inlines: Iterable[Inline]) -> tuple[Inline, ...]:
    """Return a title's or heading's inlines without links, markers and line breaks; () if no mark carries meaning."""
    kept = _squeeze(_title_inlines(inlines), after_space=True)[0]
    _trim(kept)
    return tuple(kept) if any(map(_carries_meaning, kept)) else ()


def _title_inlines(inlines: Iterable[Inline]) -> Iterator[Inline]:
    for part in inlines:
        match part:
            case Text() | Code():
                yield part
            case LineBreak():
                yield Text(" ")
            case Marker() | Image():
                pass
            case Link(_, children):
                yield from _title_inlines(children)
            case _:
                yield replace(part, children=tuple(_title_inlines(part.children)))


def _carries_meaning(part: Inline) -> bool:
    if isinstance(part, _MEANING):
        return True
    return any(map(_carries_meaning, getattr(part, "children", ())))


def is_empty(inlines: Sequence[Inline]) -> bool:
    """Return whether a reader would see nothing."""
    return not any(isinstance(part, Marker | Image) for part in inlines) and is_blank("".join(_texts(inlines)))


def _texts(inlines: Iterable[Inline]) -> Iterator[str]:
    for part in inlines:
        match part:
            case Text(value) | Code(value):
                yield value
            case LineBreak():
                yield " "
            case Marker() | Image():
                pass
            case _:
                yield from _texts(part.children)


def _squeeze(inlines: Iterable[Inline], *, after_space: bool) -> tuple[list[Inline], bool]:
    """Collapse white space. `after_space`: whether a space or a line's start precedes; returned for what follows."""
    out: list[Inline] = []
    texts: list[str] = []  # of neighbouring Text inlines, joined when something else comes
    for part in inlines:
        if isinstance(part, Text):
            text = _SPACES.sub(" ", clean(part.value))
            text = text.removeprefix(" ") if after_space else text
            if text:
                texts.append(text)
                after_space = text.endswith(" ")
            continue
        if texts:
            out.append(Text("".join(texts)))
            texts.clear()
        match part:
            case Code(value):
                if text := line(value):
                    out.append(Code(text))
                    after_space = False
            case LineBreak():
                _trim(out)
                out.append(part)
                after_space = True
            case Marker() | Image():
                out.append(part)
                after_space = False
            case _:
                inside, after_space = _squeeze(part.children, after_space=after_space)
                if inside:
                    out.append(_rewrapped(part, inside))
    if texts:
        out.append(Text("".join(texts)))
    return out, after_space


def _rewrapped(wrapper: Wrapper, inside: list[Inline]) -> Inline:
    """Return the same wrapper around other inlines. Strong text within strong text is not wrapped again."""
    if len(inside) == 1 and isinstance(only := inside[0], Strong | Emphasis) and type(only) is type(wrapper):
        return only
    return replace(wrapper, children=tuple(inside))


def _trim(inlines: list[Inline]) -> None:
    """Remove white space and line breaks from the end, in place."""
    while inlines:
        last = inlines.pop()
        match last:
            case LineBreak():
                continue
            case Text(value):
                kept: Inline | None = Text(value.rstrip(" ")) if value.rstrip(" ") else None
            case Code() | Marker() | Image():
                kept = last
            case _:
                inside = list(last.children)
                _trim(inside)
                kept = _rewrapped(last, inside) if inside else None
        if kept is not None:
            inlines.append(kept)
            return


def _marked(inlines: Iterable[Inline], numbering: Sequence[int]) -> Iterator[Inline]:
    for part in inlines:
        match part:
            case Text(value):
                yield from with_markers(value, numbering)
            case Code() | LineBreak() | Marker() | Link() | Image():
                yield part
            case _:
                children = tuple(_marked(part.children, numbering))
                if isinstance(part, Superscript) and len(children) == 1 and isinstance(children[0], Marker):
                    yield children[0]  # a marker is raised by those who render it
                else:
                    yield replace(part, children=children)
