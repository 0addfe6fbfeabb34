"""What is particular to Apple News: one article there for each of ours, whatever is lost on the way."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

import pytest
from channel_harness import parcel
from endpoint_troubles import local_http
from harness_apple_news import AppleNewsHarness
from rendered import FILES, rendered

from pipeline.channels.apple_news import CHANNEL, AppleNews
from pipeline.channels.apple_news.api import authorization
from pipeline.channels.shared.settings import open_channel, read_settings
from pipeline.errors import PermanentError, TransientError
from pipeline.model.delivery import Parcel
from standins.apple_news import AppleNews as StandIn
from standins.endpoint import Endpoint, Reply, json_reply

SECTION = "0a468272-356f-3b61-afa3-c4f989954180"


@pytest.fixture
def apple(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    apple = StandIn()
    monkeypatch.setenv("APPLE_KEY", apple.key_id)
    monkeypatch.setenv("APPLE_SECRET", apple.secret)
    return apple


@pytest.fixture
def endpoint(apple: StandIn) -> Iterator[Endpoint]:
    with apple.serve() as endpoint:
        yield endpoint


@pytest.fixture
def opened(apple: StandIn, endpoint: Endpoint) -> Iterator[Callable[..., AppleNews]]:
    http = local_http()

    def opened(**settings: object) -> AppleNews:
        own = {**AppleNewsHarness(apple, endpoint).settings, **settings}
        return cast("AppleNews", open_channel(CHANNEL, read_settings(CHANNEL, own, prefix="x"), http, prefix="x"))

    yield opened
    http.close()


def shaped(apple: StandIn, revision: int, **changes: Any) -> Parcel:
    return replace(AppleNewsHarness(apple, cast("Endpoint", None)).shaped(parcel(revision)), **changes)


def titled(apple: StandIn, article: str, title: str) -> Parcel:
    one = AppleNewsHarness(apple, cast("Endpoint", None)).shaped(parcel(1, article=article))
    document = {**json.loads(one.rendition.body), "title": title}
    return replace(one, rendition=replace(one.rendition, body=json.dumps(document).encode()))


def test_the_signature_is_over_method_address_date_media_type_and_body() -> None:
    at, secret = parcel(1).at.replace(2026, 3, 1, 9, 0, 0), b"secret"
    header = authorization("POST", "https://news-api.apple.com/x", at, "text/plain", b"body", "key-1", secret)
    signed = b"POSThttps://news-api.apple.com/x2026-03-01T09:00:00Ztext/plainbody"
    signature = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    assert header == f'HHMAC; key="key-1"; signature="{signature}"; date="2026-03-01T09:00:00Z"'


def test_an_answer_that_is_lost_leaves_one_article_all_the_same(
    apple: StandIn, endpoint: Endpoint, opened: Callable[..., AppleNews]
) -> None:
    channel = opened()
    endpoint.misbehave("lost", times=1)
    with pytest.raises(TransientError):
        channel.deliver(shaped(apple, 1))
    receipt = channel.deliver(shaped(apple, 1))
    article = apple.find("what-is-spasticity")
    assert article is not None
    assert receipt.remote_id == f"{article.id}@{article.revision}"


def test_a_lost_answer_to_an_update_does_no_harm(
    apple: StandIn, endpoint: Endpoint, opened: Callable[..., AppleNews]
) -> None:
    channel = opened()
    known = channel.deliver(shaped(apple, 1)).remote_id
    endpoint.misbehave("lost", times=1)
    with pytest.raises(TransientError):
        channel.deliver(shaped(apple, 2, remote_id=known))
    receipt = channel.deliver(shaped(apple, 3, remote_id=known))
    article = apple.find("what-is-spasticity")
    assert article is not None
    assert (article.body, receipt.remote_id) == (shaped(apple, 3).rendition.body, f"{article.id}@{article.revision}")


def test_another_article_of_the_same_title_is_not_written_over(
    apple: StandIn, opened: Callable[..., AppleNews]
) -> None:
    channel = opened()
    channel.deliver(titled(apple, "first", "What is spasticity?"))
    with pytest.raises(PermanentError) as raised:
        channel.deliver(titled(apple, "second", "What is spasticity?"))
    assert raised.value.code == "duplicate-elsewhere"
    assert "'first'" in str(raised.value)
    assert (apple.find("second"), len(apple.articles)) == (None, 1)


def test_what_was_deleted_there_is_made_anew(apple: StandIn, opened: Callable[..., AppleNews]) -> None:
    channel = opened()
    known = channel.deliver(shaped(apple, 1)).remote_id
    apple.articles.clear()
    update = shaped(apple, 2, remote_id=known)
    receipt = channel.deliver(asked_again(channel, update))
    assert apple.find("what-is-spasticity") is not None
    assert receipt.status == 201
    assert receipt.remote_id != known


def asked_again(channel: AppleNews, one: Parcel) -> Parcel:
    """The parcel as it is two minutes after a first 404, and after another in between."""
    for seconds in (0, 119):
        with pytest.raises(PermanentError) as raised:
            channel.deliver(replace(one, at=one.at + dt.timedelta(seconds=seconds)))
        assert (raised.value.code, raised.value.status) == ("not-found", 404)
        one = replace(one, remote_id=raised.value.ids["remote_id"])
    return replace(one, at=one.at + dt.timedelta(seconds=120))


@pytest.mark.parametrize("event", ["updated", "withdrawn"])
def test_a_404_during_a_deployment_neither_doubles_an_article_nor_leaves_a_withdrawn_one(
    apple: StandIn, opened: Callable[..., AppleNews], event: str
) -> None:
    channel = opened()
    known = channel.deliver(shaped(apple, 1)).remote_id
    hidden, apple.articles = apple.articles, {}
    one = shaped(apple, 2, remote_id=known) if event == "updated" else withdrawal(apple, 2, known)
    with pytest.raises(PermanentError) as raised:
        channel.deliver(one)
    apple.articles = hidden
    channel.deliver(replace(one, remote_id=raised.value.ids["remote_id"]))
    assert len(apple.articles) == (1 if event == "updated" else 0)


def test_a_withdrawal_of_what_is_gone_ends_at_the_second_404(apple: StandIn, opened: Callable[..., AppleNews]) -> None:
    channel = opened()
    known = channel.deliver(shaped(apple, 1)).remote_id
    apple.articles.clear()
    receipt = channel.deliver(asked_again(channel, withdrawal(apple, 2, known)))
    assert receipt.detail == "was already gone"


def withdrawal(apple: StandIn, revision: int, remote_id: str | None) -> Parcel:
    harness = AppleNewsHarness(apple, cast("Endpoint", None))
    return replace(harness.shaped(parcel(revision, "withdrawn")), remote_id=remote_id)


def test_an_update_that_apple_does_not_apply_is_no_success(apple: StandIn, opened: Callable[..., AppleNews]) -> None:
    channel = opened()
    known = channel.deliver(shaped(apple, 1)).remote_id
    apple.optimised = True
    with pytest.raises(PermanentError) as raised:
        channel.deliver(shaped(apple, 2, remote_id=known))
    assert (raised.value.code, raised.value.status) == ("update-not-applied", 202)


def test_warnings_reach_the_operator_on_one_line(apple: StandIn, opened: Callable[..., AppleNews]) -> None:
    apple.warnings = [{"code": "UNSUPPORTED", "keyPath": ["components", 0, "style"], "message": "not\nhere"}]
    receipt = opened().deliver(shaped(apple, 1))
    assert "warning UNSUPPORTED at components.0.style: not here" in receipt.detail
    assert receipt.detail.startswith("201 Created: PROCESSING; https://apple.news/A")


def test_the_settings_stand_in_the_metadata(apple: StandIn, opened: Callable[..., AppleNews]) -> None:
    settings = {"is_preview": True, "is_sponsored": True, "is_candidate_to_be_featured": True}
    channel = opened(**settings, maturity_rating="GENERAL", sections=[SECTION], territories=["GB", "US"])
    receipt = channel.deliver(shaped(apple, 1))
    expected: Mapping[str, Any] = {
        "isPreview": True,
        "isSponsored": True,
        "isCandidateToBeFeatured": True,
        "maturityRating": "GENERAL",
        "targetTerritoryCountryCodes": ["GB", "US"],
    }
    article = apple.find("what-is-spasticity")
    assert article is not None
    assert expected.items() <= article.metadata.items()
    assert article.metadata["links"]["sections"][0].endswith(f"/sections/{SECTION}")
    channel.deliver(shaped(apple, 2, remote_id=receipt.remote_id))
    assert expected.items() <= article.metadata.items()


def test_without_sections_apple_chooses_and_with_none_the_article_stands_alone(
    apple: StandIn, opened: Callable[..., AppleNews]
) -> None:
    opened().deliver(titled(apple, "a", "A"))
    opened(sections=[]).deliver(titled(apple, "b", "B"))
    a, b = apple.find("a"), apple.find("b")
    assert a is not None and b is not None
    assert "links" not in a.metadata
    assert b.metadata["links"] == {"sections": []}


@pytest.mark.parametrize("known", [True, False])
def test_a_withdrawal_finds_its_article_even_where_its_id_was_lost(
    apple: StandIn, endpoint: Endpoint, opened: Callable[..., AppleNews], known: bool
) -> None:
    channel = opened()
    remote_id = channel.deliver(shaped(apple, 1)).remote_id
    withdrawal = shaped(apple, 2, event="withdrawn", remote_id=remote_id if known else None)
    assert cast("str", channel.shows(replace(withdrawal, remote_id=remote_id))).startswith("https://apple.news/A")
    receipt = channel.deliver(withdrawal)
    assert not apple.articles
    assert channel.shows(replace(withdrawal, remote_id=receipt.remote_id)) is None
    for repeated in (receipt.remote_id, None):
        channel.deliver(replace(withdrawal, remote_id=repeated))
    assert not apple.articles
    assert all(json_of(call)["data"]["isPreview"] for call in posts(endpoint)[1:]), "a reader saw the tombstone"


def posts(endpoint: Endpoint) -> list[Any]:
    return [call for call in endpoint.calls if call.method == "POST"]


def json_of(call: Any) -> Any:
    """The metadata of a request."""
    body = call.body.decode()
    return json.loads(body[body.index("{") : body.index("}}") + 2])


def test_a_clock_that_is_wrong_is_named(apple: StandIn, opened: Callable[..., AppleNews]) -> None:
    apple.clock = lambda: parcel(1).at.timestamp() + 3600
    with pytest.raises(PermanentError, match="DATE_NOT_RECENT") as raised:
        opened().deliver(shaped(apple, 1))
    assert raised.value.status == 401


def test_a_wrong_secret_is_told_without_the_secret(
    apple: StandIn, opened: Callable[..., AppleNews], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPLE_SECRET", base64.b64encode(b"another").decode())
    with pytest.raises(PermanentError, match="WRONG_SIGNATURE") as raised:
        opened().deliver(shaped(apple, 1))
    assert "YW5vdGhlcg" not in str(raised.value)


def test_a_document_that_apple_refuses_is_told_with_its_place(apple: StandIn, opened: Callable[..., AppleNews]) -> None:
    one = shaped(apple, 1)
    document = json.loads(one.rendition.body)
    document["components"][0]["textStyle"] = "nowhere"
    with pytest.raises(PermanentError, match=r"INVALID_DOCUMENT at components\.0\.textStyle: nowhere is not defined"):
        opened().deliver(replace(one, rendition=replace(one.rendition, body=json.dumps(document).encode())))


def test_the_check_names_a_channel_that_is_not_there(apple: StandIn, opened: Callable[..., AppleNews]) -> None:
    assert opened().check() == 'reached: the channel "Doctor\'s Note"'
    with pytest.raises(PermanentError, match="NOT_FOUND at channelId"):
        opened(channel_id=SECTION).check()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(201, b""),
        Reply(201, b"[]"),
        Reply(201, b"[" * 100_000),
        Reply(201, b'{"data": []}'),
        json_reply(201, {"data": {"id": 5, "revision": []}}),
        json_reply(201, {"data": {"id": "../channels/1", "revision": "x"}}),
        json_reply(201, {"data": {"id": "a91760f1"}}),
    ],
    ids=range(7),
)
def test_success_without_an_id_is_none(
    apple: StandIn, endpoint: Endpoint, opened: Callable[..., AppleNews], reply: Reply
) -> None:
    endpoint.misbehave(reply)
    with pytest.raises(TransientError) as raised:
        opened().deliver(shaped(apple, 1))
    assert raised.value.code == "bad-response"


def test_a_token_that_is_never_right_does_not_go_on_for_ever(
    apple: StandIn, endpoint: Endpoint, opened: Callable[..., AppleNews]
) -> None:
    channel = opened()
    known = channel.deliver(shaped(apple, 1)).remote_id
    endpoint.misbehave(json_reply(409, {"errors": [{"code": "WRONG_REVISION"}]}), methods=("POST",))
    with pytest.raises(TransientError) as raised:
        channel.deliver(shaped(apple, 2, remote_id=known))
    assert raised.value.code == "try-later"
    assert len(endpoint.calls) < 10


def test_the_examples_are_taken_as_they_are_rendered(apple: StandIn, opened: Callable[..., AppleNews]) -> None:
    channel = opened()
    for file in FILES:
        known = channel.deliver(rendered(file, "apple-news")).remote_id
        channel.deliver(replace(rendered(file, "apple-news", revision=2), remote_id=known))
    assert len(apple.articles) == len(FILES) > 1
    for file in FILES:
        channel.deliver(rendered(file, "apple-news", revision=3, event="withdrawn"))
    assert not apple.articles
