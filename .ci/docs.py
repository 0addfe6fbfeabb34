"""Build the documentation's site into build/docs/site, from the Markdown that GitHub shows. A warning is an error.

python .ci/docs.py, after `make .venv/.docs judges`
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "docs"
MERMAID = ROOT / "node_modules" / "@mermaid-js" / "tiny"  # draws in the reader's browser; see ADR 0071
SCRIPT = "scripts/mermaid.js"  # of the site, of which only pages with a drawing have it
BESIDE = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "benchmarks/README.md", "docs/openapi.json")
# What is in the site: a title, and the pages below it with their titles. The guide and the decisions list their own.
FIRST = {"Citewire": "index.md", "Ten minutes": "docs/tutorial.md"}
SECTIONS: dict[str, dict[str, str]] = {
    "For partners": {"Partner's guide": "docs/partners.md"},
    "How to": {
        "Add a channel": "docs/add-a-channel.md",
        "Add a format": "docs/add-a-format.md",
        "Add a source": "docs/add-a-source.md",
        "Add a stage": "docs/add-a-stage.md",
        "Deploy with compose": "docs/deployment.md",
        "Contribute": "CONTRIBUTING.md",
        "Release": "docs/releasing.md",
    },
    "Reference": {
        "Settings": "docs/operating/settings.md",
        "Commands": "docs/command-reference.md",
        "API": "docs/api.md",
        "Article files": "docs/article-files.md",
        "Languages": "docs/languages.md",
        "Error codes": "docs/operating/errors.md",
        "Metrics": "docs/operating/monitoring.md",
        "The log": "docs/operating/log.md",
        "Sizing": "docs/sizing.md",
        "Security": "docs/security.md",
        "Reporting a vulnerability": "SECURITY.md",
        "Glossary": "docs/glossary.md",
        "Architecture": "docs/architecture.md",
        "Measurements": "benchmarks/README.md",
        "Changes": "CHANGELOG.md",
    },
}
_ROW = re.compile(r"^\| \[([^\]]+)\]\(([\w.-]+\.md)\) \|(.*)\|$", re.MULTILINE)
_FENCE = re.compile(r"^```([\w-]+)[ \t]+(\S[^\n]*)$", re.MULTILINE)
_DRAWING = re.compile(r"^```mermaid$", re.MULTILINE)
_FOLDER = re.compile(r"(\]\([\w./-]*decisions/)\)")


def main() -> int:
    drawing = MERMAID / "dist" / "mermaid.tiny.js"
    if not drawing.is_file():
        print(f"{drawing.relative_to(ROOT)} is not here: run `make judges`, which needs npm", file=sys.stderr)
        return 1
    shutil.rmtree(BUILD, ignore_errors=True)
    source = BUILD / "source"
    shutil.copytree(ROOT / "docs", source / "docs")
    for name in BESIDE:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    shutil.copy(ROOT / "README.md", source / "index.md")
    for page in source.rglob("*.md"):
        root = "../" * len(page.relative_to(source).parent.parts)
        page.write_text(adapted(page.read_text(encoding="utf-8"), root), encoding="utf-8")
    script = source / SCRIPT
    script.parent.mkdir()
    shutil.copy(drawing, script)
    shutil.copy(MERMAID / "LICENSE", script.with_suffix(".LICENSE.txt"))
    settings = (ROOT / ".ci" / "zensical.toml").read_text(encoding="utf-8")
    (BUILD / "zensical.toml").write_text(settings.replace("nav = []", f"nav = {written(nav())}"), encoding="utf-8")
    command = [ROOT / ".venv" / "docs" / "bin" / "zensical", "build", "--clean", "--strict"]
    done = subprocess.run(command, cwd=BUILD, check=False, capture_output=True, text=True)
    if done.returncode:
        print(re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr), file=sys.stderr)
        return 1
    print(f"{len(list((BUILD / 'site').rglob('*.html')))} pages in {BUILD / 'site'}")
    return 0


def adapted(text: str, root: str = "") -> str:
    """Return a page without what only GitHub understands: names of files beside ```, links to folders, and drawings.

    `root`: the way from the page to the site's root. The theme's script draws what is in a fence `mermaid`, and fetches
    Mermaid from elsewhere unless the page has brought it before.
    """
    if _DRAWING.search(text):
        text = f'{text}\n<script src="{root}{SCRIPT}"></script>\n'
    text = _FOLDER.sub(r"\1README.md)", text)
    return _FENCE.sub(lambda one: f'```{one[1]} title="{one[2].strip()}"', text)


def nav() -> list[Any]:
    """Return the navigation: titles with a page, or with what is below them."""
    guide = ROOT / "docs" / "operating" / "index.md"
    parts = re.split(r"^## ", guide.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    tasks = [{part.partition("\n")[0]: list(_rows(part, "docs/operating"))} for part in parts]
    decisions = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    return [
        *({title: page} for title, page in FIRST.items()),
        {"Operating": ["docs/operating/index.md", *tasks]},
        *({title: [{one: page} for one, page in pages.items()]} for title, pages in SECTIONS.items()),
        {"Decisions": ["docs/decisions/README.md", *_rows(decisions, "docs/decisions", numbered=True)]},
    ]


def _rows(text: str, folder: str, *, numbered: bool = False) -> Iterator[dict[str, str]]:
    for title, page, words in _ROW.findall(text):
        yield {f"{title} {words.strip()}" if numbered else title: f"{folder}/{page}"}


def written(value: Any) -> str:
    """Return strings, lists and tables in TOML, on one line."""
    match value:
        case dict():
            return "{ " + ", ".join(f"{json.dumps(key)} = {written(one)}" for key, one in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(written, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())
