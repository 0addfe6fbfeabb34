"""The `object-store` channel where the contract of all channels does not reach: on S3, on Azure, in a folder."""

from __future__ import annotations

import hashlib
import ipaddress
import itertools
import json
import random
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import object_stores
import obstore
import pytest
from channel_harness import parcel

from pipeline.channels.object_store import CHANNEL, ObjectStoreChannel
from pipeline.channels.object_store.objects import Objects, Version
from pipeline.channels.shared.settings import open_channel, read_settings
from pipeline.errors import CitewireError, ConfigError
from pipeline.http import EgressGuard, Http
from pipeline.model.delivery import Parcel
from pipeline.model.rendition import Rendition
from standins.receiver import Conduct, Receiver

pytestmark = pytest.mark.timeout(300)
HTTP = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
NAME = "what-is-spasticity.amp"
WITHDRAWAL = parcel(3, "withdrawn", body=b"taken back")


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object_stores.Make]:
    with object_stores.azurite(tmp_path_factory.mktemp("azurite")) as make:
        yield make


@pytest.fixture(params=["s3", "azure", "folder"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object_stores.Bucket:
    makes: dict[str, object_stores.Make] = {"s3": object_stores.s3, "folder": object_stores.folder}
    make = makes.get(request.param) or request.getfixturevalue("azure")
    return make(tmp_path, monkeypatch)


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object_stores.Bucket:
    return object_stores.s3(tmp_path, monkeypatch)


def opened(bucket: object_stores.Bucket, **more: Any) -> ObjectStoreChannel:
    settings = read_settings(CHANNEL, {**bucket.settings, **more}, prefix="channels.a")
    channel = open_channel(CHANNEL, settings, HTTP, prefix="channels.a")
    assert isinstance(channel, ObjectStoreChannel)
    return channel


def changes(bucket: object_stores.Bucket) -> list[tuple[str, int, str]]:
    found = json.loads(bucket.get("index.json") or b"")["changes"]
    return [(one["article"], one["revision"], one["event"]) for one in found]


def test_an_object_its_manifest_and_the_index_say_the_same(bucket: object_stores.Bucket) -> None:
    one = parcel(3)
    receipt = opened(bucket).deliver(one)
    assert receipt.remote_id == NAME
    assert bucket.get(NAME) == one.rendition.body
    manifest = json.loads(bucket.get(f"manifest/{NAME}.json") or b"")
    assert manifest["digest"] == f"sha256:{hashlib.sha256(one.rendition.body).hexdigest()}"
    (entry,) = json.loads(bucket.get("index.json") or b"")["changes"]
    assert entry["name"] == NAME
    assert {key: manifest[key] for key in entry if key != "name"} == {k: v for k, v in entry.items() if k != "name"}
    assert [name for name in bucket.names() if ".lock" not in name] == [
        "index.json",
        f"manifest/{NAME}.json",
        NAME,
    ]


def test_it_can_be_checked(bucket: object_stores.Bucket) -> None:
    assert opened(bucket).check().endswith("can be written to")
    assert [name for name in bucket.names() if ".lock" not in name] == []


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_an_older_revision_never_replaces_a_newer_one(bucket: object_stores.Bucket, order: tuple[int, ...]) -> None:
    channel = opened(bucket)
    for revision in order:
        channel.deliver(parcel(revision))
    assert bucket.get(NAME) == parcel(3).rendition.body
    assert changes(bucket) == [("what-is-spasticity", 3, "updated")]


@pytest.mark.parametrize("newer", [parcel(3), WITHDRAWAL], ids=lambda one: one.event)
@pytest.mark.parametrize("on_withdrawal", ["tombstone", "delete"])
def test_whenever_another_writer_comes_in_between_the_newer_revision_stays(
    bucket: object_stores.Bucket, on_withdrawal: str, newer: Parcel
) -> None:
    """For every n, the newer writer delivers its whole revision before the older one's n-th request."""
    kind = str(bucket.settings["url"]).partition(":")[0]
    if kind == "file" or (kind, on_withdrawal) == ("az", "delete"):
        return  # in a folder the lock keeps the other one out, as the races below show; clouds delete alike
    slow, quick = (opened(bucket, on_withdrawal=on_withdrawal) for _ in range(2))
    gone = newer.event == "withdrawn" and on_withdrawal == "delete"
    for step in itertools.count():
        article = f"article-{step}"
        older, newest = replace(parcel(2), article_id=article), replace(newer, article_id=article)

        def intrude(newest: Parcel = newest) -> None:
            quick.deliver(newest)

        def work(older: Parcel = older) -> None:
            slow.deliver(older)

        if not before_request(step, intrude, work):
            break
        assert bucket.get(f"{article}.amp") == (None if gone else newer.rendition.body)
        assert json.loads(bucket.get(f"manifest/{article}.amp.json") or b"")["revision"] == 3
        assert changes(bucket)[0] == (article, 3, newer.event)
    assert step >= 6


def before_request(number: int, intrude: Callable[[], object], work: Callable[[], object]) -> bool:
    """Do `work`, with `intrude` before its n-th request to a store; return whether there were that many."""
    left, requests = number, {"get", "put", "head", "delete"}

    def called(_frame: Any, event: str, function: Any) -> None:
        nonlocal left
        if event == "c_call" and getattr(function, "__module__", "") == obstore.put.__module__:
            if function.__name__ not in requests:
                return
            left -= 1
            if left == -1:
                intrude()

    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(None)
    return left < 0


def test_writers_that_race_end_with_the_newest(bucket: object_stores.Bucket) -> None:
    revisions = list(range(1, 9))

    def deliver_all(seed: int) -> None:
        channel = opened(bucket)
        for revision in random.Random(seed).sample(revisions, len(revisions)):
            channel.deliver(parcel(revision, body=b"revision %d" % revision))

    threads = [threading.Thread(target=deliver_all, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bucket.get(NAME) == b"revision 8"
    assert changes(bucket) == [("what-is-spasticity", 8, "updated")]


def test_articles_that_race_all_stand_in_the_index(bucket: object_stores.Bucket) -> None:
    def deliver(number: int) -> None:
        opened(bucket).deliver(parcel(1, article=f"article-{number}", body=b"x"))

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one[0] for one in changes(bucket)) == [f"article-{number}" for number in range(5)]


def test_the_index_holds_the_newest_changes_newest_first(bucket: object_stores.Bucket) -> None:
    channel = opened(bucket, index=3)
    for number in range(5):
        channel.deliver(parcel(1, article=f"article-{number}", body=b"x"))
    channel.deliver(parcel(2, "withdrawn", article="article-3", body=b"gone"))
    assert changes(bucket) == [
        ("article-3", 2, "withdrawn"),
        ("article-4", 1, "published"),
        ("article-2", 1, "published"),
    ]


def test_an_index_is_not_made_where_none_is_wanted(s3: object_stores.Bucket) -> None:
    opened(s3, index=0).deliver(parcel(1))
    assert s3.names() == [f"manifest/{NAME}.json", NAME]


def test_an_index_that_cannot_be_read_begins_anew(s3: object_stores.Bucket) -> None:
    obstore.put(s3.store, "index.json", b"<html>")
    opened(s3).deliver(parcel(1))
    assert changes(s3) == [("what-is-spasticity", 1, "published")]


def test_a_withdrawal_leaves_a_tombstone(bucket: object_stores.Bucket) -> None:
    channel = opened(bucket)
    channel.deliver(parcel(1))
    assert (
        channel.shows(WITHDRAWAL) == f"{bucket.settings['url']}: {NAME} contains revision 1 instead of the withdrawal"
    )
    channel.deliver(WITHDRAWAL)
    assert bucket.get(NAME) == b"taken back"
    assert channel.shows(WITHDRAWAL) is None


def test_a_withdrawal_deletes_where_that_is_wanted_and_nothing_older_comes_back(bucket: object_stores.Bucket) -> None:
    channel = opened(bucket, on_withdrawal="delete")
    channel.deliver(parcel(1))
    for _ in range(2):
        channel.deliver(WITHDRAWAL)
    channel.deliver(parcel(2))
    assert bucket.get(NAME) is None
    assert channel.shows(WITHDRAWAL) is None
    assert changes(bucket) == [("what-is-spasticity", 3, "withdrawn")]
    channel.deliver(parcel(4))
    assert bucket.get(NAME) == parcel(4).rendition.body


def test_after_a_change_of_format_the_object_of_the_old_one_goes(bucket: object_stores.Bucket) -> None:
    channel = opened(bucket)
    first = channel.deliver(replace(parcel(1), extension="rss"))
    channel.deliver(replace(parcel(2), remote_id=first.remote_id))
    names = [name for name in bucket.names() if ".lock" not in name]
    assert names == ["index.json", f"manifest/{NAME}.json", NAME]


def test_an_object_that_somebody_changed_is_put_right_when_the_revision_comes_again(
    bucket: object_stores.Bucket,
) -> None:
    channel = opened(bucket)
    channel.deliver(parcel(1))
    obstore.put(bucket.store, NAME, b"defaced")
    channel.deliver(parcel(1))
    assert bucket.get(NAME) == parcel(1).rendition.body


def test_an_update_does_not_fetch_what_it_replaces(
    bucket: object_stores.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = opened(bucket)
    channel.deliver(parcel(1))
    fetched, get = list[str](), Objects.get

    def watched(objects: Objects, name: str) -> tuple[bytes, Version] | None:
        fetched.append(name)
        return get(objects, name)

    monkeypatch.setattr(Objects, "get", watched)
    channel.deliver(parcel(2))
    assert bucket.get(NAME) == parcel(2).rendition.body
    assert f"manifest/{NAME}.json" in fetched
    assert NAME not in fetched


def test_browsers_are_told_what_it_is_and_how_long_to_keep_it(s3: object_stores.Bucket) -> None:
    opened(s3, cache_control="max-age=300").deliver(parcel(1))
    assert s3.headers(NAME)["Content-Type"] == "text/html; charset=utf-8"
    assert s3.headers(NAME)["Cache-Control"] == "max-age=300"
    assert s3.headers("index.json")["Content-Type"] == "application/json"
    opened(s3, content_type="application/xml").deliver(parcel(2))
    assert s3.headers(NAME)["Content-Type"] == "application/xml"


def test_a_store_that_does_not_compare_is_refused_by_the_check(s3: object_stores.Bucket) -> None:
    """One that answers every put with 200, as some do that know S3's protocol but not its conditions."""
    with Receiver() as careless:
        headers = {"etag": '"1"', "last-modified": "Sun, 22 Nov 2026 15:50:28 GMT"}
        careless.conduct(Conduct(status=200, headers=headers))
        with pytest.raises(ConfigError, match="If-Match") as raised:
            opened(s3, endpoint=careless.url).check()
    assert raised.value.key == "url"


def test_no_secret_stands_in_an_error_or_its_causes(s3: object_stores.Bucket) -> None:
    with Receiver() as broken:
        for conduct in (Conduct(status=403, body="hush-hush"), Conduct(mode="garbage"), Conduct(status=500)):
            broken.conduct(conduct)
            with pytest.raises(CitewireError) as raised:
                opened(s3, endpoint=broken.url).deliver(parcel(1))
            text = "".join(traceback.format_exception(raised.value))
            assert "hush-hush" not in text
            assert "Signature" not in text


def test_credentials_of_the_environment_are_not_mixed_in(
    s3: object_stores.Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "somebody-elses")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with Receiver() as receiver:
        receiver.conduct(Conduct(status=503))
        with pytest.raises(CitewireError):
            opened(s3, endpoint=receiver.url).deliver(parcel(1))
        (request,) = receiver.received
    assert "x-amz-security-token" not in request.headers
    assert "Credential=key-id/" in request.headers["authorization"]


def test_google_is_asked_to_compare_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no server of theirs to run here: what is sent is looked at."""
    with Receiver() as receiver:
        account = {"gcs_base_url": receiver.url, "disable_oauth": True, "client_email": "", "private_key": ""}
        monkeypatch.setenv("ACCOUNT", json.dumps({**account, "private_key_id": ""}))
        receiver.conduct(Conduct(status=404))
        settings = {"url": "gs://bucket/notes", "service_account": "env:ACCOUNT", "endpoint": receiver.url}
        with pytest.raises(CitewireError) as raised:
            opened(object_stores.Bucket(settings, None)).deliver(parcel(1))
        put = receiver.received[-1]
    assert raised.value.code == "store-refused"
    assert (put.method, put.headers["x-goog-if-generation-match"]) == ("PUT", "0")
    assert unquote(put.path) == f"/bucket/notes/manifest/{NAME}.json"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "s3://b"}, "takes `access_key_id` and `secret_access_key`"),
        ({"url": "s3://b", "access_key_id": "env:A"}, "takes `access_key_id` and `secret_access_key`"),
        ({"url": "gs://b"}, "takes `service_account`"),
        ({"url": "az://c"}, "needs `account`"),
        ({"url": "az://c", "account": "a"}, "takes `account` and `account_key` or `account` and `sas_token`"),
        ({"url": "file:///x", "account_key": "env:A"}, "takes no keys"),
        ({"url": "s3://b", "credentials": "machine", "access_key_id": "env:A"}, "either"),
    ],
)
def test_a_store_takes_the_keys_that_it_knows(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_settings(CHANNEL, settings, prefix="channels.a")


def test_the_machines_own_credentials_are_used_only_where_that_is_said() -> None:
    read_settings(CHANNEL, {"url": "s3://bucket", "credentials": "machine"}, prefix="channels.a")


def test_an_id_that_could_lead_elsewhere_is_refused(s3: object_stores.Bucket) -> None:
    one: Parcel = parcel(1, article="../other")
    with pytest.raises(CitewireError) as raised:
        opened(s3).deliver(one)
    assert raised.value.code == "unsafe-name"
    assert s3.names() == []


def test_a_large_rendition_is_put_in_one_piece(s3: object_stores.Bucket) -> None:
    body = bytes(12_000_000)
    opened(s3).deliver(replace(parcel(1), rendition=Rendition("x", "image/png", body)))
    assert s3.get(NAME) == body


def test_an_article_called_index_leaves_the_stores_list_alone(s3: object_stores.Bucket) -> None:
    channel = opened(s3)
    channel.deliver(parcel(1))
    listed = replace(parcel(1, article="index"), extension="json", remote_id="index.json")
    for change in ({}, {"revision": 2, "event": "updated"}, {"revision": 3, "erase": True}):
        channel.deliver(replace(listed, **change))
    changes = json.loads(s3.get("index.json") or b"{}")["changes"]
    assert [one["name"] for one in changes][-1] == NAME
    channel.close()
