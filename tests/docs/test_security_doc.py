"""docs/security.md names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_test_that_holds_a_requirement_exists() -> None:
    rows = (ROOT / "docs" / "security.md").read_text().split("\n## What is not")[0].splitlines()
    requirements = [row for row in rows if re.match(r"\| \d", row)]
    assert len(requirements) > 25
    missing = []
    for row in requirements:
        named = _NAMED.findall(row)
        assert named, row
        missing += [f"{file}::{test}" for file, test in named if test not in names_in(ROOT / file)]
    assert missing == []


def names_in(path: Path) -> set[str]:
    if not path.exists():
        return set()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, functions)}
