"""Addresses as URIs."""

from __future__ import annotations

import pytest
from articles import HOSTILE
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pipeline.renditions.parts.uri import uri

FORMATS = Draft202012Validator.FORMAT_CHECKER


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org",
        "https://example.org/",
        "http://user:pass@example.org:8080/a/b;c=1?d=e&f=%20#g/h?i",
        "https://example.org/a(b)'c'!$&*+,=:@~",
        "HTTPS://Example.ORG/Path",
        "http://[::1]:8000/x",
        "http://192.0.2.1/x",
        "mailto:someone@example.org?subject=Hello%20there",
    ],
)
def test_a_uri_stays_as_it_is(address: str) -> None:
    assert uri(address) == address


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://müller.example/straße", "https://xn--mller-kva.example/stra%C3%9Fe"),
        ("https://example.org/a b?c=<d>#e{f}", "https://example.org/a%20b?c=%3Cd%3E#e%7Bf%7D"),
        ("https://example.org/100%", "https://example.org/100%25"),
        ("https://example.org/a[1]", "https://example.org/a%5B1%5D"),
        ("https://example.org/#a#b", "https://example.org/#a%23b"),
        ("https://example.org/\U0001f9e0", "https://example.org/%F0%9F%A7%A0"),
        ("https://example.org/\ud800x", "https://example.org/x"),
        ("  https://example.org/ ", "https://example.org/"),
        ("https://[broken/x", "https://%5Bbroken/x"),
        ("https://example.org:port/x", "https://example.org%3Aport/x"),
    ],
)
def test_what_a_uri_may_not_hold_is_encoded(address: str, expected: str) -> None:
    assert uri(address) == expected


@given(st.one_of(st.sampled_from(HOSTILE), st.text()))
def test_any_web_address_becomes_a_uri_and_stays_one(rest: str) -> None:
    for address in (f"https://{rest}", f"https://example.org/{rest}", f"https://example.org/?{rest}"):
        encoded = uri(address)
        assert FORMATS.conforms(encoded, "uri"), encoded
        assert uri(encoded) == encoded
