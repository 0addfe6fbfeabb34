"""One article goes the whole way, on real parts."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import feedparser
import jsonschema
import pytest
import requests
from judges.amp import official_findings, own_findings
from running import ROOT, Running, article, system
from waiting import PATIENCE, until

from pipeline.channels.webhook.signing import new_secret
from standins.eutils import EutilsStandin
from standins.receiver import Received, Receiver


@dataclass(frozen=True)
class Page:
    """A page saved as text, and what everyone downstream must find in it."""

    file: Path
    id: str
    title: str
    published: str  # as RSS has it
    pmids: tuple[str, ...]
    headings: tuple[str, ...]


def saved_page() -> Page:
    """The real page where it lies beside the checkout, and one of our own elsewhere."""
    real = sorted((ROOT.parent / "shared" / "data" / "seed").glob("*.txt"))
    if real:
        return Page(
            real[0],
            "000-8adc70b0818fbd3e",
            "Constant Spasms? Why Baclofen Works & Medically Approved Steps",
            "Mon, 23 Feb 2026 00:00:00 GMT",
            ("34187661", "33748956", "35303279", "38006124", "32375549"),
            ("Why Baclofen Works", "1. Oral Baclofen (Pills or Liquid)", "When Should You Seek Medical Attention?"),
        )
    return Page(
        ROOT / "tests/intake/cases/saved-page.txt",
        "saved-page",
        "Restless Legs at Night? Why Iron Matters & What Helps",
        "Sat, 14 Mar 2026 00:00:00 GMT",
        ("90200001", "90200002"),
        ("Why Iron Matters", "1. Iron (Tablets or Infusion)", "When Should You Seek Medical Attention?"),
    )


PAGE = saved_page()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver(secrets=[SECRET]) as receiver:
        yield receiver


SECRET = new_secret()


@pytest.fixture(scope="module")
def pubmed() -> Iterator[EutilsStandin]:
    with EutilsStandin(invent=True) as pubmed:
        yield pubmed


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver, pubmed: EutilsStandin) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("system")
    with system(folder, pubmed=pubmed.url, webhook=receiver.url, secret=SECRET) as running:
        yield running


@pytest.fixture(scope="module")
def seed(running: Running) -> str:
    """The page, published."""
    answer = running.publish(PAGE.file)
    assert answer.status == 0, answer.err
    (one,) = answer.json["articles"]
    assert (one["article"], one["revision"], one["changed"], one["state"]) == (PAGE.id, 1, True, "delivered")
    return PAGE.id


def test_its_amp_page_passes_the_official_validator_and_holds_everything(running: Running, seed: str) -> None:
    page = running.get(f"/articles/{seed}.amp")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert official_findings(page.content) == []
    assert own_findings(page.content) == []
    for words in (*PAGE.headings, *PAGE.pmids, f"Stand-in record for PMID {PAGE.pmids[0]}"):
        assert words.replace("'", "&#39;") in page.text or words in page.text


def test_its_feed_is_read_by_feedparser(running: Running, seed: str) -> None:
    feed = feedparser.parse(until(lambda: _feed_with(running, "Stand-in record")))
    assert not feed.bozo
    (entry,) = [entry for entry in feed.entries if seed in entry.id]
    assert entry.title == PAGE.title
    assert entry.published == PAGE.published
    assert entry.id == f"tag:notes.example.org,2025:/articles/{seed}"
    content = entry.content[0].value
    assert all(words in content for words in (*PAGE.headings, *PAGE.pmids))


def _feed_with(running: Running, words: str) -> bytes | None:
    answer = running.get("/feeds/latest.rss")
    return answer.content if answer.ok and words in answer.text else None


def test_its_ninjs_passes_the_schema(running: Running, seed: str) -> None:
    item = running.get(f"/articles/{seed}.ninjs").json()
    schema = json.loads((ROOT / "tests/judges/schemas/ninjs-3.1.json").read_text())
    jsonschema.validate(item, schema, format_checker=jsonschema.FormatChecker())
    text = json.dumps(item)
    assert all(pmid in text for pmid in PAGE.pmids)


def test_both_channels_hold_it(running: Running, seed: str, receiver: Receiver) -> None:
    item = json.loads((running.data.parent / "out" / f"{seed}.ninjs").read_text())
    assert item["pubStatus"] == "usable"
    (got,) = [one for one in receiver.received if one.headers["citewire-article"] == seed]
    assert (got.verified, got.headers["citewire-event"], got.headers["citewire-revision"]) == (True, "published", "1")
    assert json.loads(got.body)["@type"] == "MedicalWebPage"


def test_its_status_tells_all(running: Running, seed: str) -> None:
    status = running.status(seed)
    assert (status["state"], status["revision"]) == ("live", 1)
    assert [(one["pmid"], one["state"]) for one in status["references"]] == [(pmid, "resolved") for pmid in PAGE.pmids]
    assert {one["format"] for one in status["renditions"]} >= {"rss", "amp", "ninjs"}
    assert {(one["channel"], one["state"], one["revision"]) for one in status["deliveries"]} == {
        ("folder", "delivered", 1),
        ("partner", "delivered", 1),
    }


def test_published_again_it_is_nothing_new(running: Running, seed: str, receiver: Receiver) -> None:
    before = len(receiver.received)
    (one,) = running.publish(PAGE.file).json["articles"]
    assert (one["revision"], one["changed"], one["state"]) == (1, False, "delivered")
    assert len(receiver.received) == before


def test_an_edit_is_one_revision_more(running: Running, tmp_path: Path, receiver: Receiver) -> None:
    running.publish(article(tmp_path, "edited", "Rest."))
    (one,) = running.publish(article(tmp_path, "edited", "Move.")).json["articles"]
    assert (one["revision"], one["changed"], one["state"]) == (2, True, "delivered")
    got = [one for one in receiver.received if one.headers["citewire-article"] == "edited"]
    assert [(one.headers["citewire-revision"], one.headers["citewire-event"]) for one in got] == [
        ("1", "published"),
        ("2", "updated"),
    ]


def _hasty(receiver: Receiver) -> list[Received]:
    """What came of the article of ten edits, which comes at all only after a moment."""
    return until(lambda: [one for one in receiver.received if one.headers["citewire-article"] == "hasty"])


def test_ten_edits_at_once_end_with_the_newest_everywhere(running: Running, tmp_path: Path, receiver: Receiver) -> None:
    edits = [article(tmp_path, "hasty", f"Edit number {number}.").read_text() for number in range(10)]
    batch = [
        {"specversion": "1.0", "id": str(number), "source": "/cms", "type": "org.citewire.article.published"}
        | {"datacontenttype": "text/markdown", "data": edit}
        for number, edit in enumerate(edits)
    ]
    token = running.run("token", "create", "--name", "cms", "--scope", "publish").out.split()[-1]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cloudevents-batch+json"}
    with requests.post(f"{running.web}/v1/events", data=json.dumps(batch), headers=headers, timeout=PATIENCE) as answer:
        assert answer.status_code == 202, answer.text
    got = until(lambda: _hasty(receiver) if b"Edit number 9." in _hasty(receiver)[-1].body else None)
    revisions = [int(one.headers["citewire-revision"]) for one in got]
    assert revisions == sorted(revisions)
    assert b"Edit number 9." in got[-1].body
    until(lambda: running.status("hasty")["deliveries"][0]["state"] == "delivered")
    assert "Edit number 9." in (running.data.parent / "out" / "hasty.ninjs").read_text()
    assert "Edit number 9." in running.get("/articles/hasty.html").text


def test_a_withdrawal_reaches_everyone(running: Running, tmp_path: Path, receiver: Receiver) -> None:
    running.publish(article(tmp_path, "wrong", "A harmful claim."))
    answer = running.run("withdraw", "wrong", "--reason", "The dose was wrong.", "--wait", "--json")
    assert answer.status == 0, answer.err
    got = [one for one in receiver.received if one.headers["citewire-article"] == "wrong"]
    assert got[-1].headers["citewire-event"] == "withdrawn"
    item = json.loads((running.data.parent / "out" / "wrong.ninjs").read_text())
    assert item["pubStatus"] == "canceled"
    assert "harmful" not in json.dumps(item)
    gone = running.get("/articles/wrong")
    assert gone.status_code == 410
    assert "The dose was wrong." in gone.text
    until(lambda: "Withdrawn: About wrong" in running.get("/feeds/latest.rss").text)
    assert "harmful" not in running.get("/feeds/latest.rss").text
    assert running.status("wrong")["state"] == "withdrawn"


def test_a_reader_that_has_the_feed_is_sent_nothing(running: Running, seed: str) -> None:
    tagged, dated = until(lambda: _unchanged(running))
    assert (tagged.content, dated.content) == (b"", b"")
    assert running.get("/feeds/latest.rss", **{"If-None-Match": '"another"'}).status_code == 200


def _unchanged(running: Running) -> list[requests.Response] | None:
    """Return the answers to who has the feed, by its tag and by its date, unless it was built again in between."""
    headers = running.get("/feeds/latest.rss").headers
    known = {"If-None-Match": headers["ETag"]}, {"If-Modified-Since": headers["Last-Modified"]}
    answers = [running.get("/feeds/latest.rss", **one) for one in known]
    return answers if all(one.status_code == 304 for one in answers) else None


def test_health_is_told(running: Running) -> None:
    assert running.get("/healthz").json() == {"status": "ok"}
    ready = until(lambda: (got := running.get("/readyz")).ok and got, what=running.tail)  # its probes have a time
    names = {name.rpartition(":")[0] for name in ready.json()["processes"]}
    assert names == {f"{name}@{socket.gethostname()}" for name in ("deliver", "pipeline-1", "web")}


def test_the_whole_system_at_a_glance(running: Running, seed: str) -> None:
    shape = running.run("status", "--json").json
    assert shape["web"] == running.web
    assert shape["articles"]["live"] >= 1
    assert [one["channel"] for one in shape["channels"]] == ["folder", "partner"]
