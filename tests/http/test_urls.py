"""One rule for all addresses: those of channels, the hub's callbacks, settings and every request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pipeline.channels.shared.settings import Address
from pipeline.errors import PermanentError
from pipeline.http import EgressGuard, Http
from pipeline.web_address import web_address

BAD = {
    "": "must start with https:// or http://",
    "hush": "must start with https:// or http://",
    "ftp://hush.example.org/": "must start with https:// or http://",
    "https:///hush": "must name a host",
    "https://me:hush@x.org/": "must not contain a user name or password",
    "https://me@x.org/": "must not contain a user name or password",
    "https://x.org:hush/": "cannot be parsed as an address",
    "https://[hush/": "cannot be parsed as an address",
    "https://x.org/hush hush": "must not contain white space, control characters or backslashes",
    "https://x.org/hush\r\nX: y": "must not contain white space, control characters or backslashes",
    "https://x.org\\hush": "must not contain white space, control characters or backslashes",
    "https://x.org/\u202ehush": "must not contain white space, control characters or backslashes",
}


@pytest.mark.parametrize("address", BAD)
def test_what_is_wrong_is_said_in_words_and_nothing_of_the_address(address: str) -> None:
    with pytest.raises(ValueError, match=BAD[address]) as raised:
        web_address(address)
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("address", BAD)
def test_what_a_setting_may_not_say_no_request_takes_either(address: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Address).validate_python(address)
    with pytest.raises(PermanentError) as raised:
        Http(EgressGuard()).request("GET", address)
    assert raised.value.code == "invalid-url"
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    "address", ["https://x.org", "http://127.0.0.1:8080/a?b=c#d", "https://[2001:db8::1]/", "https://bücher.example/ä"]
)
def test_absolute_addresses_pass(address: str) -> None:
    assert web_address(address).geturl().startswith(("https://", "http://"))


def outcome(address: str) -> str:
    try:
        return f"host {web_address(address).hostname}"
    except ValueError as error:
        return str(error)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused_in_words(text: str) -> None:
    for address in (text, f"https://{text}", f"https://x.org/{text}"):
        assert outcome(address).startswith(("host ", "must ", "cannot "))
        assert outcome(address) not in ("host None", "host ")
