"""How many pipeline processes "auto" makes, and where that is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from command import ONE_FOLDER, at_site, citewire

from config import load
from pipeline.errors import ConfigError
from workers import cores
from workers.cores import MOST, pipeline_processes, usable


def set_to(folder: Path, value: str) -> Path:
    (folder / "site.toml").write_text(f"[workers]\npipeline_processes = {value}\n")
    return folder / "site.toml"


def test_as_many_as_cores_and_at_most_four(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workers = load({}, file=set_to(tmp_path, '"auto"')).workers
    for lent, expected in ((1, 1), (3, 3), (64, MOST)):
        monkeypatch.setattr(cores, "usable", lambda lent=lent: lent)
        assert pipeline_processes(workers) == expected


def test_a_number_is_what_it_says_however_many_cores_there_are(tmp_path: Path) -> None:
    assert pipeline_processes(load({}, file=set_to(tmp_path, "7")).workers) == 7
    assert pipeline_processes(load({}).workers) == 1


@pytest.mark.parametrize("value", ["0", "65", '"many"', "1.5"])
def test_anything_else_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError, match=r"workers\.pipeline_processes"):
        load({}, file=set_to(tmp_path, value))


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("50000 100000\n", 1),
        ("100000 100000", 1),
        ("250000 100000", 3),
        ("1600000 100000", 8),
        ("1e3 1e3", 8),
        ("max 100000", 8),
        ("", 8),
    ],
)
def test_a_containers_quota_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, expected: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    (tmp_path / "cpu.max").write_text(quota)
    assert (usable(tmp_path / "cpu.max"), usable(tmp_path / "absent")) == (expected, 8)


def test_check_says_how_many_processes_auto_makes_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at_site(tmp_path, monkeypatch, ONE_FOLDER)
    assert "pipeline" not in citewire(capsys, "check").out
    at_site(tmp_path, monkeypatch, ONE_FOLDER + '[workers]\npipeline_processes = "auto"\n')
    number = min(MOST, usable())
    assert f"starts {number} pipeline process" in citewire(capsys, "check").out
    assert citewire(capsys, "check", "--json").json["pipeline_processes"] == number
