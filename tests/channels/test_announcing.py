"""Channels that announce addresses: how few requests they make, and whose failure is whose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from channel_harness import parcel
from endpoint_troubles import local_http

from pipeline.channels import BatchChannel, indexnow, websub
from pipeline.channels.shared.settings import open_channel, read_settings
from pipeline.errors import CitewireError, PermanentError, TransientError
from pipeline.http import Http
from pipeline.model.delivery import Links, Parcel, Receipt
from standins.announced import IndexNowEngine, PublicHub
from standins.endpoint import Reply

KEY = "0123456789abcdef"
FEEDS = ("https://notes.example.org/feeds/latest.rss", "https://notes.example.org/feeds/latest.atom")


@pytest.fixture
def http() -> Iterator[Http]:
    http = local_http()
    yield http
    http.close()


def many(count: int, *, host: str = "notes.example.org", feeds: tuple[str, ...] = FEEDS) -> list[Parcel]:
    def links(number: int) -> Links:
        page = f"https://{host}/articles/a{number}"
        return Links(page=page, rendition=page, amp=page, feeds=feeds)

    return [replace(parcel(1, article=f"a{number}", body=b"x"), links=links(number)) for number in range(count)]


def opened(module: Any, http: Http, **settings: object) -> BatchChannel:
    own = read_settings(module.CHANNEL, settings, prefix="x")
    channel = open_channel(module.CHANNEL, own, http, prefix="x")
    assert isinstance(channel, BatchChannel)
    return channel


def anything(_: str) -> Reply:
    return Reply(200, KEY.encode(), "text/plain")


def kinds(outcomes: object) -> list[type[object]]:
    return [type(one) for one in outcomes]  # type: ignore[attr-defined]


# --- IndexNow -----------------------------------------------------------------------------------------------------


def test_ten_thousand_pages_of_a_host_go_in_one_request(http: Http) -> None:
    engine = IndexNowEngine(anything)
    with engine.serve() as endpoint:
        parcels = [*many(10_001), *many(1, host="other.example.org")]
        outcomes = opened(indexnow, http, key=KEY, url=endpoint.url).deliver_all(parcels)
    assert kinds(outcomes) == [Receipt] * 10_002
    assert (engine.requests, len(engine.announced)) == (3, 10_002)


def test_a_page_is_announced_once_in_a_batch(http: Http) -> None:
    engine = IndexNowEngine(anything)
    with engine.serve() as endpoint:
        first, second = many(2)
        again = replace(first, revision=2, event="withdrawn")
        outcomes = opened(indexnow, http, key=KEY, url=endpoint.url).deliver_all([first, second, again])
    assert kinds(outcomes) == [Receipt] * 3
    assert engine.announced == ["https://notes.example.org/articles/a0", "https://notes.example.org/articles/a1"]


def test_the_refusal_of_one_host_is_not_the_others(http: Http) -> None:
    def only_ours(address: str) -> Reply:
        return anything(address) if "notes" in address else Reply(404)

    engine = IndexNowEngine(only_ours)
    with engine.serve() as endpoint:
        channel = opened(indexnow, http, key=KEY, url=endpoint.url)
        ours, theirs, nowhere = channel.deliver_all(
            [*many(1), *many(1, host="other.example.org"), replace(many(1)[0], links=None)]
        )
    assert isinstance(ours, Receipt)
    assert isinstance(theirs, PermanentError)
    assert str(theirs) == "403 Forbidden: the key is not valid: its file was not found or contains another key"
    assert isinstance(nowhere, PermanentError)
    assert nowhere.code == "no-address"


@pytest.mark.parametrize(("content", "code"), [(KEY.encode(), None), (b"another", "key-file-wrong"), (None, "refused")])
def test_the_check_looks_at_the_keys_file_where_it_is_told_of_one(
    http: Http, content: bytes | None, code: str | None
) -> None:
    file = Reply(404) if content is None else Reply(200, content + b"\n", "text/plain")
    engine = IndexNowEngine(anything)
    with engine.serve() as endpoint:
        channel = opened(indexnow, http, key=KEY, url=endpoint.url, key_location=f"{endpoint.url}/key.txt")
        endpoint.misbehave(file, methods=("GET",))
        if code is None:
            assert channel.check().endswith("the key file is in place")
        else:
            with pytest.raises(PermanentError) as raised:
                channel.check()
            assert raised.value.code == code


# --- WebSub -------------------------------------------------------------------------------------------------------


def test_each_feed_is_announced_once_in_a_batch(http: Http) -> None:
    hub = PublicHub(anything)
    with hub.serve() as endpoint:
        withdrawn = replace(many(1)[0], revision=2, event="withdrawn")
        outcomes = opened(websub, http, hub=endpoint.url).deliver_all([*many(50), withdrawn])
    assert kinds(outcomes) == [Receipt] * 51
    assert hub.announced == list(FEEDS)


def test_several_hubs_are_all_told_and_one_that_is_down_is_told_again(http: Http) -> None:
    hubs = [PublicHub(anything), PublicHub(anything)]
    with hubs[0].serve() as one, hubs[1].serve() as other:
        channel = opened(websub, http, hub=[one.url, other.url])
        one.misbehave(Reply(503))
        (outcome,) = channel.deliver_all(many(1))
        assert isinstance(outcome, TransientError)
        one.behave()
        (outcome,) = channel.deliver_all(many(1))
        assert isinstance(outcome, Receipt)
    assert [set(hub.announced) for hub in hubs] == [set(FEEDS)] * 2


def test_a_feed_that_is_refused_fails_only_the_articles_it_holds(http: Http) -> None:
    def respond(hub: PublicHub) -> Callable[[Any], Reply]:
        return lambda call: Reply(400) if b"private" in call.body else PublicHub.respond(hub, call)

    hub = PublicHub(anything)
    object.__setattr__(hub, "respond", respond(hub))
    with hub.serve() as endpoint:
        parcels = [*many(1), *many(1, feeds=("https://notes.example.org/feeds/private.rss",)), *many(1, feeds=())]
        public, private, nowhere = opened(websub, http, hub=endpoint.url).deliver_all(parcels)
    assert isinstance(public, Receipt)
    assert isinstance(private, PermanentError)
    assert isinstance(nowhere, Receipt)
    assert nowhere.detail == "not in any feed: nothing to announce"


def test_the_time_of_a_batch_is_bounded_however_many_feeds_hang(http: Http) -> None:
    feeds = tuple(f"https://notes.example.org/feeds/{number}.rss" for number in range(100))
    hub = PublicHub(anything)
    with hub.serve() as endpoint:
        endpoint.misbehave("hang")
        outcomes = opened(websub, http, hub=endpoint.url, total_timeout=0.3).deliver_all(many(2, feeds=feeds))
        assert [isinstance(one, CitewireError) and one.code for one in outcomes] == ["timeout", "timeout"]
        assert len(endpoint.calls) == 1
