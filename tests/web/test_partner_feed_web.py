"""/partners/{id}/feed.rss, .atom and .json: a channel as a feed, for a reader who can do no better."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import feedparser
import pytest
from asgi import Answer, get, send
from bench import PLAIN, SITE, START, Bench, article, paper, topic
from empty_ledger import empty_ledger
from every_stage import enrich, render
from fastapi import FastAPI
from judges.atom import atom_findings
from judges.rss import rss_findings
from lxml import etree

from pipeline.ledger import deliveries, tokens
from pipeline.ledger.partners import pulls
from pipeline.ledger.partners.pulls import Position, Pull
from pipeline.model.policy import Gate
from pipeline.model.reference import Reference
from pipeline.renditions import formats
from pipeline.stages.partners import feed as partner_feed
from pipeline.stages.stage import drain
from pipeline.web.app import create_app

TOKENS = {"theirs": "partner:partner", "others": "partner:other", "cms": "publish", "root": "admin"}
FEED = "/partners/partner/feed"
HUB = "https://notes.example.org/hub"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """`partner` takes articles about sleep without retracted papers; `other` takes everything."""
    ledger = empty_ledger(tmp_path)
    bench = Bench(ledger, "partner", "other")
    partner = replace(bench.context.channels["partner"], topics=frozenset({"sleep"}), gate=Gate(refuse=("retracted",)))
    known = {"plain": PLAIN} | {name: formats()[name] for name in ("rss", "atom", "json-feed")}
    channels = bench.context.channels | {"partner": partner}
    bench.context = replace(bench.context, channels=channels, formats=known)
    with ledger.write() as transaction:
        for token, scope in TOKENS.items():
            tokens.add(transaction, token, name=f"of {token}", scope=scope, now=START)
    yield bench
    ledger.close()


@pytest.fixture
def app(bench: Bench) -> FastAPI:
    return create_app(bench.context, alive=list)


def publish(bench: Bench, *names: str, text: str = "Rest.") -> None:
    for name in names:
        bench.publish(article(name, text=text, topics=(topic("sleep"),)))
    bench.work()


def read(app: FastAPI, form: str = "atom", **headers: str) -> Answer:
    return get(app, f"{FEED}.{form}", authorization="Bearer theirs", **headers)


def titles(answer: Answer) -> list[str]:
    parsed = feedparser.parse(answer.body)
    assert not parsed.bozo
    return [entry.title for entry in parsed.entries]


def record_page(bench: Bench) -> list[Pull]:
    with bench.ledger.read() as transaction:
        return pulls.every(transaction, "partner")


# --- what it holds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("rss", "application/rss+xml; charset=utf-8"),
        ("atom", "application/atom+xml; charset=utf-8"),
        ("json", "application/feed+json"),
    ],
)
def test_it_holds_what_the_channel_should_with_its_text(bench: Bench, app: FastAPI, form: str, media_type: str) -> None:
    publish(bench, "one")
    bench.publish(article("elsewhere", topics=(topic("diet"),)))
    publish(bench, "two", text="Sleep &lt; rest.")
    answer = read(app, form)
    assert (answer.status, answer.headers["content-type"]) == (200, media_type)
    if form == "json":
        items = json.loads(answer.body)["items"]
        assert [item["title"] for item in items] == ["About two", "About one"]
        assert "Rest." in items[1]["content_html"]
    else:
        assert titles(answer) == ["About two", "About one"]
        assert b"Rest." in answer.body
        assert {"rss": rss_findings, "atom": atom_findings}[form](answer.body) == []


def test_a_correction_comes_first_and_once(bench: Bench, app: FastAPI) -> None:
    publish(bench, "one", "two")
    publish(bench, "one", text="Stretch.")
    answer = read(app)
    assert titles(answer) == ["About one", "About two"]
    assert b"Stretch." in answer.body


def test_it_holds_the_newest_fifty(bench: Bench, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    assert partner_feed.SIZE == 50
    monkeypatch.setattr(partner_feed, "SIZE", 2)
    for name in ("one", "two", "three"):
        publish(bench, name)
    assert titles(read(app)) == ["About three", "About two"]
    bench.withdraw("one")
    bench.work()
    assert titles(read(app)) == ["Withdrawn: About one", "About three"]
    assert b"deleted-entry" in read(app).body


def test_an_empty_one_is_a_feed_too(app: FastAPI) -> None:
    for form in ("rss", "atom"):
        assert titles(read(app, form)) == []
    assert read(app, "json").json["items"] == []
    assert "last-modified" not in read(app).headers


# --- what was taken back ------------------------------------------------------------------------------------------


def test_a_withdrawal_is_told_in_every_format(bench: Bench, app: FastAPI) -> None:
    publish(bench, "one", "two")
    bench.clock.pass_(60)
    bench.withdraw("one", reason="The dose was wrong.")
    bench.work()
    atom = read(app)
    assert titles(atom) == ["Withdrawn: About one", "About two"]
    (gone,) = etree.fromstring(atom.body).iterfind("{*}deleted-entry")
    assert gone.get("ref") == "tag:notes.example.org,2025:/articles/one"
    assert gone.get("when") == "2026-03-01T12:01:00Z"
    assert gone.findtext("{*}comment") == "The dose was wrong."
    assert atom_findings(atom.body) == []
    rss = read(app, "rss")
    assert titles(rss) == ["Withdrawn: About one", "About two"]
    assert rss_findings(rss.body) == []
    document = read(app, "json").json
    assert [item["title"] for item in document["items"]] == ["Withdrawn: About one", "About two"]
    assert [one["article"] for one in document["_citewire"]["withdrawn"]] == ["one"]


def test_what_was_withdrawn_before_it_was_told_is_not_mentioned(bench: Bench, app: FastAPI) -> None:
    bench.publish(article("elsewhere", topics=(topic("diet"),)))
    bench.work()
    bench.withdraw("elsewhere")
    bench.work()
    assert b"elsewhere" not in read(app).body


def test_what_its_evidence_keeps_from_the_channel_is_absent(bench: Bench, app: FastAPI) -> None:
    bench.pubmed.papers["1"] = _retracted(paper("1"))
    bench.publish(article("refused", pmids=["1"], topics=(topic("sleep"),)))
    publish(bench, "one")
    assert titles(read(app)) == ["About one"]
    assert b"refused" not in read(app).body
    assert b"refused" in get(app, "/partners/other/feed.atom", authorization="Bearer others").body


def test_what_is_taken_back_from_this_channel_alone_is_gone_with_the_reason(bench: Bench, app: FastAPI) -> None:
    publish(bench, "one")
    bench.clock.pass_(3600)
    bench.pubmed.papers["1"] = _retracted(paper("1"))
    bench.publish(article("one", text="Take it.", pmids=["1"], topics=(topic("sleep"),)))
    bench.work()
    atom = read(app)
    (gone,) = etree.fromstring(atom.body).iterfind("{*}deleted-entry")
    assert titles(atom) == ["Withdrawn: About one"]
    assert "it cites PMID 1 (retracted)" in (gone.findtext("{*}comment") or "")
    assert gone.get("when") == "2026-03-01T13:00:00Z"
    assert b"Take it." not in b"".join(read(app, form).body for form in ("rss", "atom", "json"))


def _retracted(reference: Reference) -> Reference:
    return Reference(pmid=reference.pmid, title=reference.title, editorial=("retracted",))


# --- who may read it ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        ("", 401, "token-missing"),
        ("Bearer unknown", 401, "token-invalid"),
        ("Bearer others", 403, "scope-insufficient"),
        ("Bearer cms", 403, "scope-insufficient"),
        ("Bearer theirs", 200, ""),
        ("Bearer root", 200, ""),
    ],
)
def test_the_channels_token_opens_it_and_admins(app: FastAPI, token: str, status: int, code: str) -> None:
    answer = get(app, f"{FEED}.rss", **({"authorization": token} if token else {}))
    assert answer.status == status
    assert not code or answer.code == code


def test_a_token_in_the_address_opens_it_too_and_only_its_own(app: FastAPI) -> None:
    assert get(app, f"{FEED}.rss?token=theirs").status == 200
    assert get(app, f"{FEED}.rss?token=root").status == 200  # an administrator's too, and at no other address
    assert get(app, f"{FEED}.rss?token=others").code == "scope-insufficient"
    assert get(app, f"{FEED}.rss?token=").code == "token-missing"


def test_a_channel_or_a_format_that_is_not_there(app: FastAPI) -> None:
    assert get(app, "/partners/nobody/feed.rss", authorization="Bearer theirs").status == 403
    assert get(app, "/partners/nobody/feed.rss", authorization="Bearer root").code == "unknown-partner"
    for form in ("plain", "html", "RSS", "rss.atom"):
        answer = read(app, form)
        assert (answer.status, answer.code) == (404, "unknown-feed")


@pytest.mark.parametrize("form", ["rss", "atom", "json"])
def test_the_token_is_in_no_link_and_no_header(bench: Bench, app: FastAPI, form: str) -> None:
    with bench.ledger.write() as transaction:
        tokens.add(transaction, "cw_s3cret", name="more", scope="partner:partner", now=START)
    publish(bench, "one", "two")
    bench.withdraw("two")
    bench.work()
    answer = get(app, f"{FEED}.{form}?token=cw_s3cret")
    body = answer.body.decode()
    assert f"https://notes.example.org{FEED}.{form}" in body
    assert "s3cret" not in body + str(answer.headers)
    assert "token" not in body
    assert HUB not in body
    assert SITE.feed_hubs == (HUB,)
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_its_own_id_is_no_public_feeds(bench: Bench, app: FastAPI) -> None:
    root = etree.fromstring(read(app).body)
    assert root.findtext("{*}id") == "tag:notes.example.org,2025:/partners/partner/feed"


# --- polling ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["rss", "atom", "json"])
def test_who_has_it_is_sent_nothing_until_something_changes(bench: Bench, app: FastAPI, form: str) -> None:
    publish(bench, "one")
    tag = read(app, form).headers["etag"]
    bench.clock.pass_(86_400)
    again = read(app, form, if_none_match=tag)
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert again.headers["cache-control"] == "private, no-cache"
    bench.withdraw("one")
    bench.work()
    assert read(app, form, if_none_match=tag).status == 200


def test_a_date_will_do_once_nothing_more_can_come_of_its_moment(bench: Bench, app: FastAPI) -> None:
    publish(bench, "one")
    now = "Sun, 01 Mar 2026 12:00:00 GMT"
    assert "last-modified" not in read(app).headers
    assert read(app, if_modified_since=now).status == 200
    bench.clock.pass_(60)
    assert read(app).headers["last-modified"] == now
    assert read(app, if_modified_since=now).status == 304
    publish(bench, "two")
    assert read(app, if_modified_since=now).status == 200


def test_head_answers_as_get_does_and_hands_out_nothing(bench: Bench, app: FastAPI) -> None:
    publish(bench, "one")
    answer = asyncio.run(send(app, "HEAD", f"{FEED}.rss", headers={"authorization": "Bearer theirs"}))
    assert answer.status == 200
    assert record_page(bench) == []
    assert answer.headers["etag"] == read(app, "rss").headers["etag"]


# --- what is known of it ------------------------------------------------------------------------------------------


def test_what_was_handed_out_is_kept_once_for_a_token(bench: Bench, app: FastAPI) -> None:
    publish(bench, "one", "two")
    tag = read(app).headers["etag"]
    read(app)
    read(app, "rss")
    read(app, if_none_match=tag)
    first = Pull("of theirs", START, 1, 2, 2)
    assert record_page(bench) == [first]
    bench.clock.pass_(60)
    publish(bench, "one", text="Stretch.")
    get(app, f"{FEED}.atom", authorization="Bearer root")
    assert record_page(bench) == [first]
    read(app)
    assert record_page(bench) == [first, Pull("of theirs", bench.clock.now, 3, 3, 1)]


def test_when_it_was_asked_for_is_known_and_says_nothing_of_what_has_arrived(bench: Bench, app: FastAPI) -> None:
    publish(bench, "one")
    tag = read(app).headers["etag"]
    bench.clock.pass_(300)
    read(app, if_none_match=tag)
    with bench.ledger.read() as transaction:
        assert pulls.position(transaction, "partner") == Position(0, bench.clock.now, "of theirs")


def test_who_saw_an_article_here_learns_of_its_withdrawal_on_every_way(bench: Bench, app: FastAPI) -> None:
    """The channel itself was down: nothing was ever sent on it."""
    bench.publish(article("one", topics=(topic("sleep"),)))
    for stage in (enrich, render):
        drain(bench.context, stage)
    assert titles(read(app)) == ["About one"]
    bench.withdraw("one")
    bench.work()
    with bench.ledger.read() as transaction:
        (delivery,) = [row for row in deliveries.of_article(transaction, "one") if row.channel == "partner"]
    assert (delivery.delivered_event, bench.partner.last("one").event) == ("withdrawn", "withdrawn")
