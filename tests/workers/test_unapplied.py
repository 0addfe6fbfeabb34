"""A settings file that is not what the processes run with is noticed, and what is wrong with it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from bench import START

from config import load
from pipeline.ledger.attention import Facts, UnappliedSettings
from pipeline.stages.attention import UNAPPLIED_AFTER, attention
from workers.unapplied import changed, unapplied_of


def test_settings_on_disk_that_are_not_in_force_are_noticed_until_they_are_the_same_again(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('[site]\ntitle = "Notes"\n')
    check = unapplied_of(load({}, file=file, data=tmp_path))
    assert check() is None
    file.write_text('[site]\ntitle = "Other notes"\n')
    assert check() == UnappliedSettings(since=changed(file))
    file.write_text("no toml")
    found = check()
    assert found is not None and found.error is not None and "not TOML" in found.error
    file.unlink()
    found = check()
    assert found is not None and found.error is not None and "cannot be read" in found.error
    file.write_text('[site]\ntitle = "Notes"   # as before\n')
    assert check() is None
    assert unapplied_of(load({}, data=tmp_path))() is None, "a system without a file has nothing on disk"


def test_somebody_who_has_just_saved_the_file_is_given_a_minute() -> None:
    def kinds(age: dt.timedelta, error: str | None = None) -> list[tuple[str, str]]:
        found = attention(Facts(now=START, unapplied=UnappliedSettings(START - age, error)))
        return [(one.kind, one.command) for one in found]

    assert kinds(UNAPPLIED_AFTER / 2) == []
    assert kinds(UNAPPLIED_AFTER) == [("settings-unapplied", "citewire plan")]
    assert kinds(UNAPPLIED_AFTER, "not TOML") == [("settings-unapplied", "citewire check")]
