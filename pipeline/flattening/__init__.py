"""Turn marked-up content into plain text with the same meaning. This is the only place that does.

    10<sup>6</sup> units            10⁶ units                 without a Unicode character: ^(…), _(…)
    5<sup>1</sup>/<sub>2</sub>      5½
    <del>500 mg</del> 50 mg         50 mg                     struck-out text is left out
    <ol start=3 type=a>             c.  d.  e.
    a table                         each cell after the heads of its column
    a note                          its label before it

Titles, summaries, feeds' titles, texts in JSON and the plain-text format all come from here. Pure, and linear in its
input.
"""

from __future__ import annotations

from pipeline.flattening.blocks import NOTE_LABELS, blocks_text, note_label, sections_text
from pipeline.flattening.inlines import inlines_text, line_of
from pipeline.flattening.numbering import labels

__all__ = ["NOTE_LABELS", "blocks_text", "inlines_text", "labels", "line_of", "note_label", "sections_text"]
