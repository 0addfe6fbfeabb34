"""What is particular to AMP caches: where they keep a page, what they must be shown, and when to believe them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from channel_harness import parcel
from harness_amp_cache import AmpCacheHarness
from harness_amp_cache import opened as harness_opened
from made_keys import pem_of, rsa_key
from rendered import FILES, rendered
from shown_on_site import publish

from pipeline.channels.amp_cache import CHANNEL, AmpCache
from pipeline.channels.amp_cache.page import same_or_newer
from pipeline.channels.amp_cache.urls import document_path, subdomain
from pipeline.channels.shared.settings import open_channel, read_settings
from pipeline.errors import PermanentError, TransientError
from pipeline.model.delivery import Links, Parcel
from standins.amp_cache import transformed
from standins.endpoint import Endpoint, Reply

# As amp.dev has them, and as AMP's own @ampproject/toolbox-cache-url 2.10 makes them.
SUBDOMAINS = {
    "example.com": "example-com",
    "notes.example.org": "notes-example-org",
    "www.a-b--c.de": "www-a--b----c-de",
    "en-us.example.com": "0-en--us-example-com-0",
    "xn--57hw060o.com": "xn---com-p33b41770a",
    "xn--bcher-kva.example": "xn--bcher-example-wob",
    "xn--4gbrim.xn----rmckbbajlc6dj7bxne2c.xn--wgbh1c": "xn-------i5fvcbaopc6fkc0de0d9jybegt6cd",
    "hello.xn--4gbrim.com": "rrzpbr76qglkoz3n7ws6pprnkbxynwj7wof2qfdmkeyjlc2setqq",
    "localhost": "jgla3zmib2ggq5buc4hwi5taloh6jlvzukddfr4zltz3vay5s5rq",
    "a" * 60 + ".com": "fvobmtkzp6anxxaiqasht7b4b7hlgd6xhvcrj3t6e7rq2cdt6siq",
}


@pytest.mark.parametrize(("host", "label"), SUBDOMAINS.items())
def test_a_cache_keeps_a_host_under_one_label(host: str, label: str) -> None:
    assert subdomain(host) == label


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://notes.example.org/articles/x.amp", "/c/s/notes.example.org/articles/x.amp"),
        ("http://notes.example.org", "/c/notes.example.org/"),
        ("https://notes.example.org:8443/x?a=b&c=ü", "/c/s/notes.example.org:8443/x?a=b&c=%C3%BC"),
        ("https://bücher.example/ä b", "/c/s/xn--bcher-kva.example/%C3%A4%20b"),
    ],
)
def test_a_document_stands_under_its_host_and_path(address: str, path: str) -> None:
    assert document_path(address) == path


@pytest.mark.parametrize("address", ["", "notes.example.org/x", "ftp://notes.example.org/x", "https://", "https://[x"])
def test_what_is_no_address_stands_nowhere(address: str) -> None:
    with pytest.raises(ValueError):
        document_path(address)


# --- which revision a copy is of ----------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_copy_is_known_for_its_revision_whatever_the_cache_has_done_to_it(file: Path) -> None:
    parcels = [rendered(file, "amp", revision=number) for number in (1, 2, 3, 5)]
    first, second, third, fifth = (one.rendition.body for one in parcels)
    withdrawal = rendered(file, "amp", revision=4, event="withdrawn")
    tombstone = withdrawal.rendition.body
    for copy in (second, transformed(second), third):
        assert same_or_newer(copy, parcels[1])
    for copy in (first, transformed(first), tombstone, b"", b"<p>Something else."):
        assert not same_or_newer(copy, parcels[1])
    for copy in (tombstone, transformed(tombstone), fifth):
        assert same_or_newer(copy, withdrawal)
    for copy in (third, b"", b"<p>Something else."):
        assert not same_or_newer(copy, withdrawal)


@pytest.mark.parametrize(
    "copy",
    [
        b"\x00\xff" * 1000,
        b"<div>" * 50_000,
        b'<meta property="article:modified_time" content="tomorrow">',
        b'<meta property="article:modified_time" content="2999-01-01T00:00:00">',
        b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><p>&a;",
        "<p>\ud800".encode("utf-8", "surrogatepass"),
    ],
    ids=range(6),
)
def test_a_copy_that_is_nonsense_is_not_ours(copy: bytes) -> None:
    assert not same_or_newer(copy, rendered(FILES[0], "amp"))


# --- the channel --------------------------------------------------------------------------------------------------


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AmpCacheHarness]:
    with harness_opened(tmp_path, monkeypatch) as harness:
        yield harness


@pytest.fixture
def opened(harness: AmpCacheHarness) -> Callable[..., AmpCache]:
    def opened(**settings: object) -> AmpCache:
        own = read_settings(CHANNEL, {**harness.settings, **settings}, prefix="x")
        return cast("AmpCache", open_channel(CHANNEL, own, harness.http, prefix="x"))

    return opened


def addressed(harness: AmpCacheHarness, **changes: object) -> list[dict[str, object]]:
    (cache,) = cast("list[dict[str, object]]", harness.settings["caches"])
    return [{**cache, **changes}]


def test_a_cache_is_told_until_it_shows_the_revision(harness: AmpCacheHarness, opened: Callable[..., AmpCache]) -> None:
    channel = opened()
    channel.deliver(harness.shaped(parcel(1)))
    harness.cache.stubborn = 2
    for _ in range(2):
        with pytest.raises(TransientError, match="stand-in answered 200 OK and still shows an older revision"):
            channel.deliver(harness.shaped(parcel(2)))
    assert channel.deliver(harness.shaped(parcel(2))).detail == "stand-in: fresh"


def test_a_withdrawal_is_told_until_the_cache_shows_nothing(
    harness: AmpCacheHarness, opened: Callable[..., AmpCache]
) -> None:
    channel = opened()
    channel.deliver(harness.shaped(parcel(1)))
    withdrawal = harness.shaped(parcel(2, "withdrawn", body=b"<p>Taken back."))
    harness.cache.stubborn = 1
    with pytest.raises(TransientError):
        channel.deliver(withdrawal)
    shown = channel.shows(withdrawal)
    assert shown is not None
    assert shown.startswith("stand-in: http://127.0.0.1:")
    assert shown.endswith("/notes-example-org/c/s/notes.example.org/articles/what-is-spasticity.amp")
    assert channel.deliver(withdrawal).detail == "stand-in: not held"
    assert channel.shows(withdrawal) is None


def test_a_404_during_a_deployment_is_not_taken_for_an_empty_cache(
    harness: AmpCacheHarness, opened: Callable[..., AmpCache]
) -> None:
    channel = opened()
    channel.deliver(harness.shaped(parcel(1)))
    withdrawal = harness.shaped(parcel(2, "withdrawn", body=b"<p>Taken back."))
    harness.cache.away = True
    for seconds in (0, 119):
        with pytest.raises(PermanentError) as raised:
            channel.deliver(replace(withdrawal, at=withdrawal.at + dt.timedelta(seconds=seconds)))
        assert raised.value.code == "not-found"
        withdrawal = replace(withdrawal, remote_id=raised.value.ids["remote_id"])
    harness.cache.away = False
    assert channel.shows(withdrawal) is not None
    channel.deliver(withdrawal)
    assert channel.shows(withdrawal) is None
    harness.cache.away = True
    late = replace(withdrawal, at=withdrawal.at + dt.timedelta(seconds=120))
    assert channel.deliver(late).detail == "stand-in: not held"
    with pytest.raises(PermanentError):  # what a former revision met says nothing about this one
        channel.deliver(replace(late, revision=3))


def test_what_one_cache_does_not_have_says_nothing_of_another(opened: Callable[..., AmpCache]) -> None:
    """One answers 404 from the first, the other from the third minute on, and neither shows anything."""
    answers = {"one": 404, "two": 200}
    with Endpoint(lambda call: Reply(answers[call.target.split("/")[1]], b"", "text/html")) as caches:
        channel = opened(
            read_back=False, caches=[{"id": id, "address": f"{caches.url}/{id}/{{subdomain}}"} for id in answers]
        )
        withdrawal = replace(parcel(2, "withdrawn"), links=Links(*["https://a.example/x.amp"] * 3))

        def delivered(minutes: int, withdrawal: Parcel) -> tuple[str, Parcel]:
            try:
                receipt = channel.deliver(replace(withdrawal, at=withdrawal.at + dt.timedelta(minutes=minutes)))
            except PermanentError as error:
                return str(error).partition(":")[0], replace(withdrawal, remote_id=error.ids["remote_id"])
            return "done", replace(withdrawal, remote_id=receipt.remote_id)

        said, withdrawal = delivered(0, withdrawal)
        assert said == "one"
        answers["two"] = 404
        said, withdrawal = delivered(3, withdrawal)
        assert said == "two"
        said, withdrawal = delivered(6, withdrawal)
        assert said == "done"
        said, withdrawal = delivered(9, withdrawal)  # as when it is sent again
        assert said == "one"


def test_without_reading_back_its_word_is_taken(harness: AmpCacheHarness, opened: Callable[..., AmpCache]) -> None:
    harness.cache.stubborn = 1
    assert opened(read_back=False).deliver(harness.shaped(parcel(1))).detail == "stand-in: 200 OK"


def test_another_key_is_refused(
    harness: AmpCacheHarness, opened: Callable[..., AmpCache], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMP_KEY", pem_of(rsa_key(3072)))
    with pytest.raises(PermanentError, match="403 Forbidden: stand-in: the signature does not fit"):
        opened().deliver(harness.shaped(parcel(1)))


def test_a_clock_that_is_wrong_is_refused(harness: AmpCacheHarness, opened: Callable[..., AmpCache]) -> None:
    harness.cache.clock = lambda: parcel(1).at.timestamp() + 120
    with pytest.raises(PermanentError, match="amp_ts is too old"):
        opened().deliver(harness.shaped(parcel(1)))


def test_one_cache_that_is_down_does_not_keep_the_others_from_being_told(
    harness: AmpCacheHarness, opened: Callable[..., AmpCache]
) -> None:
    caches = [{"id": "down", "address": "http://127.0.0.1:1/{subdomain}"}, *addressed(harness)]
    with pytest.raises(TransientError) as raised:
        opened(caches=caches).deliver(harness.shaped(parcel(1)))
    assert raised.value.code == "connection-failed"
    assert harness.cache.flushes == 1


def test_update_requests_may_go_somewhere_else(harness: AmpCacheHarness, opened: Callable[..., AmpCache]) -> None:
    caches = addressed(harness, update_address="http://127.0.0.1:1/{subdomain}")
    with pytest.raises(TransientError):
        opened(caches=caches).deliver(harness.shaped(parcel(1)))


def test_the_list_of_caches_can_be_asked_for(opened: Callable[..., AmpCache]) -> None:
    listed: Mapping[str, Any] = {
        "id": "google",
        "name": "Google AMP Cache",
        "cacheDomain": "cdn.invalid",
        "updateCacheApiDomainSuffix": "update.invalid",
    }
    for content, code in [
        (json.dumps({"caches": [listed]}).encode(), "name-not-resolved"),
        (json.dumps({"caches": []}).encode(), "bad-response"),
        (json.dumps({"caches": [{**listed, "cacheDomain": "x/../{y}"}]}).encode(), "bad-response"),
        (b"<html>", "bad-response"),
    ]:
        with Endpoint(lambda _, body=content: Reply(200, body)) as endpoint:  # type: ignore[misc]
            with pytest.raises(TransientError) as raised:
                opened(caches_url=f"{endpoint.url}/caches.json").deliver(rendered(FILES[0], "amp"))
            assert (raised.value.code, len(endpoint.calls)) == (code, 1)


@pytest.mark.parametrize("links", [None, Links(page="x", rendition="x", amp="x")])
def test_a_page_without_an_address_is_refused(opened: Callable[..., AmpCache], links: Links | None) -> None:
    with pytest.raises(PermanentError) as raised:
        opened().deliver(replace(parcel(1), links=links))
    assert raised.value.code == "no-address"


def test_the_examples_are_followed_from_revision_to_withdrawal(
    harness: AmpCacheHarness, opened: Callable[..., AmpCache]
) -> None:
    channel = opened()
    for file in FILES:
        for one in (rendered(file, "amp"), rendered(file, "amp", revision=2)):
            publish(harness.site, one, one.rendition.body)
            assert channel.deliver(one).detail == "stand-in: fresh"
        gone = rendered(file, "amp", revision=3, event="withdrawn")
        publish(harness.site, gone, gone.rendition.body)
        assert channel.deliver(gone).detail == "stand-in: not held"
