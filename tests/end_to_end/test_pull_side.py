"""A partner that pulls with a token, and a subscriber of the hub, at a whole system."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import requests
from running import Running, article, system
from waiting import PATIENCE, until

from standins.eutils import EutilsStandin
from standins.subscriber import Subscriber, subscribe

TOPIC = "https://notes.example.org/feeds/latest.atom"

MORE = """
[[channels]]
id = "reader"
type = "pull"
format = "ninjs"
"""


def test_a_partner_and_a_subscriber_learn_of_everything(tmp_path: Path) -> None:
    with EutilsStandin() as pubmed, Subscriber() as subscriber, system(tmp_path, pubmed=pubmed.url, more=MORE) as site:
        token = _token(site)
        assert subscribe(f"{site.web}/hub", TOPIC, subscriber.callback("one"), secret="s3cret").status_code == 202
        assert subscribe(f"{site.web}/hub", TOPIC, subscriber.callback("two", conduct="refuses")).status_code == 202
        until(lambda: len(subscriber.asked) == 2, what=site.tail)
        waiting = _Waiting(site, token)
        site.publish(article(tmp_path, "one"))
        (change,) = waiting.answer["changes"]
        assert (change["article"], change["event"], change["media_type"]) == ("one", "published", "application/json")
        assert "Rest and stretch." in change["content"]
        (push,) = until(lambda: subscriber.pushed_to("one"), what=site.tail)
        assert push.signed_with("s3cret")
        assert push.headers["content-type"] == "application/atom+xml; charset=utf-8"
        assert push.body == site.get("/feeds/latest.atom").content

        assert _delivery(site)["state"] == "pending"
        site.run("withdraw", "one", "--reason", "It was wrong.", "--wait")
        cursor = waiting.answer["cursor"]
        taken = _changes(site, token, f"?after={cursor}")
        assert [one["event"] for one in taken["changes"]] == ["withdrawn"]
        assert _changes(site, token, f"?after={taken['cursor']}") == {"changes": [], "cursor": taken["cursor"]}
        assert _delivery(site)["state"] == "delivered"
        until(lambda: len(subscriber.pushed_to("one")) == 2, what=site.tail)
        assert subscriber.pushed_to("two") == []

        followed = requests.get(f"{site.web}/partners/reader/feed.atom?token={token}", timeout=PATIENCE)
        assert (followed.status_code, "deleted-entry" in followed.text, token in followed.text) == (200, True, False)

        assert "pulled" in site.run("status").out
        assert site.run("token", "revoke", "their reader").status == 0
        assert requests.get(f"{site.web}/partners/reader/feed.atom?token={token}", timeout=PATIENCE).status_code == 401
        assert site.run("token", "revoke", "their reader").status == 4
        (listed,) = site.run("token", "list", "--json").json["tokens"]
        assert (listed["name"], listed["scope"], listed["state"]) == ("their reader", "partner:reader", "revoked")
        assert token not in site.log.read_text()
        assert "s3cret" not in site.log.read_text()


class _Waiting:
    """A request that waits for the first change, in a thread."""

    def __init__(self, site: Running, token: str) -> None:
        self._found: list[Any] = []
        self._thread = threading.Thread(target=lambda: self._found.append(_changes(site, token, "?wait=60")))
        self._thread.start()

    @property
    def answer(self) -> Any:
        self._thread.join(90)
        return self._found[0]


def _token(site: Running) -> str:
    made = site.run("token", "create", "--name", "their reader", "--scope", "partner:reader", "--expires", "90d")
    assert made.status == 0, made.err
    return made.out.splitlines()[-1]


def _changes(site: Running, token: str, query: str) -> Any:
    answer = requests.get(
        f"{site.web}/partners/reader/changes{query}", headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def _delivery(site: Running) -> Any:
    (one,) = [one for one in site.status("one")["deliveries"] if one["channel"] == "reader"]
    return one
