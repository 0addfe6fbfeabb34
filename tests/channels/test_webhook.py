"""The `webhook` channel where the contract of all channels does not reach."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import ipaddress
from collections.abc import Iterator
from dataclasses import replace
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from channel_harness import parcel
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Verifier

from pipeline.channels.shared.settings import open_channel, read_settings
from pipeline.channels.webhook import CHANNEL, Webhook
from pipeline.channels.webhook.signing import (
    SharedSecret,
    message_id,
    new_private_key,
    new_secret,
    read_signer,
    signed,
)
from pipeline.errors import ConfigError, EndpointGone, PermanentError, TransientError
from pipeline.http import EgressGuard, Http
from pipeline.model.delivery import Parcel
from pipeline.model.rendition import Rendition
from standins.receiver import Conduct, Received, Receiver

HTTP = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
NEW, OLD = new_secret(), new_secret()


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "old").write_text(f"{OLD}\n")
    for name, value in {"NEW": NEW, "OLD": OLD, "TOKEN": "hush-token", "PASSWORD": "hush:pass wörd"}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver
    HTTP.close()


def opened(receiver: Receiver, **more: Any) -> Webhook:
    settings = {"url": f"{receiver.url}in", "secret": "env:NEW", **more}
    channel = open_channel(CHANNEL, read_settings(CHANNEL, settings, prefix="channels.a"), HTTP, prefix="channels.a")
    assert isinstance(channel, Webhook)
    return channel


def sent(receiver: Receiver, one: Parcel, **more: Any) -> Received:
    opened(receiver, **more).deliver(one)
    return receiver.received[-1]


def verified(got: Received, secret: str) -> None:
    Verifier(secret).verify(got.body, dict(got.headers), json_parse=False)


def test_the_library_of_the_specification_verifies_a_delivery(receiver: Receiver) -> None:
    verified(sent(receiver, parcel(1)), NEW)


def test_while_a_secret_is_rotated_both_verify(receiver: Receiver, tmp_path: Path) -> None:
    got = sent(receiver, parcel(1), secret=["env:NEW", f"file:{tmp_path}/old"])
    verified(got, NEW)
    verified(got, OLD)
    assert got.headers["webhook-signature"].count("v1,") == 2


@given(st.binary(min_size=1, max_size=64), st.text(st.characters(codec="utf-8"), max_size=300))
def test_a_signature_is_the_librarys_for_any_key_and_text(key: bytes, text: str) -> None:
    headers = signed("msg_1", 1_700_000_000, text.encode(), [SharedSecret(key)])
    at = dt.datetime.fromtimestamp(1_700_000_000, dt.UTC)
    assert headers["webhook-signature"] == Verifier(key).sign("msg_1", at, text)


@given(st.binary(min_size=24, max_size=64).filter(lambda key: len(set(key)) >= 12))
def test_a_secret_is_read_as_the_library_reads_it_padded_or_not(key: bytes) -> None:
    encoded = base64.b64encode(key).decode()
    for secret in (f"whsec_{encoded}", encoded, f"whsec_{encoded.rstrip('=')}"):
        assert read_signer(secret) == SharedSecret(key)


def test_a_new_secret_is_long_and_never_the_same() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(isinstance(read_signer(one), SharedSecret) for one in made)


def test_an_ed25519_signature_verifies_with_the_public_key_alone(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIVATE", private := new_private_key())
    public = read_signer(private).public or ""
    got = sent(receiver, parcel(1), secret=["env:PRIVATE", "env:NEW"])
    content = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    ed25519, shared = got.headers["webhook-signature"].split()
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
    key.verify(base64.b64decode(ed25519.removeprefix("v1a,")), content)
    with pytest.raises(InvalidSignature):
        key.verify(base64.b64decode(ed25519.removeprefix("v1a,")), content + b" ")
    assert shared.startswith("v1,")
    verified(got, NEW)
    assert public in opened(receiver, secret="env:PRIVATE").check()


def test_a_private_key_as_libsodium_writes_it_is_read_too() -> None:
    seed = bytes(range(32))
    alone, with_public = (
        read_signer("whsk_" + base64.b64encode(key).decode()).public for key in (seed, seed + bytes(32))
    )
    assert alone == with_public


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        ("whsec_", "has 0 bytes; it must have 24 to 64"),
        ("whsec_QQ==", "has 1 bytes"),
        ("whsec_" + base64.b64encode(b"0123456789abcdefghijklm").decode(), "has 23 bytes"),
        ("whsec_" + base64.b64encode(bytes(range(65))).decode(), "has 65 bytes"),
        ("whsec_" + base64.b64encode(bytes(32)).decode(), "could be guessed"),
        ("whsec_" + base64.b64encode(b"passwordpasswordpasswordpassword").decode(), "could be guessed"),
        ("whsk_" + base64.b64encode(bytes(24)).decode(), "Ed25519 key of 24 bytes"),
    ],
)
def test_a_secret_that_protects_nothing_is_refused(
    receiver: Receiver, secret: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEAK", secret)
    with pytest.raises(ConfigError, match=message) as raised:
        opened(receiver, secret="env:WEAK")
    assert (raised.value.key, raised.value.code) == ("channels.a.secret", "secret-unusable")
    assert "citewire secret" in (raised.value.hint or "")


@pytest.mark.parametrize(
    "credentials",
    [
        {"bearer": "env:TOKEN"},
        {"basic": {"username": "a", "password": "env:PASSWORD"}},
        {"headers": {"X-A": "env:TOKEN"}},
    ],
)
def test_credentials_leave_the_machine_over_tls_only_unless_that_is_said(credentials: dict[str, Any]) -> None:
    def settings(url: str, **more: Any) -> None:
        read_settings(CHANNEL, {"url": url, "secret": "env:NEW", **credentials, **more}, prefix="channels.a")

    with pytest.raises(ConfigError, match="plain_http = true"):
        settings("http://partner.example/in")
    settings("https://partner.example/in")
    settings("http://partner.example/in", plain_http=True)
    settings("http://[::1]:8080/in")


def test_bytes_that_are_not_text_are_signed_too(receiver: Receiver) -> None:
    one = parcel(1)
    image = replace(one, rendition=Rendition("x", "image/png", b"\x89PNG\xff\x00"))
    got = sent(receiver, image)
    expected = signed(message_id(one), int(one.at.timestamp()), b"\x89PNG\xff\x00", [read_signer(NEW)])
    assert got.headers["webhook-signature"] == expected["webhook-signature"]


def test_every_attempt_at_a_revision_carries_the_same_id(receiver: Receiver) -> None:
    receiver.conduct(Conduct(status=503, times=1))
    channel = opened(receiver)
    with pytest.raises(TransientError):
        channel.deliver(parcel(1))
    channel.deliver(parcel(1))
    channel.deliver(parcel(2))
    ids = [one.headers["webhook-id"] for one in receiver.received]
    assert ids[0] == ids[1] != ids[2]


def test_the_headers_say_what_it_is(receiver: Receiver) -> None:
    got = sent(receiver, parcel(7, "withdrawn"))
    names = ("citewire-event", "citewire-article", "citewire-revision", "content-type", "webhook-timestamp")
    assert [got.headers[name] for name in names[:3]] == ["withdrawn", "what-is-spasticity", "7"]
    assert got.headers["content-type"] == "text/html; charset=utf-8"
    assert got.method == "POST"


def test_xml_names_its_encoding_as_text_does(receiver: Receiver) -> None:
    one = replace(parcel(1), rendition=Rendition("x", "application/rss+xml", b"<rss/>"))
    assert sent(receiver, one).headers["content-type"] == "application/rss+xml; charset=utf-8"


@pytest.mark.parametrize("media_type", ["application/ld+json", "application/json"])
def test_a_media_type_that_knows_its_encoding_stays_bare(receiver: Receiver, media_type: str) -> None:
    one = replace(parcel(1), rendition=Rendition("x", media_type, b"{}"))
    assert sent(receiver, one).headers["content-type"] == media_type


def test_bearer_basic_and_headers_come_from_secrets(receiver: Receiver) -> None:
    assert sent(receiver, parcel(1), bearer="env:TOKEN").headers["authorization"] == "Bearer hush-token"
    basic = {"username": "citewire", "password": "env:PASSWORD"}
    authorization = sent(receiver, parcel(1), basic=basic).headers["authorization"]
    assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == "citewire:hush:pass wörd"
    got = sent(receiver, parcel(1), headers={"X-Api-Key": "env:TOKEN", "X-Site": "notes"})
    assert (got.headers["x-api-key"], got.headers["x-site"]) == ("hush-token", "notes")


@pytest.mark.parametrize(
    "more",
    [
        {"bearer": "env:TOKEN", "basic": {"username": "a", "password": "env:PASSWORD"}},
        {"bearer": "env:TOKEN", "headers": {"Authorization": "env:TOKEN"}},
    ],
)
def test_only_one_kind_of_authorization_is_taken(receiver: Receiver, more: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="give one of"):
        opened(receiver, **more)


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"secret": "env:NOT_SET"}, "secret"),
        ({"secret": "file:/nowhere/at/all"}, "secret"),
        ({"bearer": "env:NOT_SET"}, "bearer"),
        ({"basic": {"username": "a", "password": "env:NOT_SET"}}, "basic.password"),
        ({"headers": {"X-Token": "env:NOT_SET"}}, "headers.X-Token"),
    ],
)
def test_a_secret_that_is_not_there_is_named_when_the_channel_is_opened(
    receiver: Receiver, more: dict[str, Any], key: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        opened(receiver, **more)
    assert (raised.value.key, raised.value.code) == (f"channels.a.{key}", "secret-missing")


@pytest.mark.parametrize("secret", ["whsec_not base64", "hush-hush-hush", "whsec_a"])
def test_a_signing_secret_that_libraries_would_read_differently_is_refused(
    receiver: Receiver, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODD", secret)
    with pytest.raises(ConfigError, match="not base64") as raised:
        opened(receiver, secret="env:ODD")
    assert secret not in str(raised.value)


def test_a_large_answer_to_a_taken_delivery_does_not_undo_it(receiver: Receiver) -> None:
    receiver.conduct(Conduct(status=200, body="x" * 1_000_000))
    assert opened(receiver).deliver(parcel(1)).status == 200


def test_the_answers_first_line_stands_in_the_error(receiver: Receiver) -> None:
    receiver.conduct(Conduct(status=503, body="maintenance until noon\nmore"))
    with pytest.raises(TransientError, match=r"^503 Service Unavailable: maintenance until noon$"):
        opened(receiver).deliver(parcel(1))


def test_a_packed_body_is_verified_unpacked_and_is_the_same_at_every_attempt(receiver: Receiver) -> None:
    one = parcel(1)
    first, second = (sent(receiver, one, gzip=True) for _ in range(2))
    assert first.headers["content-encoding"] == "gzip"
    assert gzip.decompress(first.body) == one.rendition.body
    assert len(first.body) < len(one.rendition.body) / 10
    assert first.body == second.body
    Verifier(NEW).verify(gzip.decompress(first.body), dict(first.headers), json_parse=False)


def test_what_is_not_asked_for_is_not_packed(receiver: Receiver) -> None:
    assert "content-encoding" not in sent(receiver, parcel(1)).headers


@pytest.mark.parametrize("status", [200, 422, 503, 410])
def test_the_first_kilobyte_of_the_answer_is_kept(receiver: Receiver, status: int) -> None:
    receiver.conduct(Conduct(status=status, body="first line\nsecond \x00 line" + "x" * 5000))
    try:
        answer = opened(receiver).deliver(parcel(1)).answer
    except (TransientError, PermanentError) as error:
        answer = error.answer
    assert answer is not None
    assert answer.startswith("first line\nsecond   line")
    assert len(answer) == 1024


def test_no_answer_is_none(receiver: Receiver) -> None:
    assert opened(receiver).deliver(parcel(1)).answer is None


@pytest.mark.parametrize("status", [200, 401])
def test_an_answer_that_repeats_our_secrets_is_kept_without_them(receiver: Receiver, status: int) -> None:
    basic = base64.b64encode("citewire:hush:pass wörd".encode()).decode()
    receiver.conduct(Conduct(status=status, body=f"you sent hush-token and Basic {basic} and hush:pass wörd"))
    ways = {"basic": {"username": "citewire", "password": "env:PASSWORD"}, "headers": {"X-Api-Key": "env:TOKEN"}}
    try:
        taken = opened(receiver, **ways).deliver(parcel(1))
        answer, line = taken.answer, taken.detail
    except PermanentError as error:
        answer, line = error.answer, str(error)
    assert answer == "you sent [secret] and Basic [secret] and [secret]"
    assert "hush" not in line


def test_a_check_shows_no_secret_and_posts_nothing(receiver: Receiver) -> None:
    receiver.conduct(Conduct(status=405))
    assert opened(receiver, bearer="env:TOKEN").check() == "reached: 405 Method Not Allowed to OPTIONS"
    (got,) = receiver.received
    assert got.method == "OPTIONS"
    assert "authorization" not in got.headers
    assert "webhook-signature" not in got.headers


@pytest.mark.parametrize(("status", "kind"), [(503, TransientError), (410, EndpointGone)])
def test_a_check_says_when_the_endpoint_is_in_trouble(receiver: Receiver, status: int, kind: type[Exception]) -> None:
    receiver.conduct(Conduct(status=status))
    with pytest.raises(kind):
        opened(receiver).check()


@pytest.mark.parametrize("status", [400, 401, 403, 422])
@pytest.mark.parametrize(("off", "word"), [(-600, "ahead of"), (600, "behind")])
def test_a_refusal_by_a_receiver_with_another_time_is_about_the_clocks_and_tried_again(
    receiver: Receiver, status: int, off: int, word: str
) -> None:
    one = parcel(1)
    theirs = format_datetime(one.at + dt.timedelta(seconds=off), usegmt=True)
    receiver.conduct(Conduct(status=status, headers={"Date": theirs}))
    with pytest.raises(TransientError, match=f"our clock is (599|600|601) seconds {word} the receiver's") as failed:
        sent(receiver, one)
    assert failed.value.code == "clocks-differ"


@pytest.mark.parametrize("date", [None, "yesterday", "Sun, 99 Nov 9999 99:99:99 GMT"])
def test_a_refusal_by_a_receiver_with_the_same_time_or_none_is_about_the_article(
    receiver: Receiver, date: str | None
) -> None:
    one = parcel(1)
    for headers in ({} if date is None else {"Date": date}, {"Date": format_datetime(one.at, usegmt=True)}):
        receiver.conduct(Conduct(status=400, headers=headers))
        with pytest.raises(PermanentError):
            sent(receiver, one)
