"""The marks by which Citewire recognises what it wrote itself: formats write them, the intake looks for them.

A Markdown file ends in a comment, which readers of Markdown do not show. A plain text has no place for a mark that its
readers would not see: its form has to do, a rule as wide as its title and a labelled address as its last line.
"""

from __future__ import annotations

GENERATOR = "Citewire"  # in `<meta name="generator">` of every page
MARKDOWN_MARK = f"<!-- generator: {GENERATOR} -->"
ADDRESS_LABEL = "Web page: "

_WIDEST_RULE = 72  # characters


def rule(title: str) -> str:
    """Return the line under a plain text's title."""
    return "=" * min(len(title), _WIDEST_RULE)
