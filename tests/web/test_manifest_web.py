"""/articles/manifest.json: the public articles, for comparison; and partners whose cursor is too old."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from asgi import get
from bench import START, Bench, article
from empty_ledger import empty_ledger
from fastapi import FastAPI

from pipeline.ledger import tokens
from pipeline.stages.prune import prune_others
from pipeline.web.app import create_app

MANIFEST = "/articles/manifest.json"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    ledger = empty_ledger(tmp_path)
    bench = Bench(ledger)
    plan = replace(bench.context.channels["partner"], is_pull=True)
    page = replace(bench.context.formats["plain"], name="html", extension="html")
    bench.context = replace(bench.context, channels={"partner": plan}, formats={**bench.context.formats, "html": page})
    with ledger.write() as transaction:
        tokens.add(transaction, "theirs", name="theirs", scope="partner:partner", now=START)
    yield bench
    ledger.close()


@pytest.fixture
def app(bench: Bench) -> FastAPI:
    return create_app(bench.context, alive=list)


def test_live_articles_have_digests_and_withdrawn_ones_are_tombstones(bench: Bench, app: FastAPI) -> None:
    for name in ("b", "a"):
        bench.publish(article(name))
    bench.work()
    bench.withdraw("b")
    bench.work()
    answer = get(app, MANIFEST)
    live, gone = answer.json["articles"]
    assert (live["article"], live["state"], live["revision"]) == ("a", "live", 1)
    assert live["digest"] == live["renditions"]["html"]
    assert (gone["article"], gone["state"], gone["revision"], gone["digest"]) == ("b", "withdrawn", 2, None)
    assert answer.json["next"] is None


def test_what_was_never_public_is_not_in_it(bench: Bench, app: FastAPI) -> None:
    bench.publish(article("secret", embargo=START + dt.timedelta(days=3)))
    bench.publish(article("taken-back"))
    bench.withdraw("taken-back")
    bench.work()
    assert get(app, MANIFEST).json["articles"] == []
    bench.publish(article("shown"))
    bench.work()
    bench.publish(article("shown", text="Later.", embargo=START + dt.timedelta(days=3)))
    bench.work()
    (shown,) = get(app, MANIFEST).json["articles"]
    assert (shown["state"], shown["revision"]) == ("live", 1)


def test_it_comes_in_pages_that_link_to_the_next(bench: Bench, app: FastAPI) -> None:
    for name in "abcde":
        bench.publish(article(name))
    bench.work()
    found, path = [], f"{MANIFEST}?limit=2"
    while path:
        page = get(app, path).json
        found += [one["article"] for one in page["articles"]]
        path = (page["next"] or "").removeprefix(bench.context.site.served)
    assert found == list("abcde")
    assert get(app, f"{MANIFEST}?limit=0").status == 422


def test_a_page_that_did_not_change_is_not_sent_again(bench: Bench, app: FastAPI) -> None:
    bench.publish(article())
    bench.work()
    etag = get(app, MANIFEST).headers["etag"]
    assert get(app, MANIFEST, if_none_match=etag).status == 304
    bench.publish(article(text="Move."))
    bench.work()
    assert get(app, MANIFEST, if_none_match=etag).status == 200


def test_a_partner_whose_cursor_is_too_old_learns_how_to_begin_again(bench: Bench, app: FastAPI) -> None:
    bench.publish(article())
    bench.work()
    first = get(app, "/partners/partner/changes", authorization="Bearer theirs").json["cursor"]
    bench.publish(article(text="Move."))
    bench.work()
    get(app, f"/partners/partner/changes?after={first}", authorization="Bearer theirs")
    bench.clock.pass_(400 * 86_400)
    prune_others(bench.context)
    answer = get(app, f"/partners/partner/changes?after={first}", authorization="Bearer theirs")
    assert (answer.status, answer.json["code"]) == (410, "cursor-expired")
    assert MANIFEST in answer.json["detail"]
    (change,) = get(app, "/partners/partner/changes", authorization="Bearer theirs").json["changes"]
    assert change["revision"] == 2
