"""When a token ends, as an operator says it."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from command import citewire

from pipeline.errors import InvalidEvent
from workers.cli.tokens import expiry

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("90d", NOW + dt.timedelta(days=90)),
        ("2027-03-01", dt.datetime(2027, 3, 1, tzinfo=dt.UTC)),
        ("2027-03-01T12:00+02:00", dt.datetime(2027, 3, 1, 10, tzinfo=dt.UTC)),
    ],
)
def test_days_and_dates_are_understood(given: str, meant: dt.datetime) -> None:
    assert expiry(given, NOW) == meant


@pytest.mark.parametrize("given", ["", "0d", "d", "-1d", "tomorrow", "2026-03-01", "90", "123456d", "2026-13-01"])
def test_what_is_no_time_to_come_is_refused(given: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        expiry(given, NOW)
    assert (refused.value.code, refused.value.field) == ("invalid-time", "expires")


def test_a_token_is_printed_alone_or_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("token", "create", "--name", "cms", "--scope", "publish", "--data", tmp_path)
    assert re.fullmatch(r"cw_[\w-]{43}\n", citewire(capsys, *words).out)
    given = citewire(capsys, *words, "--expires", "2100-01-01", "--json").json
    assert re.fullmatch(r"cw_[\w-]{43}", given.pop("token"))
    assert given == {"name": "cms", "scope": "publish", "expires": "2100-01-01T00:00:00Z"}


def test_a_token_is_made_for_a_role(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("token", "create", "--name", "desk", "--role", "operator", "--data", tmp_path)
    assert citewire(capsys, *words, "--json").json["scope"] == "operator"


@pytest.mark.parametrize(
    "words", [(), ("--role", "root"), ("--role", "viewer", "--scope", "publish"), ("--scope", "viewer")]
)
def test_a_token_is_made_for_one_known_role_or_one_scope(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    refused = citewire(capsys, "token", "create", "--name", "desk", *words, "--data", tmp_path)
    assert refused.status == 2
    assert "viewer" in refused.err or "give publish" in refused.err
