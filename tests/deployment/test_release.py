"""A release comes from a tag alone: its notes from the changelog, its SBOM from the lock."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

notes_of: Callable[..., str] = runpy.run_path(str(ROOT / ".ci/release_notes.py"))["notes_of"]

CHANGELOG = """# Changelog

## [Unreleased]

## [1.2.0] - 2026-12-01

### Fixed

- A dose.

## [1.1.0] - 2026-11-01

- Earlier.
"""


def test_the_notes_are_the_section_of_the_tagged_version_and_no_other() -> None:
    assert notes_of("v1.2.0", version="1.2.0", changelog=CHANGELOG) == "### Fixed\n\n- A dose.\n"


@pytest.mark.parametrize(
    ("tag", "version", "changelog", "says"),
    [
        ("v1.2.1", "1.2.0", CHANGELOG, "tag v1.2.0"),
        ("1.2.0", "1.2.0", CHANGELOG, "tag v1.2.0"),
        ("v1.3.0", "1.3.0", CHANGELOG, "no section"),
        ("v1.2.0", "1.2.0", CHANGELOG.replace(" - 2026-12-01", ""), "no date"),
        ("v1.2.0", "1.2.0", CHANGELOG.replace("### Fixed\n\n- A dose.\n", ""), "is empty"),
        ("v1.2.0", "1.2.0", CHANGELOG.replace("## [1.2.0]", "- New.\n\n## [1.2.0]"), "Unreleased"),
    ],
)
def test_a_tag_that_does_not_fit_is_refused(tag: str, version: str, changelog: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        notes_of(tag, version=version, changelog=changelog)


def test_the_changelog_can_be_read_for_a_release() -> None:
    sections: Callable[[str], dict[str, Any]] = notes_of.__globals__["_sections"]
    assert "Unreleased" in sections((ROOT / "CHANGELOG.md").read_text())


def test_the_wheel_holds_the_program_and_the_sdist_builds_it(tmp_path: Path) -> None:
    tree, dist = tmp_path / "tree", tmp_path / "dist"
    subprocess.run(["git", "checkout-index", "--all", f"--prefix={tree}/"], cwd=ROOT, check=True, capture_output=True)
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(dist), str(tree)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    assert wheel.name.startswith(f"citewire-{PROJECT['version']}-")
    packed = set(zipfile.ZipFile(wheel).namelist())
    ours = subprocess.run(
        ["git", "ls-files", "pipeline", "workers", "config"], cwd=ROOT, check=True, capture_output=True
    )
    missing = set(ours.stdout.decode().split()) - packed
    assert {name for name in missing if not name.startswith("config/examples/")} == set()
    with tarfile.open(sdist) as archive:
        assert any(name.endswith("/pyproject.toml") for name in archive.getnames())


def test_the_sbom_lists_what_the_lock_pins(tmp_path: Path) -> None:
    sbom = tmp_path / "sbom.json"
    command = ["-m", "cyclonedx_py", "requirements", "--pyproject", "pyproject.toml", "--output-file", str(sbom)]
    subprocess.run([sys.executable, *command, "requirements.lock"], cwd=ROOT, check=True, capture_output=True)
    listed = {part["name"].lower() for part in json.loads(sbom.read_text())["components"]}
    pinned = set(
        re.findall(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    )
    assert pinned
    assert pinned - listed == set()


def test_the_notice_names_the_licence_of_what_the_lock_pins() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    listed = re.findall(r"^(\S+) (\S+): (.+)$", (ROOT / "NOTICE").read_text(), re.MULTILINE)
    pinned = re.findall(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)", lock, re.MULTILINE)
    assert [(name, version) for name, version, _ in listed] == pinned, "run `make notice`"
    assert "(not stated)" not in {licence for *_, licence in listed}


@pytest.mark.parametrize("file", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda file: file.name)
def test_the_forges_files_can_be_read(file: Path) -> None:
    assert isinstance(yaml.safe_load(file.read_text()), dict)


def test_ci_on_the_forge_runs_what_ci_runs_here() -> None:
    for workflow in ("ci.yml", "release.yml"):
        (job,) = yaml.safe_load((ROOT / ".github/workflows" / workflow).read_text())["jobs"].values()
        assert "bash .ci/run" in [step.get("run") for step in job["steps"]]


def test_actions_are_pinned_by_commit() -> None:
    used = re.findall(r"uses: (\S+)", "\n".join(f.read_text() for f in (ROOT / ".github/workflows").glob("*.yml")))
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one)] == []


def test_the_hooks_use_the_projects_own_tools() -> None:
    hooks = [
        hook
        for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
        for hook in repository["hooks"]
    ]
    assert hooks
    assert [hook["id"] for hook in hooks if not hook["entry"].startswith(".venv/bin/")] == []
