"""A tool that is not there: a word on how to get it, and no silence where nothing may be left out."""

from __future__ import annotations

import pytest
from judges.presence import ROOT, file, program

ABSENT = "a-program-that-nobody-has"


def test_on_a_machine_without_the_tool_the_test_is_left_out_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"{ABSENT} is not here: get it"):
        program(ABSENT, hint="get it")


def test_where_nothing_may_be_left_out_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"no/such\.file is not here: get it"):
        file(ROOT / "no" / "such.file", hint="get it")


def test_what_is_there_is_handed_on() -> None:
    assert file(ROOT / "package.json", hint="get it") == ROOT / "package.json"
