"""Settings that were checked are known to the next command, until anything that they depend on has changed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from config import load
from config.known import Known, check_ahead, code_state, fingerprint, keep, known_of, recall
from pipeline.errors import ConfigError

PASSWORD = "hunter2"
SITE = """
[site]
title = "Doctor's Note"

[intake]
drop = [".share-bar"]

[evidence]
wait = 3

[[channels]]
id = "partner"
type = "directory"
format = "ninjs"
path = "out"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "var").mkdir()
    file = tmp_path / "site.toml"
    file.write_text(SITE)
    return file


def checked(file: Path | None, folder: Path, environment: dict[str, str]) -> Known:
    """Check the settings and keep what is known of them, as a command that publishes does."""
    mark = fingerprint(environment, file, named=True)
    assert mark is not None
    known = known_of(load(environment, file=file, data=folder))
    keep(known, environment, [mark])
    return known


def test_what_is_recalled_is_what_was_checked(file: Path) -> None:
    folder = file.parent / "var"
    known = checked(file, folder, {})
    assert known.channels == ("partner",)
    assert (known.evidence_wait, known.drop) == (3, (".share-bar",))
    assert recall(folder, {}, file, named=True) == known
    settings = load({}, file=file, data=folder)
    assert (known.ledger_url, known.store_location) == (settings.ledger_url, settings.store_location)
    assert recall(folder, {}, file, named=False) is None, "the file might name another folder"


@pytest.mark.parametrize(
    "environment",
    [
        {"CITEWIRE_STORE_URL": "s3://bucket"},
        {"CITEWIRE_PUBMED_URL": "http://127.0.0.1:1/"},
        {"CITEWIRE_PUBMED_API_KEY": "secret"},
        {"CITEWIRE_PUBMED_API_KEY_FILE": "/run/key"},
        {"CITEWIRE_CROSSREF_URL": "http://127.0.0.1:2/"},
        {"CITEWIRE_EGRESS_ALLOW": "127.0.0.0/8"},
        {"CITEWIRE_DATABASE_URL": "sqlite:////elsewhere.sqlite"},
        {"CITEWIRE_REDIS_URL": "redis://host"},
    ],
    ids=lambda environment: next(iter(environment)),
)
def test_with_another_variable_the_settings_are_checked_again(file: Path, environment: dict[str, str]) -> None:
    folder = file.parent / "var"
    checked(file, folder, {})
    assert recall(folder, environment, file, named=True) is None
    known = checked(file, folder, environment)
    assert recall(folder, environment, file, named=True) == known
    assert recall(folder, {}, file, named=True) is not None, "what was known before is known still"


def test_a_changed_file_is_checked_again_and_a_file_that_is_gone_is_not_known(file: Path) -> None:
    folder = file.parent / "var"
    checked(file, folder, {})
    file.write_text(SITE.replace("wait = 3", "wait = -3"))
    assert recall(folder, {}, file, named=True) is None
    file.write_text(SITE)
    assert recall(folder, {}, file, named=True) is not None
    file.unlink()
    assert recall(folder, {}, file, named=True) is None
    assert recall(folder, {}, None, named=True) is None


def test_addresses_from_variables_are_read_and_checked_each_time_and_kept_nowhere(file: Path) -> None:
    folder = file.parent / "var"
    secret = file.parent / "redis"
    secret.write_text(f"rediss://:{PASSWORD}@redis:6379/0")
    url = "postgresql://citewire:{}@postgres/citewire"
    environment = {"CITEWIRE_DATABASE_URL": url.format(PASSWORD), "CITEWIRE_REDIS_URL_FILE": str(secret)}
    known = checked(file, folder, environment)
    assert recall(folder, environment, file, named=True) == known
    kept = folder / "settings-checked.json"
    assert PASSWORD not in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    other = environment | {"CITEWIRE_DATABASE_URL": url.format("other")}
    found = recall(folder, other, file, named=True)
    assert found is not None and found.ledger_url == url.format("other")
    wrong = environment | {"CITEWIRE_DATABASE_URL": "mysql://host/name"}
    assert recall(folder, wrong, file, named=True) is None, "the full check says what is wrong with it"
    secret.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        recall(folder, environment, file, named=True)


