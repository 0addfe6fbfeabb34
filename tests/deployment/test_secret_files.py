"""Settings that hold a secret, from files: CITEWIRE_DATABASE_URL_FILE and its like."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import load
from pipeline.errors import ConfigError
from pipeline.secret import SecretRef

URL = "postgresql://citewire:hunter2@postgres/citewire"


@pytest.mark.parametrize(("name", "url"), [("database_url", URL), ("redis_url", "rediss://:hunter2@redis:6379/0")])
def test_an_address_may_be_in_a_file(tmp_path: Path, name: str, url: str) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{url}\n")
    assert getattr(load({f"CITEWIRE_{name.upper()}_FILE": str(file)}), name) == url


def test_it_stands_above_the_sites_own_file(tmp_path: Path) -> None:
    site, file = tmp_path / "site.toml", tmp_path / "secret"
    site.write_text('database_url = "sqlite:///other.sqlite"\n')
    file.write_text(URL)
    assert load({"CITEWIRE_CONFIG": str(site), "CITEWIRE_DATABASE_URL_FILE": str(file)}).database_url == URL


def test_the_variable_itself_wins_and_the_file_is_not_even_read() -> None:
    environment = {"CITEWIRE_DATABASE_URL": "sqlite:////srv/ledger.sqlite", "CITEWIRE_DATABASE_URL_FILE": "/nowhere"}
    assert load(environment).database_url == "sqlite:////srv/ledger.sqlite"


def test_an_empty_variable_counts_as_none(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(URL)
    environment = {"CITEWIRE_DATABASE_URL": "", "CITEWIRE_DATABASE_URL_FILE": str(file), "CITEWIRE_REDIS_URL_FILE": ""}
    settings = load(environment)
    assert (settings.database_url, settings.redis_url) == (URL, None)


@pytest.mark.parametrize("content", [None, "", " \n", b"\xff\xfe"])
def test_a_file_that_gives_no_address_is_named_with_its_variable(tmp_path: Path, content: str | bytes | None) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError) as caught:
        load({"CITEWIRE_DATABASE_URL_FILE": str(file)})
    assert caught.value.code == "secret-missing"
    assert "CITEWIRE_DATABASE_URL_FILE" in str(caught.value)
    assert str(file) in str(caught.value)


def test_the_api_key_of_pubmed_is_kept_as_the_place_where_it_stands(tmp_path: Path) -> None:
    """The secret is in no settings object, which might be printed."""
    file = tmp_path / "secret"
    file.write_text("0123456789\n")
    key = load({"CITEWIRE_PUBMED_API_KEY_FILE": str(file)}).pubmed_api_key
    assert key == SecretRef("file", str(file))
    assert key.resolve("pubmed_api_key") == "0123456789"


def test_the_api_key_in_the_environment_wins_over_the_file() -> None:
    environment = {"CITEWIRE_PUBMED_API_KEY": "x", "CITEWIRE_PUBMED_API_KEY_FILE": "/nowhere"}
    assert load(environment).pubmed_api_key == SecretRef("env", "CITEWIRE_PUBMED_API_KEY")
