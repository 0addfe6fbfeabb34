"""What channels have the web server answer: keys by which others check what is sent to them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from asgi import get
from bench import Bench
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_public_key
from empty_ledger import empty_ledger

from config import load
from pipeline.errors import ConfigError
from pipeline.web.app import create_app
from workers.wiring import served_of

SITE = """
[[channels]]
id = "amp"
type = "amp-cache"
key = "env:AMP_KEY"

[[channels]]
id = "search"
type = "indexnow"
key = "0123456789abcdef"
"""
APIKEY = "/.well-known/amphtml/apikey.pub"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    ledger = empty_ledger(tmp_path)
    yield Bench(ledger, "partner")
    ledger.close()


def serving(bench: Bench, folder: Path, settings: str) -> Bench:
    file = folder / "site.toml"
    file.write_text(settings)
    bench.context = replace(bench.context, served=served_of(load({}, file=file)))
    return bench


def test_the_keys_of_channels_are_answered(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    monkeypatch.setenv("AMP_KEY", pem.decode())
    app = create_app(serving(bench, tmp_path, SITE).context, alive=list)
    answer = get(app, APIKEY)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert load_pem_public_key(answer.body) == key.public_key()
    assert b"PRIVATE" not in answer.body
    assert get(app, "/0123456789abcdef.txt").body == b"0123456789abcdef"


def test_without_its_secret_a_key_is_not_to_be_had_at_the_moment(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AMP_KEY", raising=False)
    answer = get(create_app(serving(bench, tmp_path, SITE).context, alive=list), APIKEY)
    assert (answer.status, answer.json["code"]) == (503, "not-served")
    assert "AMP_KEY" not in answer.json["detail"]


def test_without_such_channels_nothing_is_there(bench: Bench) -> None:
    assert get(create_app(bench.context, alive=list), APIKEY).status == 404


def test_who_is_told_of_vulnerabilities_is_said_for_a_time_to_come(bench: Bench, tmp_path: Path) -> None:
    site = 'site.url = "https://notes.example.org/"\nweb.security_contact = "mailto:security@example.org"\n'
    answer = get(create_app(serving(bench, tmp_path, site).context, alive=list), "/.well-known/security.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.body.decode().splitlines())
    assert fields["Contact"] == "mailto:security@example.org"
    assert fields["Canonical"] == "https://notes.example.org/.well-known/security.txt"
    ahead = dt.datetime.fromisoformat(fields["Expires"]) - dt.datetime.now(dt.UTC)
    assert dt.timedelta(days=80) < ahead < dt.timedelta(days=366)


@pytest.mark.parametrize("contact", ["security@example.org", "http://a.example/", "mailto:a@b.example\nEvil: x"])
def test_a_contact_that_is_no_address_is_refused(bench: Bench, tmp_path: Path, contact: str) -> None:
    with pytest.raises(ConfigError, match="security_contact"):
        serving(bench, tmp_path, f"web.security_contact = {json.dumps(contact)}")


def test_two_channels_share_a_key_or_are_refused(bench: Bench, tmp_path: Path) -> None:
    second = '\n[[channels]]\nid = "amp-2"\ntype = "amp-cache"\nkey = "env:{}"\n'
    assert list(serving(bench, tmp_path, SITE + second.format("AMP_KEY")).context.served) == [
        APIKEY,
        "/0123456789abcdef.txt",
    ]
    with pytest.raises(ConfigError) as raised:
        serving(bench, tmp_path, SITE + second.format("OTHER"))
    assert raised.value.key == "channels.amp-2"
