"""The evidence over HTTP: references, changes, what was shown when, figures; and the release of a hold."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import feedparser
import pytest
from asgi import Answer, get, send
from bench import START, article, paper
from documents import guide
from empty_ledger import empty_ledger
from fastapi import FastAPI
from msgspec import structs
from prometheus_client.parser import text_string_to_metric_families
from watched import Watched, publish

from pipeline.ledger import tokens
from pipeline.stages.flow import STAGES
from pipeline.web.app import create_app

DOCS = Path(__file__).resolve().parents[2] / "docs"
TOKENS = {"cms": "publish", "root": "admin"}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Watched]:
    ledger = empty_ledger(tmp_path)
    bench = Watched(ledger, "partner", "careful", plans={"careful": {"evidence": "hold"}})
    with ledger.write() as transaction:
        for token, scope in TOKENS.items():
            tokens.add(transaction, token, name=token, scope=scope, now=START)
    bench.know(paper("1", "A <b>trial</b> & more\x08"), paper("2"))
    publish(bench, "1", "2")
    yield bench
    ledger.close()


@pytest.fixture
def app(bench: Watched) -> FastAPI:
    return create_app(bench.context, alive=list)


def retract(bench: Watched) -> None:
    bench.turn("1", "retracted")
    bench.recheck()


def post(app: FastAPI, address: str, token: str) -> Answer:
    return asyncio.run(send(app, "POST", address, headers={"authorization": f"Bearer {token}"}))


# --- statements ---------------------------------------------------------------------------------------------------


def test_the_evidence_of_an_article_is_stated_by_source_and_of_what_is_live_alone(bench: Watched, app: FastAPI) -> None:
    bench.know(structs.replace(paper("1"), types=("Randomized Controlled Trial",), pmcid="PMC7"))
    retract(bench)
    stated = get(app, "/articles/spasms.evidence.json").json
    assert (stated["total"], stated["watched"], stated["review_overdue"]) == (2, 2, False)
    first = stated["references"][0]
    assert first["reference"]["editorial"] == ["retracted"]
    (says,) = first["sources"]
    assert (says["source"], says["says"]) == ("pubmed", ["retracted"])
    assert says["asked"] is not None
    assert (first["weight"], first["weight_label"]) == ("randomised-trial", "Randomised controlled trial")
    assert first["free_full_text"].endswith("PMC7/")
    later = START + dt.timedelta(days=9)
    bench.publish(article("secret", pmids=["3"], embargo=later))
    bench.publish(article("spasms", text="Later.", pmids=["1", "3"], embargo=later))
    bench.work()
    assert get(app, "/articles/secret.evidence.json").status == 404
    assert [one["reference"]["pmid"] for one in get(app, "/articles/spasms.evidence.json").json["references"]] == [
        "1",
        "2",
    ]
    assert get(app, "/articles/nothing.evidence.json").status == 404


def test_a_reference_of_a_live_article_is_given_in_fhir(bench: Watched, app: FastAPI) -> None:
    answer = get(app, "/references/1.fhir.json")
    assert answer.headers["content-type"] == "application/fhir+json"
    assert (answer.json["resourceType"], answer.json["status"]) == ("Citation", "active")
    assert get(app, "/references/77.fhir.json").status == 404


# --- references ---------------------------------------------------------------------------------------------------


def test_a_reference_is_told_with_its_standing_and_who_cites_it(bench: Watched, app: FastAPI) -> None:
    retract(bench)
    known = get(app, "/references/1").json
    assert (known["pmid"], known["state"], known["editorial"]) == ("1", "resolved", ["retracted"])
    assert known["notices"] == [{"state": "retracted", "source": "J Ex. 2026;1:1", "pmid": "999"}]
    assert (known["csl"]["PMID"], known["csl"]["status"]) == ("1", "retracted")
    assert known["articles"] == ["spasms"]
    assert known["changed"] == known["fetched"] > get(app, "/references/2").json["changed"]


def test_an_article_under_embargo_is_not_given_away(bench: Watched, app: FastAPI) -> None:
    later = bench.clock.now.replace(year=2027)
    bench.publish(article("secret", pmids=["2"], embargo=later))
    bench.work()
    assert get(app, "/references/2").json["articles"] == ["spasms"]


@pytest.mark.parametrize("pmid", ["3", "01", "1 ", "-1", "..", "%2e%2e", "1%2f..", "١", "1" * 200, "1'--", ""])
def test_what_nobody_cited_is_unknown(app: FastAPI, pmid: str) -> None:
    assert get(app, f"/references/{pmid}").status == 404


# --- the feed of changes ------------------------------------------------------------------------------------------


def test_readers_take_the_feed_of_changes_with_something_in_it_and_without(bench: Watched, app: FastAPI) -> None:
    empty = feedparser.parse(get(app, "/evidence/changes.atom").body)
    assert (empty.bozo, empty.entries) == (False, [])
    assert get(app, "/evidence/changes.json").json["items"] == []
    retract(bench)
    feed = feedparser.parse(get(app, "/evidence/changes.atom").body)
    assert not feed.bozo
    (entry,) = feed.entries
    assert entry.title == "Retracted: A <b>trial</b> & more"
    assert entry.link == "https://pubmed.ncbi.nlm.nih.gov/1/"
    assert "https://notes.example.org/articles/spasms" in entry.content[0].value
    assert "<b>trial" not in entry.content[0].value
    (item,) = get(app, "/evidence/changes.json").json["items"]
    assert item["id"] == entry.id
    assert item["_citewire"] == {
        "pmid": "1",
        "gained": ["retracted"],
        "editorial": ["retracted"],
        "articles": ["spasms"],
    }


@pytest.mark.parametrize("extension", ["atom", "json"])
def test_who_has_the_feed_is_sent_nothing(bench: Watched, app: FastAPI, extension: str) -> None:
    retract(bench)
    first = get(app, f"/evidence/changes.{extension}")
    again = get(app, f"/evidence/changes.{extension}", if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    bench.turn("1", "retracted", "erratum")
    bench.recheck()
    newer = get(app, f"/evidence/changes.{extension}", if_none_match=first.headers["etag"])
    assert newer.status == 200
    assert newer.body.count(b"Erratum: ") >= 1


# --- what was shown, and the release ------------------------------------------------------------------------------


def test_what_was_shown_is_told_to_who_may_know(bench: Watched, app: FastAPI) -> None:
    before = bench.clock.now.isoformat().replace("+00:00", "Z")
    retract(bench)
    own = get(app, "/v1/articles/spasms/shown", authorization="Bearer cms").json
    assert (own["channel"], own["revision"], own["references"][0]["editorial"]) == (None, 2, ["retracted"])
    then = get(app, f"/v1/articles/spasms/shown?channel=careful&at={before}", authorization="Bearer cms").json
    assert (then["revision"], then["event"], then["references"][0]["editorial"]) == (1, "published", [])
    now = get(app, "/v1/articles/spasms/shown?channel=careful", authorization="Bearer cms").json
    assert (now["revision"], now["event"], now["references"]) == (2, "withdrawn", [])


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/v1/articles/other/shown", 404, "unknown-article"),
        ("/v1/articles/spasms/shown?channel=nobody", 404, "unknown-channel"),
        ("/v1/articles/spasms/shown?at=yesterday", 422, "invalid-parameter"),
        ("/v1/articles/spasms/shown?at=2026-03-01T12:00:00", 422, "invalid-parameter"),
    ],
)
def test_mistakes_are_told(app: FastAPI, address: str, status: int, code: str) -> None:
    answer = get(app, address, authorization="Bearer cms")
    assert (answer.status, answer.code) == (status, code)


def test_what_was_shown_is_not_told_to_anyone(app: FastAPI) -> None:
    assert get(app, "/v1/articles/spasms/shown").status == 401


def test_an_operator_releases_a_hold_once(bench: Watched, app: FastAPI) -> None:
    retract(bench)
    (kept,) = get(app, "/v1/articles/spasms", authorization="Bearer cms").json["withheld"]
    assert (kept["channel"], kept["cause"]) == ("careful", "hold")
    address = "/v1/articles/spasms/release?channel=careful"
    assert post(app, address, "cms").status == 403
    released = post(app, address, "root").json
    operation = released.pop("operation")
    assert released == {"article": "spasms", "revision": 3, "channels": ["careful"]}
    done = get(app, f"/v1/operations/{operation}", authorization="Bearer root").json
    assert (done["kind"], [part["article"] for part in done["parts"]]) == ("release", ["spasms"])
    refused = post(app, address, "root")
    assert (refused.status, refused.code) == (409, "nothing-to-release")
    assert refused.json["hint"] == refused.json["mend"] != ""
    assert post(app, "/v1/articles/other/release", "root").code == "unknown-article"


def test_deliveries_tell_what_is_pending(app: FastAPI) -> None:
    shapes = get(app, "/v1/deliveries", authorization="Bearer cms").json["deliveries"]
    assert [one["references_pending"] for one in shapes] == [0, 0]


# --- metrics ------------------------------------------------------------------------------------------------------


def test_the_metrics_say_what_the_ledger_says_and_each_is_documented(bench: Watched, app: FastAPI) -> None:
    retract(bench)
    bench.receivers["partner"].mood = "down"
    bench.publish(article("cramps", pmids=["2"]))
    bench.work()
    bench.clock.pass_(90)
    answer = get(app, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(answer.body.decode()))
    found = {(sample.name, *sorted(sample.labels.values())): sample.value for one in families for sample in one.samples}
    assert found["citewire_articles", "live"] == 2
    assert found["citewire_references", "resolved"] == 2
    assert found["citewire_references_editorial", "retracted"] == 1
    assert found["citewire_evidence_changes_total", "gained", "retracted"] == 1
    assert found["citewire_deliveries", "careful", "delivered"] == 2
    assert found["citewire_deliveries", "partner", "pending"] == 1
    assert found["citewire_withheld", "hold"] == 1
    assert found["citewire_oldest_due_seconds", "deliver"] > 60
    assert found["citewire_oldest_due_seconds", "render"] == 0
    assert found["citewire_due", "deliver"] == 1
    assert found["citewire_due", "render"] == 0
    stages = {sample.labels["stage"] for one in families if one.name == "citewire_due" for sample in one.samples}
    assert stages == {stage.name for stage in STAGES}
    accepted = found["citewire_attempts_last_hour", "delivered"]
    assert accepted > 0
    assert found["citewire_sends_last_ten_minutes", "", "delivered"] == accepted
    assert found["citewire_sends_last_ten_minutes", "", "transient"] == 1
    assert found["citewire_publish_to_delivered_seconds_bucket", "", "+Inf"] == accepted
    assert found["citewire_attempts_last_hour", "transient"] == 1
    assert found["citewire_feeds_stale",] >= 0
    named = {one.name + ("_total" if one.type == "counter" else "") for one in families}
    assert {name for name in named if f"`{name}`" not in guide()} == set()
    assert set(re.findall(r"`(citewire_\w+)`", guide())) <= named
