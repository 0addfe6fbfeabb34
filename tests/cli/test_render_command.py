"""`citewire render` needs no running system."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from standins.papers import PAPERS, load_papers, paper_xml, record_set

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/articles/baclofen-for-spasticity.md"


def render(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "workers.cli", "render", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("records") / "pubmed.xml"
    path.write_bytes(record_set([paper_xml(paper) for paper in load_papers(PAPERS)]))
    return path


def test_a_rendition_with_references_from_a_file(records: Path) -> None:
    done = render(EXAMPLE, "--format", "ninjs", "--references", records)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pubStatus"] == "usable"
    assert b"Baclofen for spasticity in multiple sclerosis" in done.stdout


def test_a_rendition_without_references_holds_their_links() -> None:
    done = render(EXAMPLE, "--format", "amp")
    assert done.returncode == 0, done.stderr
    assert b"https://pubmed.ncbi.nlm.nih.gov/362234/" in done.stdout


def test_a_broken_file_is_named_with_line_and_field(tmp_path: Path) -> None:
    broken = tmp_path / "broken.md"
    broken.write_text("---\ntitle: X\nreferences: [not-a-reference]\n---\n\nText.\n")
    done = render(broken, "--format", "rss")
    assert done.returncode == 2
    assert f"{broken}:3".encode() in done.stderr
    assert b"references" in done.stderr
    assert b"Traceback" not in done.stderr


def test_an_unknown_format_is_named(tmp_path: Path) -> None:
    done = render(EXAMPLE, "--format", "papyrus")
    assert done.returncode == 2
    assert b"papyrus" in done.stderr


def test_a_records_file_that_is_not_one_is_named(tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.xml"
    nonsense.write_text("<html>")
    done = render(EXAMPLE, "--format", "rss", "--references", nonsense)
    assert done.returncode == 2
    assert str(nonsense).encode() in done.stderr


def test_the_judge_of_the_format_says_what_it_checked() -> None:
    done = render(EXAMPLE, "--format", "amp", "--judge")
    assert done.returncode == 0, done.stderr
    first, *rules = done.stdout.decode().splitlines()
    assert first == f"baclofen-for-spasticity  amp  well: {len(rules)} rules checked"
    assert "  kept     boilerplate (AMP HTML, Required markup (boilerplate))" in rules


def test_a_rule_that_is_broken_is_the_exit_status(tmp_path: Path) -> None:
    article = tmp_path / "long.md"
    article.write_text(
        f"---\nid: {'a' * 70}\ntitle: Long\nsummary: Yes.\npublished: 2025-03-02\n---\n\n## Yes\n\nYes.\n"
    )
    said = render(article, "--format", "apple-news", "--judge")
    assert said.returncode == 1, said.stderr
    assert b"  broken   identifier: " in said.stdout
    done = render(article, "--format", "apple-news", "--judge", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"], found["revision"]) == (1, "broken", None)
    assert [one["rule"] for one in found["broken"]] == ["identifier"]


def test_a_rendition_is_no_json_document_of_the_command() -> None:
    done = render(EXAMPLE, "--format", "amp", "--json")
    assert done.returncode == 2
    assert b"--judge" in done.stderr
