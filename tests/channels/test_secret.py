"""A secret in settings names where it is, and is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.channels.shared.settings import ChannelSettings
from pipeline.errors import ConfigError
from pipeline.secret import SecretRef


class Settings(ChannelSettings):
    key: SecretRef


@pytest.mark.parametrize("text", ["env:A", "env:_A1", "file:/run/secrets/a"])
def test_a_reference_reads_and_writes_as_it_stands(text: str) -> None:
    settings = Settings(key=text)  # type: ignore[arg-type]
    assert str(settings.key) == text
    assert settings.model_dump(mode="json") == {"key": text}


@pytest.mark.parametrize("text", ["hush", "", "env:", "env:A B", "env:A=hush", "file:", "file:hush", "whsec_hush", 5])
def test_what_is_no_reference_is_refused_and_not_repeated(text: object) -> None:
    with pytest.raises(ValidationError, match="do not write the secret here") as raised:
        Settings(key=text)  # type: ignore[arg-type]
    assert "hush" not in str(raised.value)


def test_a_secret_comes_from_the_environment_or_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("A", "hush")
    (tmp_path / "a").write_text("hush too\n")
    assert SecretRef.parse("env:A").resolve("key") == "hush"
    assert SecretRef.parse(f"file:{tmp_path}/a").resolve("key") == "hush too"


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_a_missing_empty_or_unreadable_secret_names_its_setting(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a").write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        SecretRef.parse(f"file:{tmp_path}/a").resolve("key")
    assert (raised.value.key, raised.value.code) == ("key", "secret-missing")
    assert raised.value.__cause__ is None or isinstance(raised.value.__cause__, OSError)
