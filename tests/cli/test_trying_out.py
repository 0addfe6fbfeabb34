"""`channels test`: the other end gets a signed sample that it has no reason to show."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import at_site, citewire

from standins.receiver import Conduct, Receiver

SECRET = base64.b64encode(bytes(range(32))).decode()
SITE = """
egress_allow = ["127.0.0.0/8"]

[[channels]]
id = "partner"
type = "webhook"
format = "ninjs"
url = "{url}"
secret = "env:PARTNER"

[[channels]]
id = "files"
type = "directory"
format = "ninjs"
path = "out"
"""


@pytest.fixture
def partner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with Receiver(secrets=[SECRET]) as receiver:
        at_site(tmp_path, monkeypatch, SITE.format(url=receiver.url))
        monkeypatch.setenv("PARTNER", SECRET)
        yield receiver


def test_a_webhook_gets_the_signed_withdrawal_of_an_article_that_never_was(
    partner: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    said = citewire(capsys, "channels", "test", "partner", "--json")
    assert (said.status, said.json["sample"], said.json["ok"]) == (0, True, True)
    assert "took the sample" in citewire(capsys, "channels", "test", "partner").out
    first, second = partner.received
    assert first.verified
    assert first.headers["citewire-event"] == "withdrawn"
    assert first.headers["citewire-article"].startswith("citewire-test-")
    assert first.headers["webhook-id"].endswith(f".1.withdrawn.withdrawn.{first.headers['citewire-article']}")
    assert first.headers["webhook-id"] != second.headers["webhook-id"]


def test_a_refusal_is_said_with_its_answer(partner: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    partner.conduct(Conduct(mode="status", status=401))
    said = citewire(capsys, "channels", "test", "partner")
    assert said.status == 1
    assert said.out.startswith("partner  FAILED: 401")
    assert citewire(capsys, "channels", "test", "partner", "--json").json["status"] == 401


def test_a_folder_is_left_as_it_was(partner: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    said = citewire(capsys, "channels", "test", "files")
    assert (said.status, "was reached" in said.out) == (0, True)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_test_event_goes_to_every_channel_or_to_those_named(
    partner: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    every = citewire(capsys, "trigger", "--json")
    assert (every.status, [(one["channel"], one["sample"], one["ok"]) for one in every.json["channels"]]) == (
        0,
        [("partner", True, True), ("files", False, True)],
    )
    assert citewire(capsys, "trigger", "files", "files").out.count("was reached") == 1
    assert len(partner.received) == 1
    partner.conduct(Conduct(mode="status", status=500))
    said = citewire(capsys, "trigger")
    assert (said.status, len(said.out.splitlines())) == (1, 2)
    assert citewire(capsys, "trigger", "partnr").status == 4
    assert len(partner.received) == 2


def test_an_unknown_channel_is_refused(partner: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    said = citewire(capsys, "channels", "test", "partnr")
    assert (said.status, "did you mean 'partner'?" in said.err) == (4, True)
