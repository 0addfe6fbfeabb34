"""Turn a sequence of headings and blocks into a lead and nested sections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.intake.body.blocks import Heading
from pipeline.intake.body.notes import with_notes
from pipeline.intake.fields.slugs import Anchors
from pipeline.model.article import Block, Inline, Section


@dataclass
class _Open:
    level: int
    heading: str
    anchor: str = ""
    marked: tuple[Inline, ...] = ()
    blocks: list[Block] = field(default_factory=list)
    sections: list[_Open] = field(default_factory=list)

    def closed(self) -> Section:
        return Section(
            self.heading,
            self.anchor,
            tuple(with_notes(self.blocks, self.heading)),
            tuple(section.closed() for section in self.sections),
            self.marked,
        )


def sections_of(items: Iterable[Block | Heading]) -> tuple[tuple[Block, ...], tuple[Section, ...]]:
    """Return the lead and the sections. A deeper heading opens a subsection, however many levels it skips."""
    anchors = Anchors()
    path = [_Open(0, "")]
    for item in items:
        if not isinstance(item, Heading):
            path[-1].blocks.append(item)
            continue
        while path[-1].level >= item.level:
            path.pop()
        opened = _Open(item.level, item.text, anchors.take(item.text), item.marked)
        path[-1].sections.append(opened)
        path.append(opened)
    whole = path[0].closed()
    return whole.blocks, whole.sections
