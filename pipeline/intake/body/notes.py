"""Recognise notes by a label ("Important: …"), an alert's mark, a class, or an urgent sentence.

The label remains in the text as its author wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lxml import etree

from pipeline.intake.body.inlines import plain
from pipeline.model.article import Block, BulletList, LineBreak, Note, NoteKind, NumberedList, Paragraph, Text

_KINDS: dict[str, NoteKind] = {
    "important": "important",
    "warning": "warning", "caution": "warning", "danger": "warning",
    "urgent": "urgent", "emergency": "urgent",
    "note": "info", "info": "info", "tip": "info",
}  # fmt: skip
_CLASSES: dict[str, NoteKind] = {**_KINDS, "admonition": "info", "callout": "info"}
_CLASSES_OF_NOTES = frozenset({"note", "important", "warning", "caution", "danger", "urgent", "admonition", "callout"})

_LABEL = re.compile(
    r"\W*(?:please )?(important|warning|caution|danger|urgent|emergency|note|info|tip)"
    r"(?: (?:safety |medical )?(?:note|notice|warning|information))?\s*[:!]",
    re.IGNORECASE,
)
_ALERT = re.compile(r"\s*\[!(important|warning|caution|danger|urgent|emergency|note|info|tip)\]\s*", re.IGNORECASE)
_URGENT_OPENING = re.compile(
    r"\W*(?:(?:seek|get) (?:urgent|emergency|immediate)|call (?:911|999|112)\b)", re.IGNORECASE
)
_URGENT = re.compile(
    r"\b(?:immediately|urgent(?:ly)?|emergency|right away|at once|without delay|911|999|112)\b", re.IGNORECASE
)
_SEEK_CARE = re.compile(r"\b(?:seek|see|call|contact|speak to|talk to|go to|get|consult|tell|visit)\b", re.IGNORECASE)
_OCCASION = re.compile(r"\b(?:when|reasons?|signs?)\b", re.IGNORECASE)
_CARE = re.compile(r"\b(?:seek|see|call|contact|speak|talk|doctor|medical|emergency|help|care)\b", re.IGNORECASE)
_RED_FLAGS = re.compile(r"\bred flags?\b|\bseek(?:ing)? (?:medical|urgent|emergency|help|care)\b", re.IGNORECASE)
_CONDITION = re.compile(r"\b(?:if|when|for|with)\b", re.IGNORECASE)


def kind_of_class(element: etree._Element) -> NoteKind | None:
    """Return the kind that an element's class or role names: "warning", "note note-urgent", "admonition-tip" …

    For any element but an `aside` a part of a class is not enough.
    """
    names = (element.get("class") or "").lower().split()
    if element.tag == "aside" or not _CLASSES_OF_NOTES.isdisjoint(names):
        kinds = [_CLASSES[part] for name in names for part in re.split("[-_]+", name) if part in _CLASSES]
        if kinds:
            return next((kind for kind in kinds if kind != "info"), "info")
    return "info" if element.get("role") == "note" else None


def note_from_quotation(blocks: Sequence[Block]) -> Note | None:
    """Return the note that a quotation is: it begins with `[!WARNING]`, which is removed, or with a label."""
    first, rest = blocks[0], blocks[1:]
    if not isinstance(first, Paragraph):
        return None
    head = first.children[0]
    if isinstance(head, Text) and (alert := _ALERT.match(head.value)):
        children = first.children[1:]
        if left := head.value[alert.end() :]:
            children = (Text(left), *children)
        elif children and isinstance(children[0], LineBreak):
            children = children[1:]
        inside = (Paragraph(children), *rest) if children else tuple(rest)
        return Note(_KINDS[alert[1].lower()], inside) if inside else None
    kind = _kind_of(plain(first.children))
    return Note(kind, tuple(blocks)) if kind else None


def with_notes(blocks: Iterable[Block], heading: str | None = None) -> list[Block]:
    """Return the blocks with labelled paragraphs, and urgent ones that introduce a list, turned into notes.

    A list belongs to the note whose last words introduce it with a colon. `heading`: that of their section.
    """
    out: list[Block] = []
    for block in blocks:
        before = out[-1] if out else None
        if isinstance(block, BulletList | NumberedList):
            if isinstance(before, Note) and _introduces(before.blocks[-1]):
                out[-1] = Note(before.kind, (*before.blocks, block))
                continue
            if isinstance(before, Paragraph) and _is_urgent(before, heading):
                out[-1] = Note("urgent", (before, block))
                continue
        if isinstance(block, Paragraph) and (kind := _kind_of(plain(block.children))):
            out.append(Note(kind, (block,)))
        else:
            out.append(block)
    return out


def _kind_of(text: str) -> NoteKind | None:
    if label := _LABEL.match(text):
        return _KINDS[label[1].lower()]
    return "urgent" if _URGENT_OPENING.match(text) else None


def _introduces(block: Block) -> bool:
    return isinstance(block, Paragraph) and plain(block.children).endswith((":", "："))


def _is_urgent(paragraph: Paragraph, heading: str | None) -> bool:
    """Recognise "Speak to a doctor immediately if …:", or "See a doctor if …:" under "When to See a Doctor"."""
    if not _introduces(paragraph):
        return False
    text = plain(paragraph.children)
    if not _SEEK_CARE.search(text) or not _CONDITION.search(text):
        return False
    return bool(_URGENT.search(text) or (heading and _is_about_seeking_care(heading)))


def _is_about_seeking_care(heading: str) -> bool:
    """Return whether a heading is like "When to See a Doctor" or "Red Flags"."""
    occasion = _OCCASION.search(heading)
    return bool((occasion and _CARE.search(heading, occasion.end())) or _RED_FLAGS.search(heading))
