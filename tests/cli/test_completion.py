"""A shell completes commands, subcommands and options from the commands themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import citewire
from documents import ROOT
from judges.presence import program

from workers.cli.commands import COMMANDS


def completed(folder: Path, *words: str) -> list[str]:
    """What bash offers for the last word."""
    bash = program("bash", hint="it is on every Debian")
    installed = folder / "citewire"
    installed.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m workers.cli "$@"\n')
    installed.chmod(0o755)
    script = f"""
    eval "$(citewire completion bash)"
    COMP_WORDS=({" ".join(f"'{word}'" for word in words)})
    COMP_CWORD={len(words) - 1}
    _citewire_completion citewire
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    where = {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [bash, "-c", script], capture_output=True, text=True, timeout=120, check=True, env=os.environ | where
    )
    return done.stdout.split()


def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    assert completed(tmp_path, "citewire", "chan") == ["channels"]
    assert "--failure" in completed(tmp_path, "citewire", "replay", "--f")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    script = citewire(capsys, "completion", shell).out
    assert "_CITEWIRE_COMPLETE=complete_" + shell in script


def test_a_shell_without_a_script_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert citewire(capsys, "completion", "tcsh").status == 2


def test_every_command_is_offered(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_CITEWIRE_COMPLETE", "complete_fish")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "citewire ")
    offered = [line.split("\t")[0] for line in citewire(capsys).out.splitlines()]
    assert offered == list(COMMANDS)
