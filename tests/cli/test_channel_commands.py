"""Channels as an operator sees them, pauses them and resumes them."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from command import citewire
from empty_ledger import empty_ledger
from standardwebhooks import Webhook as Verifier

from benchmarks.statements import counted
from pipeline.channels.webhook.rotation import MadeSecret, MadeSecrets, encoded
from pipeline.channels.webhook.signing import new_secret
from pipeline.ledger import Ledger, deliveries, places, tables
from pipeline.ledger.deliveries import channels
from pipeline.ledger.deliveries.channels import Health
from pipeline.ledger.partners import pulls
from pipeline.model.moment import rfc3339
from pipeline.sealing import Sealer
from pipeline.views.channel_state import state_of
from pipeline.views.system import ChannelHealth, Pulled, channel_health, channel_healths
from standins.receiver import Receiver
from workers.cli.output import reason

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
SITE = """
[[channels]]
id = "files"
type = "directory"
format = "ninjs"
path = "out"
"""


def channel(**known: object) -> ChannelHealth:
    unset = ("opened", "paused_until", "failing", "disabled", "reason", "paused", "pause_reason", "pulled")
    fields: dict[str, Any] = {"channel": "a", "circuit": "closed", "failures": 0, **dict.fromkeys(unset), **known}
    return ChannelHealth(**fields)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({}, "healthy"),
        ({"failing": NOW}, "failing since 2026-03-01T12:00:00Z, next try now"),
        (
            {"failing": NOW, "paused_until": NOW + dt.timedelta(seconds=40)},
            "failing since 2026-03-01T12:00:00Z, next try in 40 s",
        ),
        (
            {"failing": NOW, "paused_until": NOW + dt.timedelta(minutes=50)},
            "failing since 2026-03-01T12:00:00Z, next try in 50 min",
        ),
        ({"failing": NOW, "disabled": NOW}, "disabled since 2026-03-01T12:00:00Z: its partner said that it is gone"),
        ({"disabled": NOW, "paused": NOW}, "paused since 2026-03-01T12:00:00Z"),
        ({"abandoned": 1_234}, "answers, but 1,234 deliveries were given up"),
        ({"failing": NOW, "abandoned": 3}, "failing since 2026-03-01T12:00:00Z, next try now"),
        ({"pulled": Pulled(NOW, "theirs", 3, 2)}, "healthy: pulled now, 2 changes left"),
    ],
)
def test_its_state_is_said_in_words_that_cannot_be_misread(known: dict[str, object], words: str) -> None:
    assert state_of(channel(**known), NOW, at=rfc3339).words == words


def test_the_reason_is_the_operators_while_they_have_paused_it() -> None:
    assert reason(channel(reason="503")) == "503"
    assert reason(channel(reason="503", paused=NOW, pause_reason="maintenance")) == "maintenance"
    assert reason(channel()) == ""
    assert reason(channel(abandoned=3)) == "see `citewire failures`"


def test_many_channels_take_no_more_statements_than_one(ledger: Ledger) -> None:
    names = [f"channel-{number:03}" for number in range(100)]
    with ledger.write() as transaction:
        deliveries.lies_at(transaction, "sleep", id="dlv_1", key=names[7], format="html", revision=1, now=NOW)
        given_up = sa.update(tables.deliveries).values(state="abandoned", error="refused: 400", due=None)
        transaction.execute(given_up.where(tables.deliveries.c.id == "dlv_1"))
        channels.pause(transaction, names[8], reason="maintenance", now=NOW)
        pulls.record_request(transaction, names[9], after=3, token="theirs", now=NOW)
    with ledger.read() as transaction, counted() as asked:
        alone = [channel_health(transaction, name, NOW) for name in names[:1]]
        for_one = asked.statements
        found = channel_healths(transaction, names, NOW)
        assert asked.statements == 2 * for_one + 1  # what the pulled one has left
        alone += [channel_health(transaction, name, NOW) for name in names[1:]]
    assert found == alone
    assert [one.channel for one in found] == names
    assert [found[7].abandoned, found[8].abandoned, found[8].paused] == [1, 0, NOW]
    assert (found[8].pulled, found[9].pulled) == (None, Pulled(NOW, "theirs", 3, 0))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "site.toml").write_text(SITE)
    (tmp_path / "sleep.md").write_text("---\nid: sleep\ntitle: Does it help?\n---\nYes.\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CITEWIRE_CONFIG", "site.toml")
    return tmp_path


def test_a_paused_channel_says_why_until_it_is_resumed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert citewire(capsys, "publish", "sleep.md").status == 0
    assert citewire(capsys, "channels", "list", "--json").json["channels"][0]["paused"] is None
    paused = citewire(capsys, "channels", "pause", "files", "--reason", "[their] migration")
    assert (paused.status, paused.out) == (0, "files is paused\n")
    assert citewire(capsys, "channels", "pause", "files", "--reason", "again").out == "files was paused already\n"
    listed = citewire(capsys, "channels", "list")
    assert "paused since" in listed.out
    assert "[their] migration" in listed.out
    assert "paused since" in citewire(capsys, "status").out
    assert citewire(capsys, "channels", "resume", "files").out == "files is resumed\n"
    assert citewire(capsys, "channels", "resume", "files").out == "files was not paused\n"
    assert "healthy" in citewire(capsys, "channels", "list").out


def test_a_channel_is_shown_with_how_it_has_answered(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert citewire(capsys, "publish", "sleep.md").status == 0
    now = dt.datetime.now(dt.UTC)
    tried = {"delivery": "dlv_1", "revision": 1, "at": now, "milliseconds": 1_234}
    with contextlib.closing(Ledger(f"sqlite:///{site / 'var' / 'ledger.sqlite'}")) as ledger, ledger.write() as one:
        deliveries.lies_at(one, "sleep", id="dlv_1", key="files", format="ninjs", revision=1, now=now)
        for outcome, detail in (("delivered", "written"), ("refused", "400 [bold]no[/]")):
            one.execute(sa.insert(tables.attempts).values(**tried, outcome=outcome, detail=detail))
    shown = citewire(capsys, "channels", "show", "files")
    assert shown.status == 0 and "1 accepted, 1 failed" in shown.out
    assert "half took at most 1,234 ms, 95 of 100 1,234 ms, 99 of 100 1,234 ms" in shown.out
    assert "400 [bold]no[/]" in shown.out and "sleep" in shown.out
    assert "healthy" in shown.out and "T" in citewire(capsys, "channels", "show", "files", "--utc").out
    figures = citewire(capsys, "channels", "show", "files", "--json").json["figures"]
    assert (figures["median"], figures["accepted"], figures["errors"][0]["outcome"]) == (1_234, 1, "refused")
    assert citewire(capsys, "channels", "show", "fils").status == 4


def test_an_unknown_channel_is_not_paused(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    citewire(capsys, "publish", "sleep.md")
    assert citewire(capsys, "channels", "pause", "fils", "--reason", "x").status == 4
    assert citewire(capsys, "channels", "resume", "fils").status == 4


def test_what_the_channel_itself_does_leaves_it_paused(tmp_path: Path) -> None:
    ledger = empty_ledger(tmp_path)
    with ledger.write() as transaction:
        channels.pause(transaction, "a", reason="maintenance", now=NOW)
        channels.keep(transaction, "a", Health(answered=NOW))
        channels.enable(transaction, "a")
    with ledger.read() as transaction:
        health = channels.health(transaction, "a")
        assert channels.resting(transaction, NOW) == {"a"}
    assert (health.paused, health.pause_reason, health.answered) == (NOW, "maintenance", NOW)
    assert health.rests(NOW)
    ledger.close()


WEBHOOK = """
sealing_key = "env:SEALING_KEY"
egress_allow = ["127.0.0.0/8"]

