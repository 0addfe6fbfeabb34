"""With `--json` a command that fails prints a document too, so that a program need not read its words."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench import Bench, article
from command import at_site, citewire
from empty_ledger import empty_ledger


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    at_site(tmp_path, monkeypatch)
    return tmp_path


def test_an_error_is_a_document_and_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    said = citewire(capsys, "status", "--json")
    (error,) = said.json["errors"]
    assert (said.status, error["code"]) == (2, "ledger-missing")
    assert error["hint"].startswith("publish an article")
    assert said.err.startswith("citewire: there is no ledger")


def test_every_mistake_in_the_settings_is_in_it(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "site.toml").write_text('site.languag = "en"\nhub.leas = 3\n')
    said = citewire(capsys, "status", "--json")
    assert [error["key"] for error in said.json["errors"]] == ["site.languag", "hub.leas"]


def test_a_wrong_option_is_one_too(capsys: pytest.CaptureFixture[str]) -> None:
    said = citewire(capsys, "status", "--json", "--nonsense")
    assert said.status == 2
    assert "--nonsense" in said.json["errors"][0]["message"]


def test_without_it_nothing_is_printed_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert citewire(capsys, "status").out == ""


def test_a_delivery_is_named_by_the_beginning_of_its_id(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = empty_ledger(site / "var")
    bench = Bench(ledger)
    for number in range(2):
        bench.publish(article(f"article-{number}"))
    bench.work()
    ledger.close()
    first, second = (one["id"] for one in citewire(capsys, "deliveries", "--json").json["deliveries"])
    assert first[:-1] == second[:-1]
    several = citewire(capsys, "deliveries", "--attempts", first[:-1])
    assert (several.status, "several deliveries begin with" in several.err) == (4, True)
    assert citewire(capsys, "deliveries", "--attempts", first, "--json").json["id"] == first
    assert citewire(capsys, "deliveries", "--attempts", "nothing").status == 4
