"""The queue's address: one clear form for each way to a queue, and no secret in anything that is said about it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import load
from config.queue_address import SCHEMES, QueueAddress, queue_address
from pipeline.errors import ConfigError
from pipeline.secret import SecretRef

TLS_FILES = "ca_file=/etc/ca.pem&cert_file=/etc/own.pem&key_file=/etc/own.key"
SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("redis://queue", QueueAddress(hosts=(("queue", 6379),))),
        ("redis://[::1]:7000/3", QueueAddress(hosts=(("::1", 7000),), database=3)),
        ("rediss://queue:1/0", QueueAddress(hosts=(("queue", 1),), over_tls=True)),
        (
            f"rediss://queue?{TLS_FILES}",
            QueueAddress(
                hosts=(("queue", 6379),),
                over_tls=True,
                ca_file="/etc/ca.pem",
                cert_file="/etc/own.pem",
                key_file="/etc/own.key",
            ),
        ),
        ("redis://me:a%23b@queue", QueueAddress(hosts=(("queue", 6379),), username="me", password="a#b")),
        (
            "redis://me@queue?password=env:QUEUE",
            QueueAddress(hosts=(("queue", 6379),), username="me", password=SecretRef("env", "QUEUE")),
        ),
        ("sentinel://one/name", QueueAddress(hosts=(("one", 26379),), master="name")),
        (
            "sentinels://one:1,[::2]:3,three/name/4?sentinel_username=me&sentinel_password=file:/s&password=env:P",
            QueueAddress(
                hosts=(("one", 1), ("::2", 3), ("three", 26379)),
                master="name",
                database=4,
                over_tls=True,
                password=SecretRef("env", "P"),
                sentinel_username="me",
                sentinel_password=SecretRef("file", "/s"),
            ),
        ),
        ("redis+socket:///run/valkey.sock", QueueAddress(socket="/run/valkey.sock")),
        ("unix:///run/valkey.sock", QueueAddress(socket="/run/valkey.sock")),
    ],
)
def test_each_form_is_read(text: str, address: QueueAddress) -> None:
    assert queue_address(text) == address


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://queue", "must begin with redis://, rediss://, sentinel://"),
        ("queue:6379", "must begin with"),
        ("redis://[::1", "is not a Redis URL"),
        ("redis://", "write host:port"),
        ("redis://queue:0", "write host:port"),
        ("redis://queue:70000", "write host:port"),
        ("redis://one:1,two:2", "several only after sentinel://"),
        ("redis://queue/name", "a database that is not a number"),
        ("redis://queue/-1", "a database that is not a number"),
        ("redis://queue/0\u202e", "write special characters"),
        ("redis://:a#b@queue", "write special characters of a password as %23"),
        ("sentinel://one:1", "names no master"),
        ("sentinel://one:1/na me", "names no master"),
        ("sentinel://one:1,/name", "write host:port"),
        ("sentinel://one:1/name/x", "a database that is not a number"),
        ("redis+socket://host/path", "names no socket"),
        ("unix://", "names no socket"),
        ("redis://queue?ca_file=/etc/ca.pem", "no TLS: write rediss:// or sentinels://"),
        ("redis://queue?sentinel_password=env:S", "1 unknown option"),
        ("rediss://queue?ssl_cert_reqs=none", "it may have ca_file, cert_file, key_file, password"),
        ("rediss://queue?ca_file=", "an option without a value"),
        ("rediss://queue?cert_file=/a", "both cert_file and key_file"),
        ("rediss://queue?ca_file=ca.pem", "whole path"),
        ("redis://:a@queue?password=env:P", "the password twice"),
        (f"redis://queue?password={SECRET}", "do not write the secret here"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_mend(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)) as refused:
        queue_address(text)
    assert SECRET not in str(refused.value)


@given(
    scheme=st.sampled_from(SCHEMES),
    rest=st.text(alphabet=f"{SECRET}:/@?#&=,[]%._\u202e\x00é", max_size=30),
)
def test_whatever_stands_there_no_part_of_it_is_said(scheme: str, rest: str) -> None:
    """A password with a character that ends a part of a URL becomes a part of something else."""
    for text in (
        f"{scheme}://:{SECRET}{rest}@host/0",
        f"{scheme}://:{rest}{SECRET}?{SECRET}{rest}={rest}{SECRET}@host/0#{SECRET}",
    ):
        assert SECRET not in said_of(text)


def said_of(text: str) -> str:
    try:
        address = queue_address(text)
    except ValueError as error:
        return str(error)
    hosts = {host for host, _ in address.hosts}  # of these, what is before an @ is none
    return repr(address) if not any(SECRET in host for host in hosts) else ""


def test_a_mistake_in_the_settings_names_the_key(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(f'redis_url = "sentinel://:{SECRET}@one:26379"\n')
    with pytest.raises(ConfigError) as refused:
        load({}, file=file)
    assert "redis_url: names no master" in str(refused.value)
    assert SECRET not in str(refused.value)
