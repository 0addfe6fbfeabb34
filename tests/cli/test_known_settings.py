"""Commands use settings that were checked before, and check them again as soon as they may have changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import ONE_FOLDER, at_site, citewire

from config import known

READING = ("status", "articles", "attention", "failures", "deliveries --channel partner", "operations", "token list")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    at_site(tmp_path, monkeypatch, ONE_FOLDER)
    (tmp_path / "sleep.md").write_text("# Sleep\n\nAn answer.\n")
    return tmp_path


def test_a_command_that_publishes_keeps_what_it_has_checked_and_one_that_reads_keeps_nothing(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = site / "var" / "settings-checked.json"
    assert citewire(capsys, "publish", "sleep.md").status == 0
    assert known.recall(Path("var"), {}, Path("site.toml"), named=False) is not None
    kept.unlink()
    for words in READING:
        assert citewire(capsys, *words.split()).status in (0, 1)
        assert not kept.exists(), words


@pytest.mark.parametrize("words", READING)
def test_settings_that_went_bad_are_refused_as_ever_and_good_ones_taken_again(
    site: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    citewire(capsys, "publish", "sleep.md")
    before = citewire(capsys, *words.split())
    (site / "site.toml").write_text(ONE_FOLDER + "[evidence]\nwait = -1\n")
    refused = citewire(capsys, *words.split())
    assert refused.status == 2
    assert refused.err == "citewire: site.toml: evidence.wait: must be at least 0 [invalid-config]\n"
    (site / "site.toml").write_text(ONE_FOLDER)
    after = citewire(capsys, *words.split())
    assert (after.status, after.out) == (before.status, before.out)


def test_known_settings_do_not_hide_a_changed_channel(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    citewire(capsys, "publish", "sleep.md")
    assert citewire(capsys, "articles", "--channel", "partner").status == 0
    (site / "site.toml").write_text(ONE_FOLDER.replace("partner", "other"))
    result = citewire(capsys, "articles", "--channel", "partner")
    assert result.status == 4
    assert "there are other" in result.err
