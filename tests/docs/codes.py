"""Every error code that the program can give, read from its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from documents import ROOT

_CODE = re.compile(r"[a-z]+(-[a-z0-9]+)*")
_NONE = {"citewire-error", "und"}  # the root of the tree, never raised; and a language that is not known


def codes() -> set[str]:
    """`code=…` of a call or a default, `code = …`, the code of a Problem or Refused, and those in tables of answers."""
    found: set[str] = set()
    for package in ("pipeline", "config", "workers"):
        for path in (ROOT / package).rglob("*.py"):
            found.update(_codes_in(path))
    return found - _NONE


def _codes_in(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="Problem" | "Refused" | "answer"), args=[_, code, *_]):
                yield from _words(code)
            case ast.keyword(arg="code", value=value):
                yield from _words(value)
            case ast.Assign(targets=[ast.Name(id="code")], value=value):
                yield from _words(value)
            case ast.arguments(kwonlyargs=names, kw_defaults=defaults):
                pairs = zip(names, defaults, strict=True)
                yield from (word for name, value in pairs if name.arg == "code" and value for word in _words(value))
    if path.name in ("answers.py", "json_answers.py", "no_answer.py"):
        yield from _in_tables(tree)


def _in_tables(tree: ast.Module) -> Iterator[str]:
    """The pairs of a code and its meaning, and the triples that begin with the words that indicate them."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.Tuple(elts=[ast.Tuple(), code, ast.Constant()])
                | ast.Tuple(elts=[ast.Constant() as code, ast.Constant()])
            ):
                yield from (word for word in _words(code) if "-" in word or word == "unroutable")


def _words(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(text)) if _CODE.fullmatch(text):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from _words(one)
            yield from _words(other)