[[channels]]
id = "partner"
type = "webhook"
format = "ninjs"
url = "{url}in"
secret = "env:PARTNER_SECRET"
"""


def test_a_test_event_has_the_partners_own_signature_until_it_is_dropped(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configured, key = new_secret(), base64.b64encode(bytes(32)).decode()
    monkeypatch.setenv("PARTNER_SECRET", configured)
    monkeypatch.setenv("SEALING_KEY", key)
    with Receiver() as receiver:
        (site / "site.toml").write_text(WEBHOOK.format(url=receiver.url))
        assert citewire(capsys, "publish", "sleep.md").status == 0
        assert citewire(capsys, "apply").status == 0
        made = MadeSecrets((MadeSecret(new_secret()),), NOW)
        with contextlib.closing(Ledger(f"sqlite:///{site}/var/ledger.sqlite")) as ledger:
            sealed = Sealer([key]).seal(encoded(made), owner="partner")
            with ledger.write() as transaction:
                places.sign_with(transaction, "partner", sealed, rotated=NOW, former_until=None, now=NOW)
        listed = citewire(capsys, "channels", "list").out
        assert "its secret was rotated on 2026-03-01T12:00:00Z" in listed
        assert citewire(capsys, "channels", "test", "partner").status == 0
        assert citewire(capsys, "channels", "drop-secret", "partner").status == 0
        assert "already" in citewire(capsys, "channels", "drop-secret", "partner").out
        assert citewire(capsys, "trigger", "partner").status == 0
        first, second = (one for one in receiver.received if one.method == "POST")
    for got, secret in ((first, made.made[0].text), (second, configured)):
        Verifier(secret).verify(got.body, dict(got.headers), json_parse=False)


def test_a_new_secret_is_printed_once_and_signs_beside_the_former_one_until_that_ends(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configured = new_secret()
    monkeypatch.setenv("PARTNER_SECRET", configured)
    monkeypatch.setenv("SEALING_KEY", base64.b64encode(bytes(32)).decode())
    with Receiver() as receiver:
        (site / "site.toml").write_text(WEBHOOK.format(url=receiver.url) + SITE)
        assert citewire(capsys, "publish", "sleep.md").status == 0
        assert citewire(capsys, "apply").status == 0
        rotated = citewire(capsys, "channels", "rotate", "partner", "--overlap-hours", "2")
        first = rotated.out.splitlines()[-1]
        assert (
            rotated.status == 0 and first.startswith("whsec_") and "former secrets of partner sign until" in rotated.err
        )
        assert citewire(capsys, "channels", "test", "partner").status == 0
        assert citewire(capsys, "channels", "end-former", "partner").out == "former secrets of partner have ended\n"
        assert citewire(capsys, "channels", "end-former", "partner").out == "no former secret of partner signs\n"
        assert citewire(capsys, "channels", "test", "partner").status == 0
        second = citewire(capsys, "channels", "rotate", "partner", "--overlap-hours", "0", "--json").json
        assert (second["channel"], second["former_until"]) == ("partner", None)
        assert citewire(capsys, "channels", "test", "partner").status == 0
        refused = citewire(capsys, "channels", "rotate", "files")
        assert (refused.status, "signs nothing" in refused.err) == (2, True)
        assert citewire(capsys, "channels", "rotate", "partnr").status == 4
        sent = [one for one in receiver.received if one.method == "POST"]
    for got, secrets in zip(sent, ([first, configured], [first], [second["secret"]]), strict=True):
        assert len(got.headers["webhook-signature"].split()) == len(secrets)
        for secret in secrets:
            Verifier(secret).verify(got.body, dict(got.headers), json_parse=False)
