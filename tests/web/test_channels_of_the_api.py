"""/v1/channels: pausing, resuming and enabling do what the console and the commands do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from served import Served, served

from pipeline.ledger.deliveries import channels

ARTICLE = "---\nid: naps\ntitle: Naps\n---\nThey help.\n"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, formats=("html", "json-ld", "ninjs", "amp")) as site:
        yield site


def test_a_paused_channel_is_sent_nothing_until_it_is_resumed(site: Served) -> None:
    paused = site.ask("POST", "/v1/channels/partner/pause?reason=They%20move").json
    assert (paused["changed"], paused["health"]["pause_reason"]) == (True, "They move (of root)")
    assert site.ask("POST", "/v1/channels/partner/pause?reason=Again").json["changed"] is False
    site.publish(ARTICLE, name="naps")
    site.work()
    assert site.receiver.got == []
    shown = {one["channel"]: one["paused"] for one in site.ask("GET", "/v1/channels").json["channels"]}
    assert (shown["reader"], shown["partner"] is not None) == (None, True)
    assert site.ask("POST", "/v1/channels/partner/resume").json["changed"] is True
    site.work()
    assert [one.article_id for one in site.receiver.got] == ["naps"]
    assert site.ask("POST", "/v1/channels/partner/resume").json["changed"] is False


def test_the_withdrawals_that_wait_for_a_paused_channel_are_counted(site: Served) -> None:
    site.publish(ARTICLE, name="naps")
    site.work()
    site.withdraw("naps")
    assert site.ask("POST", "/v1/channels/partner/pause?reason=They%20move").json["withdrawals_owed"] == 1


def test_a_disabled_channel_is_enabled_and_gets_what_was_given_up(site: Served) -> None:
    site.receiver.mood = "gone"
    site.publish(ARTICLE, name="naps")
    site.work()
    site.receiver.mood = "well"
    assert site.ask("POST", "/v1/channels/partner/enable").json["replayed"] == 1
    site.work()
    with site.context.ledger.read() as transaction:
        assert channels.health(transaction, "partner").disabled is None
    assert [one.article_id for one in site.receiver.got] == ["naps"]


@pytest.mark.parametrize("step", ["pause?reason=Known", "resume", "enable"])
def test_only_who_may_can_and_only_channels_that_there_are(site: Served, step: str) -> None:
    assert site.ask("POST", f"/v1/channels/partner/{step}", "cms").code == "scope-insufficient"
    assert site.ask("POST", f"/v1/channels/partnr/{step}").code == "unknown-channel"


@pytest.mark.parametrize("reason", ["", "?reason=", "?reason=%20"])
def test_a_pause_has_a_reason(site: Served, reason: str) -> None:
    assert site.ask("POST", f"/v1/channels/partner/pause{reason}").status == 422
