"""`citewire passkeys`: inviting people, who has passkeys, and removing what they have."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from command import citewire
from empty_ledger import empty_ledger

from pipeline.ledger import Ledger, passkeys

SETTINGS = '[web.passkeys]\nconsole_url = "https://desk.example.org"\n'
EVIL = "\u202eEve\n\x07 Mallory"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "site.toml").write_text(SETTINGS)
    monkeypatch.setenv("CITEWIRE_CONFIG", str(tmp_path / "site.toml"))
    empty_ledger(tmp_path / "var").close()
    return tmp_path / "var"


def _has(data: Path, handle: str, name: str) -> str:
    """Have a person with a passkey; return its id."""
    ledger = Ledger(f"sqlite:///{data / 'ledger.sqlite'}")
    now = dt.datetime.now(dt.UTC)
    with ledger.write() as transaction:
        passkeys.add_person(transaction, handle, name=name, role="editor", token=None, now=now)
        made = passkeys.add(transaction, handle, person=handle, name="Laptop", key=b"", counter=0, now=now)
        passkeys.put_codes(transaction, handle, [f"code of {handle}"])
    ledger.close()
    assert made is not None
    return made.id


def test_an_invitation_is_a_link_alone_on_the_last_line_and_is_listed(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "nobody has a passkey" in citewire(capsys, "passkeys", "list", "--data", data).out
    said = citewire(capsys, "passkeys", "invite", "--role", "operator", "--name", EVIL, "--data", data)
    address, _, secret = said.out.strip().partition("#")
    assert (said.status, address, len(secret)) == (0, "https://desk.example.org/console/join", 43)
    (one,) = citewire(capsys, "passkeys", "list", "--json", "--data", data).json["invitations"]
    assert (one["name"], one["role"]) == ("Eve Mallory", "operator")
    assert one["id"] in citewire(capsys, "passkeys", "list", "--utc", "--data", data).out
    assert secret.encode() not in (data / "ledger.sqlite").read_bytes()
    assert citewire(capsys, "passkeys", "remove", one["id"], "--data", data).status == 0
    assert citewire(capsys, "passkeys", "list", "--json", "--data", data).json["invitations"] == []


def test_a_passkey_is_removed_by_its_id_and_all_of_a_person_by_the_name(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    laptop = _has(data, "handle-of-ada", "Ada")
    _has(data, "handle-of-bob", "Bob")
    ada, bob = citewire(capsys, "passkeys", "list", "--json", "--data", data).json["people"]
    assert (ada["name"], ada["role"], ada["codes"], ada["passkeys"][0]["id"]) == ("Ada", "editor", 1, laptop)
    assert citewire(capsys, "passkeys", "remove", laptop, "--data", data).out == f"passkey {laptop} removed\n"
    assert "Ada (handle-of-) has no passkey" in citewire(capsys, "passkeys", "list", "--data", data).out
    assert citewire(capsys, "passkeys", "remove", "Ada", "--data", data).status == 0
    assert citewire(capsys, "passkeys", "list", "--json", "--data", data).json["people"] == [bob]


def test_what_is_not_there_or_cannot_be_is_refused_with_the_mend(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = citewire(capsys, "passkeys", "remove", "nobody", "--data", data)
    assert (unknown.status, "unknown-passkey" in unknown.err) == (4, True)
    assert citewire(capsys, "passkeys", "invite", "--role", "king", "--name", "Eve", "--data", data).status == 2
    assert citewire(capsys, "passkeys", "invite", "--role", "viewer", "--name", "\u202e", "--data", data).status == 2
    monkeypatch.delenv("CITEWIRE_CONFIG")
    off = citewire(capsys, "passkeys", "invite", "--role", "viewer", "--name", "Eve", "--data", data)
    assert (off.status, "web.passkeys" in off.err and "console_url" in off.err) == (2, True)
