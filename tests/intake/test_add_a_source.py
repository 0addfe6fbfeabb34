"""The example in docs/add-a-source.md does what it says: one module, and nothing else changed."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from documents import DOCS, ROOT, block, copy_program, install, output_of

DOCUMENT = DOCS / "add-a-source.md"

USE = """
import json
import pipeline.intake
from pathlib import Path
from pipeline.intake import SourceFile, read_source, read_source_as, source_formats

data = Path("stretching.textile").read_bytes()
by_name = read_source(SourceFile(data, "stretching.textile")).article
by_type = read_source_as("text/x-textile; charset=utf-8", SourceFile(data, "event 1")).article
print(json.dumps({
    "package": pipeline.intake.__file__,
    "module": source_formats()["textile"].read.__module__,
    "same": by_name == by_type,
    "title": by_name.title,
    "answer": by_name.answer,
    "headings": [section.heading for section in by_name.sections],
}))
"""


def use(folder: Path, path: Sequence[Path]) -> dict[str, Any]:
    text = block(DOCUMENT, "text", "stretching.textile")
    source = USE.replace('Path("stretching.textile").read_bytes()', repr(text.encode()))
    output: dict[str, Any] = output_of(source, path)
    return output


def check(output: dict[str, Any]) -> None:
    assert output["same"]
    assert (output["title"], output["answer"]) == ("Stretching at night", "Stretching the calves makes cramps rarer.")
    assert output["headings"] == ["How to"]


def test_a_module_in_the_folder_is_a_source_format(tmp_path: Path) -> None:
    copy_program(tmp_path, ("pipeline", "workers", "config"))
    target = tmp_path / "pipeline" / "intake" / "sources" / "textile.py"
    target.write_text(block(DOCUMENT, "python"), encoding="utf-8")
    output = use(tmp_path, [tmp_path])
    assert Path(output["package"]).is_relative_to(tmp_path)
    assert output["module"] == "pipeline.intake.sources.textile"
    check(output)


def test_a_module_of_an_installed_package_is_a_source_format(tmp_path: Path) -> None:
    points = tomllib.loads(block(DOCUMENT, "toml"))["project"]["entry-points"]
    (tmp_path / "textile.py").write_text(block(DOCUMENT, "python"), encoding="utf-8")
    install(tmp_path, "textile", points)
    output = use(tmp_path, [tmp_path, ROOT])
    assert Path(output["package"]).is_relative_to(ROOT)
    assert output["module"] == "textile"
    check(output)
