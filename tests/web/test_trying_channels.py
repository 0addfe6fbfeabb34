"""A channel is tried out from the API and the console: a real receiver gets the sample, and nothing else changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from console_person import Person
from served import SITE, Served, served
from standardwebhooks import Webhook as Verifier

from pipeline.channels.webhook.signing import new_secret
from pipeline.ledger import operations
from pipeline.ledger.deliveries import channels
from standins.receiver import Conduct, Receiver

SECRET = new_secret()
FOLDER = """
[[channels]]
id = "files"
type = "directory"
format = "ninjs"
path = "{out}"
"""
TEST = "/v1/channels/partner/test"


@pytest.fixture
def partner() -> Iterator[Receiver]:
    with Receiver(secrets=[SECRET]) as receiver:
        yield receiver


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def site(tmp_path: Path, out: Path, partner: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("PARTNER_SECRET", SECRET)
    text = SITE.replace("https://partner.example.org/in", f"{partner.url}in") + FOLDER.format(out=out)
    with served(
        tmp_path, 'egress_allow = ["127.0.0.0/8"]\n' + text, ("html", "ninjs", "json-ld"), scripted=False
    ) as it:
        yield it


def audit(site: Served) -> list[tuple[str, str, str, str | None, str | None]]:
    with site.context.ledger.read() as transaction:
        return [
            (one.by, one.kind, part.outcome, part.channel, part.reason)
            for one in operations.newest(transaction, limit=10)
            for part in operations.parts_of(transaction, one.id)
        ]


def test_a_webhook_gets_a_signed_sample_and_its_answer_is_told(site: Served, partner: Receiver) -> None:
    told = site.ask("POST", TEST).json
    assert {name: told[name] for name in ("channel", "sample", "ok", "status", "code")} == {
        "channel": "partner", "sample": True, "ok": True, "status": 204, "code": None,
    }  # fmt: skip
    (got,) = partner.received
    at = dt.datetime.fromtimestamp(
        int(got.headers["webhook-timestamp"]), dt.UTC
    )  # the test's time: `verify` refuses it
    assert got.headers["webhook-signature"] == Verifier(SECRET).sign(got.headers["webhook-id"], at, got.body.decode())
    assert got.headers["citewire-event"] == "withdrawn"
    assert got.headers["citewire-article"].startswith("citewire-test-")
    ((by, kind, outcome, channel, words),) = audit(site)
    assert (by, kind, outcome, channel) == ("of root", "test", "answered", "partner")
    assert words == f"sample: {told['detail']}, in {told['milliseconds']} ms"


def test_a_refusal_is_told_and_the_channel_stays_as_it_was(site: Served, partner: Receiver) -> None:
    partner.conduct(Conduct(mode="status", status=410))
    told = site.ask("POST", TEST)
    assert (told.status, told.json["ok"], told.json["status"]) == (200, False, 410)
    assert told.json["code"]
    with site.context.ledger.read() as transaction:
        assert channels.health(transaction, "partner") == channels.Health()
    assert audit(site)[0][2] == "failed"


def test_a_folder_is_reached_and_left_as_it_was(site: Served, out: Path) -> None:
    told = site.ask("POST", "/v1/channels/files/test").json
    assert (told["sample"], told["ok"], told["status"]) == (False, True, None)
    assert list(out.iterdir()) == []
    out.rmdir()
    out.write_text("no folder")
    told = site.ask("POST", "/v1/channels/files/test").json
    assert (told["ok"], bool(told["code"])) == (False, True)


def test_partners_and_operators_ask_together_only_so_often(site: Served, partner: Receiver) -> None:
    asked = [site.ask("POST", "/partners/partner/test", "partner"), *(site.ask("POST", TEST) for _ in range(3))]
    assert [one.status for one in asked] == [200, 200, 200, 429]
    assert asked[-1].headers["retry-after"]
    assert len(partner.received) == 3
    assert site.ask("POST", "/v1/channels/files/test").status == 200  # another channel


def test_the_console_sends_one_and_shows_what_came_back(site: Served, partner: Receiver) -> None:
    partner.conduct(Conduct(mode="status", status=401))
    person = Person(site.app)
    person.sign_in()
    person.get("/console/channels/partner")
    person.submit("Send a test event")
    assert person.at.startswith("/console/operations/op_")
    assert "failed" in person.words and "sample: 401" in person.words
    assert "/console/channels/partner" in person.links()
    person.get("/console/channels/files")
    person.submit("Test it")
    assert "answered" in person.words and "reached: " in person.words


def test_only_who_may_can_and_only_channels_that_there_are(site: Served, partner: Receiver) -> None:
    assert site.ask("POST", TEST, "cms").code == "scope-insufficient"
    assert site.ask("POST", "/v1/channels/partnr/test").code == "unknown-channel"
    publisher = Person(site.app)
    publisher.sign_in("cms")
    publisher.get("/console/channels/partner")
    assert "Send a test event" not in publisher.buttons
    proof = publisher.form_of("Sign out")[1]["proof"]
    assert publisher.post("/console/channels/partner/test", {"proof": proof}).status == 403
    person = Person(site.app)
    person.sign_in()
    person.get("/console/channels")
    proof = person.form_of("Sign out")[1]["proof"]
    assert person.post("/console/channels/partnr/test", {"proof": proof}).status == 404
    assert partner.received == []
