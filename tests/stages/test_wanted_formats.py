"""What nobody wants is not rendered when it is published, and whoever asks for it later gets what would have been."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from asgi import get
from bench import PLAIN, SITE, START, Bench, Store, article, paper, topic
from empty_ledger import empty_ledger
from every_stage import render
from fastapi import FastAPI
from msgspec import structs
from structlog.testing import capture_logs

from pipeline.errors import TransientError
from pipeline.ledger import Ledger
from pipeline.ledger.articles import renditions
from pipeline.ledger.places import ALL, Place
from pipeline.model.reference import CitedReference
from pipeline.model.rendition import digest_of
from pipeline.model.revision import Revision
from pipeline.model.site import Feed, Site
from pipeline.stages.context import Policy
from pipeline.stages.places.fill import fill_page, render_ahead
from pipeline.stages.refresh import Refresh
from pipeline.stages.render import Made, _as_decided
from pipeline.stages.render.decide import DIFFERENT, Decision
from pipeline.stages.render.reading import read
from pipeline.stages.render.wanted import rendered_in
from pipeline.stages.stage import drain
from pipeline.web.app import create_app

MADE: list[tuple[str, int]] = []  # formats and revisions, as often as they were rendered


def _text(name: str, revision: Revision, site: Site) -> bytes:
    MADE.append((name, revision.number))
    return f"{name}|{revision.number}|{revision.article.answer}|{site.disclaimer}".encode()


def _titles(cited: tuple[CitedReference, ...]) -> str:
    return " ".join(one.reference.title if one.reference else "?" for one in cited)


FORMATS = {
    name: replace(
        PLAIN,
        name=name,
        extension=name,
        render=lambda revision, site, name=name: _text(name, revision, site),
        document=PLAIN.document if name == "listed" else None,
    )
    for name in ("html", "amp", "sent", "also", "listed", "unasked")
}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """On one database: none of this is decided by the ledger."""
    opened = empty_ledger(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    return _bench(ledger)


def _bench(ledger: Ledger, policy: Policy | None = None) -> Bench:
    bench = Bench(ledger, policy=policy or Policy())
    plan = replace(bench.context.channels["partner"], format="sent", also=("also",), topics=frozenset({"gout"}))
    feed = Feed(id="latest", title="Latest", topics=("gout",))
    bench.context = replace(bench.context, formats=FORMATS, channels={"partner": plan}, feeds={"latest": feed})
    MADE.clear()
    return bench


def made(bench: Bench, id: str = "spasms", revision: int = 1) -> set[str]:
    with bench.ledger.read() as transaction:
        return {one.format for one in renditions.of_revision(transaction, id, revision)}


def serving(bench: Bench) -> FastAPI:
    return create_app(bench.context, alive=list)


GOUT = (topic("gout"),)


def test_what_channels_feeds_and_pages_want_is_rendered_and_nothing_else(bench: Bench) -> None:
    bench.publish(article(topics=GOUT))
    bench.work()
    assert made(bench) == {"html", "amp", "sent", "also", "listed"}
    assert ("unasked", 1) not in MADE
    assert bench.partner.last("spasms").also.keys() == {"also"}


def test_a_channel_or_feed_that_does_not_want_the_article_asks_for_nothing(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    assert made(bench) == {"html", "amp"}


def test_a_channel_that_has_the_article_gets_its_format_whatever_the_topics_are_now(bench: Bench) -> None:
    bench.publish(article(topics=GOUT))
    bench.work()
    bench.publish(article(text="Stretch."))
    bench.work()
    assert made(bench, revision=2) == {"html", "amp", "sent", "also"}
    assert bench.partner.last("spasms").revision == 2


def test_a_site_may_have_everything_rendered_at_once(ledger: Ledger) -> None:
    bench = _bench(ledger, Policy(render_all=True))
    bench.publish(article())
    bench.work()
    assert made(bench) == FORMATS.keys()


def test_a_channel_that_is_configured_while_an_article_is_rendered_is_sent_its_own_format(bench: Bench) -> None:
    class Meanwhile(Store):
        def put(self, digest: str, body: bytes) -> None:
            plan = replace(bench.context.channels["partner"], id="late", format="unasked", topics=frozenset())
            object.__setattr__(bench.context, "channels", {**bench.context.channels, "late": plan})
            super().put(digest, body)

    bench.context = replace(bench.context, store=Meanwhile())
    bench.publish(article())
    drain(bench.context, render)
    assert made(bench) == {"html", "amp", "unasked"}


def test_what_was_made_of_another_revision_is_not_stored_as_the_one_that_is_decided(bench: Bench) -> None:
    """Between rendering and storing, other settings may lead to another decision."""
    bench.publish(article(topics=GOUT))
    bench.work()
    with bench.ledger.read() as transaction:
        facts = read(bench.context, transaction, [bench.article()], bench.clock.now)["spasms"]
    assert facts.rendered is not None
    made_of_it = Made(facts, DIFFERENT, rendered_in(bench.context, facts.rendered, {"html"}), facts.rendered)
    decision = Decision(structs.replace(facts.rendered, number=2), render=True, scheduled=("partner",))
    found = _as_decided(bench.context, facts, decision, made_of_it)
    assert {one.format for one in found} == {"html", "amp", "sent", "also", "listed"}
    assert all(b"|2|" in one.body for one in found)


# --- asked for later ----------------------------------------------------------------------------------------------


def test_an_address_that_nobody_has_asked_for_yet_answers_and_keeps_what_it_makes(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    bench.clock.pass_(3600)
    first = get(serving(bench), "/articles/spasms.unasked")
    assert (first.status, first.body) == (200, b"unasked|1|Rest.|Ask your doctor.")
    page = get(serving(bench), "/articles/spasms")
    assert first.headers["last-modified"] == page.headers["last-modified"], "when the revision came out"
    again = get(serving(bench), "/articles/spasms.unasked")
    assert (again.body, again.headers["etag"]) == (first.body, first.headers["etag"])
    assert MADE.count(("unasked", 1)) == 1 and "unasked" in made(bench)
    cached = get(serving(bench), "/articles/spasms.unasked", **{"if-none-match": first.headers["etag"]})
    assert cached.status == 304
    listed = json.loads(get(serving(bench), "/articles/manifest.json").body)["articles"][0]
    assert listed["renditions"]["unasked"] == digest_of(first.body)


def test_nothing_is_made_of_what_must_not_be_shown(bench: Bench) -> None:
    bench.publish(article("secret", embargo=START + dt.timedelta(days=1)))
    bench.publish(article("gone"))
    bench.publish(article("live", text="Known."))
    bench.work()
    bench.withdraw("gone")
    bench.publish(article("live", text="Secret.", embargo=START + dt.timedelta(days=1)))
    bench.work()
    MADE.clear()
    app = serving(bench)
    assert get(app, "/articles/secret.unasked").status == get(app, "/articles/never.unasked").status == 404
    assert get(app, "/articles/gone.unasked").status == 410
    assert MADE == []
    assert b"Known." in get(app, "/articles/live.unasked").body
    assert MADE == [("unasked", 1)]
    bench.work_for(86_400 * 2, step=86_400)
    assert b"Secret." in get(app, "/articles/live.unasked").body
    bench.withdraw("live")
    assert get(app, "/articles/live.unasked").status == 410


def test_a_store_that_does_not_answer_keeps_no_reader_from_what_is_made_now(bench: Bench) -> None:
    class Down(Store):
        def put(self, digest: str, body: bytes) -> None:
            raise TransientError("the rendition store does not answer", code="store-unreachable")

    bench.publish(article())
    bench.work()
    bench.context = replace(bench.context, store=Down())
    with capture_logs() as logged:
        assert get(serving(bench), "/articles/spasms.unasked").status == 200
    assert [(one["event"], one["format"]) for one in logged if one["event"] == "not kept"] == [("not kept", "unasked")]
    assert "unasked" not in made(bench)


def test_what_was_made_when_it_was_asked_for_is_refreshed_like_the_rest(bench: Bench) -> None:
    signed = {name: replace(one, render=lambda *_: b"the same") for name, one in FORMATS.items() if name != "unasked"}
    bench.context = replace(bench.context, formats={**signed, "unasked": FORMATS["unasked"]})
    bench.publish(article("asked"))
    bench.publish(article("left"))
    bench.work()
    get(serving(bench), "/articles/asked.unasked")
    bench.context = replace(bench.context, site=structs.replace(SITE, disclaimer="Ask a pharmacist."))
    for _ in range(3):
        drain(bench.context, Refresh())
        bench.clock.pass_(1)
    assert (bench.article("asked").revision, bench.article("left").revision) == (2, 1)
    assert b"pharmacist" in get(serving(bench), "/articles/asked.unasked").body
    assert b"pharmacist" in get(serving(bench), "/articles/left.unasked").body


def test_what_a_new_channel_lacks_is_rendered_while_no_other_writer_waits(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    plan = replace(bench.context.channels["partner"], format="unasked", topics=frozenset())
    place = Place(
        key="partner",
        channel="partner",
        type=None,
        location="here",
        format="unasked",
        settings=None,
        state="in-force",
        since=START,
        fill=(ALL,),
    )

    def rendered(revision: Revision, site: Site) -> bytes:
        bench.publish(article("meanwhile"))  # which would wait if a transaction of this process were writing
        return b"unasked"

    def again(revision: Revision, site: Site) -> bytes:
        raise AssertionError("rendered within the transaction")

    bench.context = replace(bench.context, formats={**FORMATS, "unasked": replace(FORMATS["unasked"], render=rendered)})
    render_ahead(bench.context, place, plan)
    bench.context = replace(bench.context, formats={**FORMATS, "unasked": replace(FORMATS["unasked"], render=again)})
    with bench.ledger.write() as transaction:
        assert fill_page(bench.context, transaction, place, plan) == 1


# --- evidence -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shows", "revision"), [("unasked", 2), ("", 1)])
def test_evidence_that_only_an_unasked_format_shows_makes_a_revision_all_the_same(
    ledger: Ledger, shows: str, revision: int
) -> None:
    bench = _bench(ledger)
    formats = {
        name: replace(
            one,
            render=lambda revision, site, name=name: (
                _titles(revision.references).encode() if name == shows else revision.article.answer.encode()
            ),
        )
        for name, one in FORMATS.items()
    }
    bench.context = replace(bench.context, formats=formats)
    bench.pubmed.papers["1"] = paper("1", "A trial")
    bench.publish(article(pmids=["1"]))
    bench.work()
    bench.pubmed.papers["1"] = paper("1", "A trial of rest")
    bench.work_for(2 * 86_400, step=3_600)
    assert bench.article().revision == revision
    if shows:
        assert get(serving(bench), "/articles/spasms.unasked").body == b"A trial of rest"