@pytest.mark.parametrize(
    "line",
    [
        f'database_url = "postgresql://citewire:{PASSWORD}@postgres/citewire"',
        f'database_url = "postgresql://citewire:12/{PASSWORD}@postgres/citewire"',
        f'redis_url = "rediss://:{PASSWORD}@redis:6379/0"',
        f'store_url = "s3://bucket/prefix?secret_access_key={PASSWORD}"',
    ],
)
def test_a_file_with_a_password_in_an_address_is_not_kept(file: Path, line: str) -> None:
    file.write_text(f"{line}\n{SITE}")
    checked(file, file.parent / "var", {})
    assert not (file.parent / "var" / "settings-checked.json").exists()


def test_an_address_in_the_file_without_a_password_is_known(file: Path) -> None:
    file.write_text(f'database_url = "sqlite:///own.sqlite"\nstore_url = "files"\n{SITE}')
    known = checked(file, file.parent / "var", {})
    assert recall(file.parent / "var", {}, file, named=True) == known
    assert known.ledger_url == f"sqlite:///{file.parent / 'own.sqlite'}"
    assert known.store_location == str(file.parent / "files")


def test_a_file_of_the_same_words_in_another_folder_is_another(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(f'database_url = "sqlite:///own.sqlite"\n{SITE}')
    other = file.parent / "other"
    other.mkdir()
    (other / file.name).write_text(file.read_text())
    monkeypatch.chdir(file.parent)
    known = checked(Path(file.name), file.parent / "var", {})
    assert recall(file.parent / "var", {}, Path(file.name), named=True) == known
    monkeypatch.chdir(other)
    assert recall(file.parent / "var", {}, Path(file.name), named=True) is None
    again = checked(Path(file.name), file.parent / "var", {})
    assert again.ledger_url == f"sqlite:///{other / 'own.sqlite'}"


def test_code_that_was_replaced_is_noticed_even_with_its_former_times_and_size(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text("MOST = 1\n")
    (tmp_path / "notes.txt").write_text("no code")
    before = code_state([tmp_path])
    assert [name for name, *_ in before] == ["0/settings.py"]
    (tmp_path / "notes.txt").write_text("still none")
    assert code_state([tmp_path]) == before
    was = (tmp_path / "settings.py").stat()
    (tmp_path / "new.py").write_text("MOST = 2\n")
    (tmp_path / "new.py").replace(tmp_path / "settings.py")
    os.utime(tmp_path / "settings.py", ns=(was.st_atime_ns, was.st_mtime_ns))
    assert code_state([tmp_path]) != before


def test_what_was_kept_under_another_fingerprint_is_not_known(file: Path) -> None:
    folder = file.parent / "var"
    checked(file, folder, {})
    kept = folder / "settings-checked.json"
    (one,) = json.loads(kept.read_text()).values()
    kept.write_text(json.dumps({"0" * 64: one}))
    assert recall(folder, {}, file, named=True) is None


@pytest.mark.parametrize("text", ["", "{", '{"a": 1}', "\xff", "[]"])
def test_a_damaged_file_is_as_none(file: Path, text: str) -> None:
    folder = file.parent / "var"
    (folder / "settings-checked.json").write_bytes(text.encode("latin-1"))
    assert recall(folder, {}, file, named=True) is None
    known = checked(file, folder, {})
    assert recall(folder, {}, file, named=True) == known


def test_no_more_is_kept_than_a_few(file: Path) -> None:
    folder = file.parent / "var"
    for number in range(20):
        known = checked(file, folder, {"CITEWIRE_PUBMED_EMAIL": f"desk{number}@example.org"})
    kept = json.loads((folder / "settings-checked.json").read_text())
    assert len(kept) == 16
    newest = {"CITEWIRE_PUBMED_EMAIL": "desk19@example.org"}
    assert recall(folder, newest, file, named=True) == known
    assert recall(folder, {"CITEWIRE_PUBMED_EMAIL": "desk0@example.org"}, file, named=True) is None


def test_a_folder_that_cannot_be_written_to_is_no_error(file: Path) -> None:
    folder = file.parent / "var"
    folder.rmdir()
    checked(file, folder, {})
    assert not folder.exists()


def test_what_is_checked_ahead_is_known_however_the_file_and_the_folder_are_named(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    check_ahead({}, Path("site.toml"), Path("var"))
    for one in (Path("site.toml"), file):
        for named in (True, False):
            found = recall(Path("var"), {}, one, named=named)
            assert found == known_of(load({}, file=one, data=Path("var")))
    file.write_text(f'data = "elsewhere"\n{SITE}')
    check_ahead({}, file, Path("var"))
    assert recall(Path("var"), {}, file, named=True) is not None
    assert recall(Path("var"), {}, file, named=False) is None, "without a name for the folder, it is the file's"
