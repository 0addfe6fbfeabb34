"""Manual pages: one of each command, from what `--help` shows, which groff formats without a warning."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from command import citewire
from documents import GUIDE
from judges.presence import program
from test_every_command import COMMANDS, LASTING

from workers.cli.app import NAMED
from workers.cli.man import EXIT_STATUSES, pages


@pytest.fixture(scope="module")
def manual() -> dict[str, str]:
    return dict(pages())


def test_every_command_has_a_page(manual: dict[str, str]) -> None:
    assert {f"citewire-{name.replace(' ', '-')}" for name in {*COMMANDS, *LASTING}} <= manual.keys()
    assert "citewire" in manual


def test_a_page_names_every_option_that_the_help_names(
    manual: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    helped = citewire(capsys, "publish", "--help").out
    options = set(re.findall(r"--[a-z][a-z-]+", helped))
    page = manual["citewire-publish"].replace("\\-", "-")
    assert options and options <= set(re.findall(r"--[a-z][a-z-]+", page))


def test_the_first_page_refers_to_the_others(manual: dict[str, str]) -> None:
    assert ".BR citewire\\-publish (1)" in manual["citewire"]
    assert ".BR citewire\\-channels\\-pause (1)" in manual["citewire-channels"]


def test_a_page_is_dated_by_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1772366400")
    assert dict(pages())["citewire"].startswith('.TH "CITEWIRE" 1 2026-03-01 ')


def test_groff_formats_every_page_without_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    groff = program("groff", hint="apt-get install groff-base")
    assert citewire(capsys, "man", "--directory", tmp_path / "man1").status == 0
    files = sorted((tmp_path / "man1").glob("*.1"))
    assert len(files) > 40
    bad = tmp_path / "bad.1"
    bad.write_text('.TH "BAD" 1\n.NONE such\n')
    for which, wanted in ((files, True), ([bad], False)):
        command = [groff, "-man", "-Tutf8", "-Kutf8", "-ww", "-z", *map(str, which)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert (done.returncode == 0 and done.stderr == "") is wanted, done.stderr


def test_exit_statuses_are_those_of_the_guide() -> None:
    documented = re.findall(r"^\| (\d+) \|", (GUIDE / "commands.md").read_text(), re.MULTILINE)
    assert list(map(int, documented)) == list(EXIT_STATUSES)


def test_the_pages_name_all_that_may_be_unknown() -> None:
    *named, last = EXIT_STATUSES[4].removeprefix("There is no such ").removesuffix(".").split(", ")
    assert {*named, *last.split(" or ")} == {*NAMED, "token"}
