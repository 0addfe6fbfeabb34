"""Convert Markdown to unsanitised HTML: CommonMark with tables, `~~struck out~~`, footnotes, definition lists
(`Term` and `: what it is`) and `::: note` containers.

markdown-it silently drops what is nested deeper than its limit, and some texts cost it the square of their size. So our
rules run before its own, refuse excessive depth and count the work.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType
from mdit_py_plugins.deflist import deflist_plugin

from pipeline.intake.body.footnotes import with_definitions_of_footnotes, with_references_to_footnotes
from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.model.article import MAX_NESTING

_MAX_LEVEL = 2 * MAX_NESTING + 2  # a list and its item are a level each
_MAX_INLINE_LEVEL = 20  # brackets within brackets; deeper ones stay text
_MAX_BLOCK_STEPS = 100_000
_MAX_COLUMNS = 1000
_MAX_INLINE_STEPS = 1_000_000
_MAX_INLINE_STEPS_IN_ONE_BLOCK = 100_000

_CONTAINER = re.compile(r":{3,}[ \t]*+([A-Za-z]{3,20})[ \t]*+(?:\{[^}]*+\}[ \t]*+)?$")
_TILDE = re.compile(r"^[ \t]*~ ", re.MULTILINE)  # "about" before a number; the plug-in would take it for a definition
_CONTAINER_END = re.compile(r":{3,}[ \t]*$")
_ENDS_WITH_COLONS = re.compile(r":::[ \t]*\Z")
_MARK = 100  # characters at the end of a line in which its colons are


def markdown_html(text: str) -> str:
    """Convert a body. Raises InvalidValue `nested-too-deep` or `article-too-complex`, with the line if it is known."""
    env: EnvType = {}
    html: str = (_parser(definitions=False) if _TILDE.search(text) else _parser(definitions=True)).render(text, env)
    return html


@cache
def _parser(*, definitions: bool) -> MarkdownIt:
    """Return the parser. `definitions`: whether a line of `: …` below another is a definition."""
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": _MAX_LEVEL + 8}).enable("table")
    around: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("table", "limits", _limit_blocks, around)
    parser.block.ruler.before("fence", "container", _container, around)
    parser.core.ruler.at("inline", _render_inlines)
    with_definitions_of_footnotes(parser)
    if definitions:
        deflist_plugin(parser)
    return parser


@cache
def _inline_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": _MAX_INLINE_LEVEL}).enable("strikethrough")
    with_references_to_footnotes(parser)
    parser.inline.ruler.before("text", "limits", _limit_inlines)
    return parser


def _limit_blocks(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if state.level > _MAX_LEVEL:
        raise InvalidValue(
            f"blocks are nested more than {MAX_NESTING} levels deep",
            code="nested-too-deep",
            hint="nest less deeply",
            line=start + 1,
        )
    steps = state.env["block-steps"] = int(state.env.get("block-steps", 0)) + 1
    if steps > _MAX_BLOCK_STEPS or state.src.count("|", state.bMarks[start], state.eMarks[start]) > _MAX_COLUMNS:
        raise _too_complex(start + 1)
    return False


def _limit_inlines(state: StateInline, silent: bool) -> bool:
    env = state.env
    env["steps"] += 1
    if env["steps"] > _MAX_INLINE_STEPS or env["steps"] - env["steps-before"] > _MAX_INLINE_STEPS_IN_ONE_BLOCK:
        raise _too_complex(env["line"])
    return False


def _too_complex(line: int | None) -> InvalidValue:
    return InvalidValue(
        "the markup is too dense to be an article's", code="article-too-complex", hint="divide it", line=line
    )


def _render_inlines(state: StateCore) -> None:
    """Render each block's text immediately, so that only one block's tokens are in memory at a time."""
    parser = _inline_parser()
    env = state.env
    env["steps"] = 0
    for token in state.tokens:
        if token.type == "inline":
            env["steps-before"] = env["steps"]
            env["line"] = token.map[0] + 1 if token.map else None
            children: list[Token] = []
            parser.inline.parse(token.content, parser, env, children)
            for child in children:
                if child.type == "text_special":  # an escape or an entity, which a later rule of markdown-it would join
                    child.type = "text"
            html = parser.renderer.render(children, parser.options, env)
            token.children = [Token("html_inline", "", 0, content=html)]


def _container(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Render `::: warning` up to `:::` as an `aside` of that class."""
    opening = _CONTAINER.match(_line(state, start)) if not state.is_code_block(start) else None
    if opening is None:
        return False
    last = _end_of_container(state, start + 1, end)
    if last is None:
        return False
    if silent:
        return True
    token = state.push("container_open", "aside", 1)
    token.attrSet("class", opening[1].lower())
    token.block = True
    limit, state.lineMax = state.lineMax, last
    state.md.block.tokenize(state, start + 1, last)
    state.lineMax = limit
    state.push("container_close", "aside", -1).block = True
    state.line = last + 1
    return True


def _end_of_container(state: StateBlock, start: int, end: int) -> int | None:
    """Return the line that ends a container. Lines are looked through once for the whole text, not for each opening."""
    lines: list[int] | None = state.env.get("container-ends")
    if lines is None:
        every = range(len(state.eMarks) - 1)
        lines = [
            n for n in every if _ENDS_WITH_COLONS.search(state.src, max(0, state.eMarks[n] - _MARK), state.eMarks[n])
        ]
        state.env["container-ends"] = lines
    for place in range(bisect_left(lines, start), bisect_left(lines, end)):
        state.env["block-steps"] = int(state.env.get("block-steps", 0)) + 1
        if state.env["block-steps"] > _MAX_BLOCK_STEPS:
            raise _too_complex(start)
        if _CONTAINER_END.match(_line(state, lines[place])):
            return lines[place]
    return None


def _line(state: StateBlock, number: int) -> str:
    if state.sCount[number] < state.blkIndent:
        return ""
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]
