"""`citewire sessions`: who is signed in, and signing people out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from command import citewire
from empty_ledger import empty_ledger

from pipeline.ledger import Ledger, sessions, tokens
from pipeline.model.policy import SessionLimits


@pytest.fixture
def data(tmp_path: Path) -> Path:
    empty_ledger(tmp_path).close()
    return tmp_path


def _sign_in(data: Path, *people: str) -> None:
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}")
    now = dt.datetime.now(dt.UTC)
    with ledger.write() as transaction:
        for number, name in enumerate(people):
            if number == people.index(name):
                tokens.add(transaction, name, name=name, scope="operator", now=now)
            sessions.begin(transaction, f"{name} {number}", who=name, client="198.51.100.4", now=now)
    ledger.close()


def _names(data: Path) -> list[str]:
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}")
    with ledger.read() as transaction:
        found = [one.name for one in sessions.every(transaction, now=dt.datetime.now(dt.UTC), limits=SessionLimits())]
    ledger.close()
    return sorted(found)


def test_who_is_signed_in_is_listed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert citewire(capsys, "sessions", "list", "--data", data).out == "nobody is signed in\n"
    _sign_in(data, "night desk")
    (one,) = citewire(capsys, "sessions", "list", "--json", "--data", data).json["sessions"]
    assert (one["name"], one["role"], one["client"]) == ("night desk", "operator", "198.51.100.4")
    shown = citewire(capsys, "sessions", "list", "--utc", "--data", data).out
    assert all(part in shown for part in (one["id"], "night desk", "operator", "198.51.100.4", "Z"))


def test_a_session_is_ended_by_its_id_a_persons_by_the_name_and_everybodys(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _sign_in(data, "ada", "ada", "bob", "bob", "eve")
    listed = citewire(capsys, "sessions", "list", "--json", "--data", data).json["sessions"]
    one = next(one["id"] for one in listed if one["name"] == "ada")
    for named, left in {one: ["ada", "bob", "bob", "eve"], "bob": ["ada", "eve"], "--all": []}.items():
        assert citewire(capsys, "sessions", "end", named, "--data", data).status == 0
        assert _names(data) == left


def test_ending_what_is_not_there_or_everything_by_mistake_is_refused(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _sign_in(data, "ada")
    unknown = citewire(capsys, "sessions", "end", "eve", "--data", data)
    assert (unknown.status, "unknown-session" in unknown.err) == (4, True)
    assert citewire(capsys, "sessions", "end", "--data", data).status == 2
    assert citewire(capsys, "sessions", "end", "ada", "--all", "--data", data).status == 2
    assert _names(data) == ["ada"]
