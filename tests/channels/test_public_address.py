"""A partner's public address as the proof of a withdrawal."""

from __future__ import annotations

import ipaddress

import pytest

from pipeline.channels.shared.public_address import checked, shown_at
from pipeline.errors import ConfigError, PermanentError, TransientError
from pipeline.http import EgressGuard, Http
from standins.receiver import Conduct, Receiver

HTTP = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))


@pytest.mark.parametrize(("status", "gone"), [(404, True), (410, True), (200, False), (301, False), (403, False)])
def test_only_404_and_410_say_that_it_is_gone(status: int, gone: bool) -> None:
    with Receiver() as receiver:
        receiver.conduct(Conduct(status=status))
        shown = shown_at(HTTP, f"{receiver.url}news/{{article}}", "spasms")
    assert (shown is None) is gone
    assert receiver.received[0].path == "/news/spasms"


def test_what_asks_to_come_back_later_proves_nothing() -> None:
    with Receiver() as receiver:
        receiver.conduct(Conduct(status=503))
        with pytest.raises(TransientError):
            shown_at(HTTP, f"{receiver.url}{{article}}", "spasms")


@pytest.mark.parametrize("id", ["../admin", "a/b?c#d", "%2e%2e", "a b", "{article}"])
def test_an_article_id_never_leaves_its_place_in_the_address(id: str) -> None:
    with Receiver() as receiver:
        shown_at(HTTP, f"{receiver.url}news/{{article}}/page", id)
    path = receiver.received[0].path
    assert path.startswith("/news/")
    assert path.endswith("/page")
    assert path.count("/") == 3
    assert not set(path) & set("?# {}")


def test_an_id_of_dots_is_no_way_out_either() -> None:
    with pytest.raises(PermanentError):
        shown_at(HTTP, "http://127.0.0.1:9/news/{article}", "..")


@pytest.mark.parametrize(
    "template",
    [
        "https://partner.example.org/",
        "https://{article}.example.org/",
        "https://example.org/{article}/{article}",
        "https://example.org/{article}/{other}",
        "https://example.org/#{article}",
    ],
)
def test_an_address_without_a_place_for_the_article_is_refused(template: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(template, key="channels.partner.proof_url")
    assert caught.value.key == "channels.partner.proof_url"
