"""Markdown footnotes: `[^1]` in the text, `[^1]: …` anywhere, and a list of all of them at the end.

They have letters, because numbers in the text are reference markers.
"""

from __future__ import annotations

import re
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.footnote.index import footnote_def, footnote_tail

from pipeline.flattening.numbering import letters

_REFERENCE = re.compile(r"\[\^([^\s\]]{1,100})\]")  # bounded: the plug-in's own rule reads a line of `[^` over and over


def with_definitions_of_footnotes(parser: MarkdownIt) -> None:
    """Add the rule to the block parser. It shares its environment, which holds the notes, with the inline parser."""
    parser.block.ruler.before("reference", "footnote_def", footnote_def, {"alt": ["paragraph", "reference"]})
    parser.core.ruler.after("inline", "footnotes", _tail)
    for name, html in _AROUND.items():
        parser.add_render_rule(name, _constant(html))


def with_references_to_footnotes(parser: MarkdownIt) -> None:
    """Add the rule to the inline parser."""
    parser.inline.ruler.after("image", "footnote_ref", _reference)
    parser.add_render_rule("footnote_ref", _render_reference)


_AROUND = {
    "footnote_block_open": '<section class="footnotes"><ol type="a">',
    "footnote_block_close": "</ol></section>",
    "footnote_open": "<li>",
    "footnote_close": "</li>",
    "footnote_anchor": "",
}


def _reference(state: StateInline, silent: bool) -> bool:
    known: dict[str, int] = state.env.get("footnotes", {}).get("refs", {})
    found = _REFERENCE.match(state.src, state.pos) if known else None
    if found is None or f":{found[1]}" not in known:
        return False
    if not silent:
        state.push("footnote_ref", "", 0).meta = {"id": _number(state.env, found[1])}
    state.pos = found.end()
    return True


def _number(env: EnvType, label: str) -> int:
    """Return the note's number, in the order of first references."""
    notes: dict[str, Any] = env["footnotes"]
    if notes["refs"][f":{label}"] < 0:
        notes["refs"][f":{label}"] = len(notes["list"])
        notes["list"][len(notes["list"])] = {"label": label, "count": 1}
    number: int = notes["refs"][f":{label}"]
    return number


def _tail(state: StateCore) -> None:
    """Append the list of notes, including those that nothing refers to."""
    for label in state.env.get("footnotes", {}).get("refs", {}):
        _number(state.env, label.removeprefix(":"))
    footnote_tail(state)


def _render_reference(
    self: RendererProtocol, tokens: list[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return f'<sup class="footnote">{letters(tokens[index].meta["id"] + 1)}</sup>'


def _constant(html: str) -> Any:
    def render(self: RendererProtocol, *around: object) -> str:
        return html

    return render
