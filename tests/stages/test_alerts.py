"""One notice when something begins to need a person, and one when it no longer does, to real receivers."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bench import START, Bench, WithoutFeeds, article
from made_keys import certificate
from smtp_server import Mailbox, mail_server
from standardwebhooks import Webhook

from config import load
from pipeline.channels.webhook.signing import new_secret
from pipeline.errors import ConfigError
from pipeline.http import EgressGuard, Http
from pipeline.ledger import Ledger
from pipeline.stages.alerts import Alerts
from pipeline.stages.stage import drain
from standins.receiver import Conduct, Receiver
from workers.alerting import receivers_of

WithAlerts = Callable[..., Bench]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as one:
        yield one


@pytest.fixture
def with_alerts(ledger: Ledger, tmp_path: Path) -> WithAlerts:
    """A bench whose alerts go to whom the settings name."""

    def with_settings(text: str, *, on: Ledger = ledger) -> Bench:
        file = tmp_path / "site.toml"
        file.write_text(text)
        settings = load({"CITEWIRE_EGRESS_ALLOW": "127.0.0.0/8"}, file=file, data=tmp_path)
        bench = WithoutFeeds(on)
        http = Http(EgressGuard(settings.egress_allow))
        bench.context = dataclasses.replace(bench.context, alerts=receivers_of(settings, http))
        return bench

    return with_settings


def work(bench: Bench, seconds: float = 20) -> None:
    for _ in range(int(seconds / 5)):
        bench.work()
        drain(bench.context, Alerts())
        bench.clock.pass_(5)


def bodies(receiver: Receiver) -> list[dict]:  # type: ignore[type-arg]
    return [json.loads(one.body) for one in receiver.received]


def webhook(receiver: Receiver, form: str = "json") -> str:
    return f'[alerts]\nwebhooks = [{{ url = "{receiver.url}hook", form = "{form}" }}]\n'


def test_it_is_told_once_and_once_when_it_is_well(with_alerts: WithAlerts, receiver: Receiver) -> None:
    bench = with_alerts(webhook(receiver))
    work(bench)
    assert bodies(receiver) == []
    bench.partner.mood = "refuses"
    bench.publish(article("one"))
    bench.publish(article("two"))
    work(bench)
    (first,) = bodies(receiver)
    assert first["type"] == "org.citewire.attention"
    assert [(one["kind"], one["count"], one["channel"]) for one in first["began"]] == [
        ("channel-refuses", 2, "partner")
    ]
    bench.partner.mood = "well"
    work(bench, 120)
    _, second = bodies(receiver)
    assert (second["began"], [one["kind"] for one in second["over"]]) == ([], ["channel-refuses"])


def test_a_second_episode_is_told_again(with_alerts: WithAlerts, receiver: Receiver) -> None:
    bench = with_alerts(webhook(receiver))
    for name in ("one", "two"):
        bench.partner.mood = "refuses"
        bench.publish(article(name))
        work(bench)
        bench.partner.mood = "well"
        work(bench, 120)
    assert [bool(one["began"]) for one in bodies(receiver)] == [True, False, True, False]


def test_neither_a_restart_nor_a_second_process_tells_it_again(
    with_alerts: WithAlerts, receiver: Receiver, ledger: Ledger
) -> None:
    bench = with_alerts(webhook(receiver))
    bench.partner.mood = "refuses"
    bench.publish(article())
    work(bench)
    other = with_alerts(webhook(receiver))
    other.clock = bench.clock
    other.context = dataclasses.replace(other.context, clock=bench.clock, new_id=lambda prefix: f"{prefix}other")
    for _ in range(4):
        drain(bench.context, Alerts())
        drain(other.context, Alerts())
        bench.clock.pass_(5)
    assert len(bodies(receiver)) == 1


def test_a_receiver_that_fails_is_told_later_under_the_same_id_and_keeps_no_other_waiting(
    with_alerts: WithAlerts, receiver: Receiver
) -> None:
    with Receiver() as other:
        text = f'webhooks = [{{ url = "{receiver.url}hook" }}, {{ url = "{other.url}hook" }}]'
        bench = with_alerts(f"[alerts]\n{text}\n")
        receiver.conduct(Conduct(status=503, times=2))
        bench.partner.mood = "refuses"
        bench.publish(article())
        work(bench, 100)
        assert len(bodies(other)) == 1
    ids = [one["id"] for one in bodies(receiver)]
    assert (len(ids), len(set(ids))) == (3, 1)


def test_slack_is_told_in_its_own_form(with_alerts: WithAlerts, receiver: Receiver) -> None:
    bench = with_alerts(webhook(receiver, "slack"))
    bench.partner.mood = "refuses"
    bench.publish(article())
    work(bench)
    (body,) = bodies(receiver)
    assert set(body) == {"text"}
    assert "partner refuses 1 delivery" in body["text"]
    assert "citewire deliveries --channel partner" in body["text"]


def test_teams_is_told_in_its_own_form(with_alerts: WithAlerts, receiver: Receiver) -> None:
    bench = with_alerts(webhook(receiver, "teams"))
    bench.partner.mood = "refuses"
    bench.publish(article())
    work(bench)
    (body,) = bodies(receiver)
    card = body["attachments"][0]["content"]
    assert (body["type"], card["type"], card["version"]) == ("message", "AdaptiveCard", "1.4")
    assert any("partner refuses 1 delivery" in block["text"] for block in card["body"])


def test_people_are_told_by_mail(with_alerts: WithAlerts, tmp_path: Path) -> None:
    mailbox = Mailbox()
    with mail_server(mailbox, certificate(tmp_path), plain=True) as port:
        mail = f'host = "127.0.0.1"\nport = {port}\nsecurity = "none"\nsender = "citewire@example.org"\n'
        bench = with_alerts(f'[alerts.email]\n{mail}recipients = ["ops@example.org", "more@example.org"]\n')
        bench.partner.mood = "refuses"
        bench.publish(article())
        work(bench)
    assert [one.recipient for one in mailbox.mails] == ["ops@example.org", "more@example.org"]
    message = mailbox.mails[0].message
    assert isinstance(message, email.message.EmailMessage)
    assert (message["Subject"], message["Auto-Submitted"]) == ("Notes: 1 to be looked at", "auto-generated")
    assert "partner refuses 1 delivery" in message.get_content()


def test_an_address_that_is_refused_keeps_no_other_waiting_and_gives_nobody_a_second_mail(
    with_alerts: WithAlerts, tmp_path: Path
) -> None:
    mailbox = Mailbox(rcpt={"left@example.org": "550 no such user"})
    with mail_server(mailbox, certificate(tmp_path), plain=True) as port:
        mail = f'host = "127.0.0.1"\nport = {port}\nsecurity = "none"\nsender = "citewire@example.org"\n'
        to = '"first@example.org", "left@example.org", "last@example.org"'
        bench = with_alerts(f"[alerts.email]\n{mail}recipients = [{to}]\n")
        bench.partner.mood = "refuses"
        bench.publish(article())
        work(bench, 100)
    assert [one.recipient for one in mailbox.mails] == ["first@example.org", "last@example.org"]


CHANNEL = '[[channels]]\nid = "partner"\ntype = "pull"\nformat = "html"\n'


def test_a_partner_is_told_of_its_own_channel_in_a_signed_event(
    with_alerts: WithAlerts, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = new_secret()
    monkeypatch.setenv("NOTIFY_SECRET", secret)
    bench = with_alerts(f'{CHANNEL}notify = {{ url = "{receiver.url}notify", secret = "env:NOTIFY_SECRET" }}\n')
    bench.partner.mood = "gone"
    bench.publish(article())
    work(bench)
    one = receiver.received[0]
    sent = dt.datetime.fromtimestamp(int(one.headers["webhook-timestamp"]), dt.UTC)
    assert START <= sent <= bench.clock.now
    signature = Webhook(secret).sign(one.headers["webhook-id"], sent, one.body.decode())
    assert one.headers["webhook-signature"] == signature
    body = json.loads(one.body)
    assert body["type"] == "org.citewire.delivery.exhausted"
    assert {(each["kind"], each["channel"]) for each in body["data"]["began"]} == {
        ("channel-disabled", "partner"),
        ("delivery-exhausted", "partner"),
    }
    assert "command" not in one.body.decode()


def test_a_partners_mail_needs_a_mail_server(with_alerts: WithAlerts) -> None:
    with pytest.raises(ConfigError, match="alerts"):
        with_alerts(f'{CHANNEL}notify = {{ email = "desk@partner.example" }}\n')


def test_no_message_and_no_log_has_the_address_of_a_webhook_or_a_secret(
    with_alerts: WithAlerts, receiver: Receiver, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERT_URL", f"{receiver.url}services/T000/B000/hush-hush")
    bench = with_alerts('[alerts]\nwebhooks = [{ url = "env:ALERT_URL" }]\n')
    receiver.conduct(Conduct(status=500))
    bench.partner.mood = "refuses"
    bench.publish(article())
    work(bench)
    assert receiver.received
    captured = capsys.readouterr()
    assert "nobody could be alerted" in captured.out
    assert "hush-hush" not in captured.out + captured.err
