"""`feeds`: how each feed is, and who follows it, as a terminal and a program see it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from command import citewire
from served import SITE, Served, served

from pipeline.feeds.user_agents import OTHERS
from pipeline.ledger import tables
from pipeline.ledger.feeds import readers
from pipeline.ledger.feeds.readers import Fetched
from pipeline.ledger.hub import subscriptions
from workers.cli import feeds as command

ARTICLE = "---\nid: naps\ntitle: Naps\n---\nThey help.\n"
ANSWER = "500 no"
FINDING = {"rule": "msn-title", "detail": "its title is too long", "article": "naps"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A feed that was built and has two followers, of whom one does not accept it, and one that was never built."""
    monkeypatch.setenv("CITEWIRE_CONFIG", str(tmp_path / "site.toml"))
    monkeypatch.setenv("CITEWIRE_DATA", str(tmp_path / "var"))
    more = '\n[[feeds]]\nid = "sleep"\ntitle = "Sleep"\ntopics = ["sleep"]\n'
    with served(tmp_path, SITE + more) as site:
        site.publish(ARTICLE, name="naps")
        site.work()
        follow(site, "sub_a")
        follow(site, "sub_b", error=ANSWER, due=site.clock())
        with site.context.ledger.write() as transaction:
            mine = sa.update(tables.feeds).where(tables.feeds.c.id == "latest")
            transaction.execute(mine.values(findings=json.dumps([FINDING])))
        yield site


def follow(site: Served, id: str, **values: object) -> None:
    topic, callback = "https://notes.example.org/feeds/latest.atom", f"https://{id}.example.com/secret-path"
    of = {"feed": "latest", "format": "atom", "host": f"{id}.example.com", "secret": None, "client": None}
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)  # commands go by the time of the host
    with site.context.ledger.write() as transaction:
        subscriptions.keep(transaction, id=id, topic=topic, callback=callback, expires=ends, now=site.clock(), **of)
        if values:
            row = tables.subscriptions.c.id == id
            transaction.execute(sa.update(tables.subscriptions).where(row).values(**values))


def undated(feed: dict[str, Any]) -> dict[str, Any]:
    """Without the day from which readers are shown: commands go by the time of the host, and the site by the test's."""
    return feed | {"readers": feed["readers"] | {"since": None}}


def test_the_list_says_when_each_was_built_how_much_is_in_it_and_what_is_wrong(
    site: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    said = citewire(capsys, "feeds", "--utc")
    assert said.status == 0, said.err
    lines = [line.split() for line in said.out.splitlines()]
    latest, sleep = (next(one for one in lines if one[0] == name) for name in ("latest", "sleep"))
    assert latest[:8] == ["latest", "2026-03-01T12:00:00Z", "1", "0", "1", "1", "0", "2"]
    assert sleep[:7] == ["sleep", "never", "0", "0", "0", "0", "0"]
    assert f"msn-title  naps     {FINDING['detail']}" in said.out
    assert "https://notes.example.org/feeds/latest.atom" in said.out
    assert "without what a web server or a cache before Citewire answered itself" in said.err
    told = citewire(capsys, "feeds", "--json").json["feeds"]
    assert [undated(one) for one in told] == [undated(one) for one in site.ask("GET", "/v1/feeds").json["feeds"]]


def test_of_one_feed_its_followers_are_shown_by_host_with_their_last_answer(
    site: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = citewire(capsys, "feeds", "latest")
    accepted, failed = (line for line in said.out.splitlines() if ".example.com" in line)
    assert accepted.split()[:2] == ["sub_a.example.com", "atom"] and "accepted" in accepted
    assert failed.split()[:2] == ["sub_b.example.com", "atom"] and "failed" in failed and ANSWER in failed
    assert "secret-path" not in said.out and "sleep" not in said.out
    told = citewire(capsys, "feeds", "latest", "--json").json
    assert undated(told) == undated(site.ask("GET", "/v1/feeds/latest").json)
    monkeypatch.setattr(command, "_MOST", 1)
    assert "more subscriptions than these 1" in citewire(capsys, "feeds", "latest").err


def test_who_fetched_a_feed_is_shown_with_what_it_says(site: Served, capsys: pytest.CaptureFixture[str]) -> None:
    today = dt.datetime.now(dt.UTC).date()  # commands go by the time of the host
    fetched = {("Feedly", "rss"): Fetched(3, 16), ("(browser)", "atom"): Fetched(2)}
    with site.context.ledger.write() as transaction:
        readers.add(transaction, {"latest": fetched}, day=today, others=OTHERS)
        more = {(f"r{number:03}", "rss"): Fetched(1) for number in range(120)}
        readers.add(transaction, {"sleep": more}, day=today, others=OTHERS)
    lines = [line.split() for line in citewire(capsys, "feeds", "latest").out.splitlines()]
    assert ["Feedly", "rss", "16", "3", today.isoformat()] in lines
    assert ["(browser)", "atom", "2", today.isoformat()] in lines
    (latest,) = (line for line in lines if line and line[0] == "latest" and len(line) > 8)
    assert latest[-3:] == ["5", "16", "2"]
    said = citewire(capsys, "feeds", "sleep")
    assert said.out.count(today.isoformat()) == 100 and "20 more readers" in said.err


def test_without_a_hub_subscriptions_are_not_counted(
    site: Served, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "site.toml").write_text(SITE.replace("enabled = true", "enabled = false"))
    said = citewire(capsys, "feeds", "latest")
    assert "not counted" in said.out and "this site has no hub of its own" in said.err


def test_a_feed_that_is_not_there_is_unknown(site: Served, capsys: pytest.CaptureFixture[str]) -> None:
    said = citewire(capsys, "feeds", "other")
    assert (said.status, "no feed 'other'" in said.err, said.out) == (4, True, "")
