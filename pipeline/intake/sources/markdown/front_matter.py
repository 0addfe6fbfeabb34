"""Read front matter: YAML directly from PyYAML's nodes, and TOML, as Hugo and Zola write it.

In YAML every scalar is a text, and every value has a line.

No type is guessed (`no` is a word, `012345` a PMID), tags have no effect, and anchors and aliases are refused, so that
no document can build an object or grow when it is read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field

import yaml

from pipeline.intake.fields.invalid_value import InvalidValue, quoted

MAX_CHARACTERS = 200_000
_MAX_DEPTH = 16

_FENCE = re.compile(r"(---|\+\+\+)[ \t]*\n")
_ENDS = {
    "---": re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE),
}
_KEY = re.compile(r"^[ \t]*(?:\[+[ \t]*)?[\"']?([A-Za-z0-9_-]+)[\"']?[ \t]*(?:=|\]|\.)", re.MULTILINE)
_READ_DIFFERENTLY = re.compile("[\t\ufeff]")  # libyaml takes some for spaces where PyYAML finds an error
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class _Nodes(yaml.composer.Composer):
    """PyYAML's composer of nodes, without anchors and tags, and with limited depth."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[attr-defined]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise InvalidValue(
                "anchors and aliases are not read",
                code="invalid-front-matter",
                hint="write the value out",
                line=event.start_mark.line + 1,
            )
        if self.depth > _MAX_DEPTH:
            raise InvalidValue(
                "values are nested too deep", code="nested-too-deep", hint="nest less", line=event.start_mark.line + 1
            )
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def descend_resolver(self, parent: yaml.Node | None, index: int) -> None:
        return

    def ascend_resolver(self) -> None:
        return

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: object) -> str:
        return ""


class _Thorough(_Nodes, yaml.SafeLoader):
    """By PyYAML's own parser, whose errors name the line at fault."""


def _composers() -> tuple[Callable[[str], _Nodes], ...]:
    """Return what reads a document, the quick first: libyaml, if PyYAML was built with it."""
    if not yaml.__with_libyaml__:
        return (_Thorough,)

    class Quick(_Nodes, yaml.CSafeLoader):
        """By libyaml, nine times as fast. What it refuses is read again by PyYAML, whose word counts."""

        def __init__(self, stream: str) -> None:
            yaml.CSafeLoader.__init__(self, stream)
            _Nodes.__init__(self)

    return Quick, _Thorough


_COMPOSERS = _composers()


def split_front_matter(text: str) -> tuple[str, str, int]:
    """Return the front matter, the body, and the line (from 1) on which the body begins.

    Raises InvalidValue if the front matter never ends.
    """
    opening = _FENCE.match(text)
    if opening is None:
        return "", text, 1
    end = _ENDS[opening[1]].search(text, opening.end())
    if end is None:
        hint = f"end it with a line of {opening[1]}"
        raise InvalidValue("the front matter never ends", code="invalid-front-matter", hint=hint, line=1)
    return text[opening.end() : end.start()], text[end.end() :], text.count("\n", 0, end.end()) + 1


@dataclass
class FrontMatter:
    """The values of front matter.

    `lines`: the line (from 1, of the file) of each value by its path. `invalid`: keys that occur twice.
    """

    values: dict[str, object] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    invalid: list[InvalidValue] = field(default_factory=list)


def check_size(matter: str) -> None:
    if len(matter) > MAX_CHARACTERS:
        raise InvalidValue(
            f"the front matter has {len(matter):,} characters, and {MAX_CHARACTERS:,} are the most",
            code="article-too-large",
            hint="move text to the body",
        )


def read_yaml(matter: str) -> FrontMatter:
    """Read texts, lists and mappings. Raises InvalidValue with the line."""
    check_size(matter)
    try:
        root = _composed(matter)
    except yaml.MarkedYAMLError as error:
        ended = error.problem_mark is not None and error.problem_mark.line >= matter.count("\n")
        mark = error.context_mark if ended and error.context_mark else error.problem_mark
        raise InvalidValue(
            f"the front matter is not YAML: {error.problem or error.context}",
            code="invalid-front-matter",
            hint="fix the line, or put the value in quotes",
            line=mark.line + 2 if mark else None,
        ) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, InvalidValue):
            error.line = error.line and error.line + 1
            raise
        raise InvalidValue(
            "the front matter is not YAML", code="invalid-front-matter", hint="fix it", line=1
        ) from error
    found = FrontMatter()
    value = _value(root, "", found) if root is not None else {}
    if not isinstance(value, dict):
        raise InvalidValue(
            "the front matter is not a list of fields", code="invalid-front-matter", hint="write title: …", line=2
        )
    found.values = value
    return found


def _composed(matter: str) -> yaml.Node | None:
    *quick, thorough = _COMPOSERS
    for composer in () if _READ_DIFFERENTLY.search(matter) else quick:
        try:
            return _root(composer(matter))
        except (yaml.YAMLError, ValueError):
            break
    return _root(thorough(matter))


def _root(composer: _Nodes) -> yaml.Node | None:
    root: yaml.Node | None = composer.get_single_node()
    return root


def _value(node: yaml.Node, path: str, matter: FrontMatter) -> object:
    line = node.start_mark.line + 2  # counted from 1, after the opening line of ---
    matter.lines.setdefault(path, line)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, matter)
    if isinstance(node, yaml.SequenceNode):
        return [_value(entry, f"{path}[{place}]", matter) for place, entry in enumerate(node.value)]
    if not getattr(node, "style", None) and node.value in _NULLS:
        return None
    return str(node.value)


def _mapping(node: yaml.MappingNode, path: str, matter: FrontMatter) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, entry in node.value:
        line = key.start_mark.line + 2
        if not isinstance(key, yaml.ScalarNode):
            raise InvalidValue("a key is not a word", code="invalid-front-matter", hint="write key: value", line=line)
        name = str(key.value)
        below = f"{path}.{name}" if path else name
        if name in found:
            message = f"{quoted(name)} is there twice"
            invalid = InvalidValue(message, code="duplicate-field", hint="keep one", at=below, line=line)
            matter.invalid.append(invalid)
            continue
        matter.lines[below] = line
        found[name] = _value(entry, below, matter)
    return found


def read_toml(matter: str) -> FrontMatter:
    """Read the values. The line of a top-level key is the first one that begins with its name. Raises InvalidValue."""
    check_size(matter)
    try:
        values: dict[str, object] = tomllib.loads(matter)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidValue(
            f"the front matter is not TOML: {error if isinstance(error, ValueError) else 'it is nested too deep'}",
            code="invalid-front-matter",
            hint="correct the line",
            line=_line_in(str(error)),
        ) from error
    lines = {"": 2}
    line, counted = 2, 0
    for key in _KEY.finditer(matter):
        line, counted = line + matter.count("\n", counted, key.start(1)), key.start(1)
        lines.setdefault(key[1], line)
    taxonomies = values.pop("taxonomies", None)  # Zola's
    if isinstance(taxonomies, dict):
        values = taxonomies | values
    return FrontMatter(values, lines)


def _line_in(message: str) -> int | None:
    """Return the line that tomllib reports, counted from the start of the file."""
    found = re.search(r"at line (\d{1,7})", message)
    return int(found[1]) + 1 if found else None
