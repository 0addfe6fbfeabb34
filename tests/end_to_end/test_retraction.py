"""When a cited paper is retracted, every channel that has an article citing it is updated, and no other channel."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from running import Running, article, system
from waiting import until

from pipeline.channels.webhook.signing import new_secret
from standins.eutils import EutilsStandin
from standins.receiver import Received, Receiver

PAPER, NOTICE, OTHER = "1623444", "20137807", "362234"  # a trial; a retraction notice; a trial

CAREFUL = """
[[channels]]
id = "careful"
type = "directory"
format = "ninjs"
path = "{folder}"
evidence = "hold"
"""


def test_a_retraction_reaches_every_channel_by_its_policy_and_a_notice_is_never_marked(tmp_path: Path) -> None:
    secret, careful = new_secret(), tmp_path / "careful"
    careful.mkdir()
    with (
        EutilsStandin() as pubmed,
        Receiver(secrets=[secret]) as receiver,
        system(
            tmp_path, pubmed=pubmed.url, webhook=receiver.url, secret=secret, more=CAREFUL.format(folder=careful)
        ) as running,
    ):
        affected = article(tmp_path, "affected", pmids=f"{PAPER}, {NOTICE}")
        unaffected = article(tmp_path, "unaffected", pmids=f"{OTHER}, {NOTICE}")
        assert running.publish(affected, unaffected).status == 0
        _nothing_is_marked(running, receiver, careful)

        pubmed.retract(PAPER, "999")
        assert running.run("references", "--recheck", "--json").status == 0
        got = until(lambda: len(receiver.received) == 3 and receiver.received[-1], what=running.tail)
        assert _told(got) == ("affected", "2", "updated")
        cited = {one["url"].rstrip("/").rsplit("/", 1)[-1]: one for one in json.loads(got.body)["citation"]}
        assert cited[PAPER]["creativeWorkStatus"] == "Retracted"
        assert "creativeWorkStatus" not in cited[NOTICE]
        until(lambda: _held(careful, "affected")["pubStatus"] == "canceled", what=running.tail)
        assert PAPER in json.dumps(_held(careful, "affected"))
        until(lambda: "Retracted" in json.dumps(_held(tmp_path / "out", "affected")), what=running.tail)
        assert (tmp_path / "careful" / "unaffected.ninjs").read_bytes() == (
            tmp_path / "out" / "unaffected.ninjs"
        ).read_bytes()
        assert [_told(one) for one in receiver.received if one.headers["citewire-article"] == "unaffected"] == [
            ("unaffected", "1", "published")
        ]
        _anyone_may_know(running)

        assert running.run("release", "affected", "--channel", "careful", "--json").json["channels"] == ["careful"]
        until(lambda: _held(careful, "affected")["pubStatus"] == "usable", what=running.tail)
        assert "Retracted" in json.dumps(_held(careful, "affected"))
        assert len(receiver.received) == 3
        assert running.run("release", "affected").status == 2


def _nothing_is_marked(running: Running, receiver: Receiver, careful: Path) -> None:
    assert sorted(map(_told, receiver.received)) == [("affected", "1", "published"), ("unaffected", "1", "published")]
    for one in running.status("affected")["references"]:
        assert (one["state"], one["editorial"]) == ("resolved", [])
    page = running.get("/articles/affected.html").text
    assert 'class="mark' not in page
    assert NOTICE in page
    assert '"Retracted"' not in json.dumps(_held(careful, "affected"))


def _anyone_may_know(running: Running) -> None:
    known = running.get(f"/references/{PAPER}").json()
    assert (known["editorial"], known["articles"]) == (["retracted"], ["affected"])
    assert known == running.run("references", PAPER, "--json").json["references"][0]
    feed = running.get("/evidence/changes.json").json()
    assert [(one["_citewire"]["pmid"], one["_citewire"]["gained"]) for one in feed["items"]] == [(PAPER, ["retracted"])]
    (change,) = running.run("references", "--changes", "--json").json["changes"]
    assert (change["pmid"], change["gained"], change["articles"]) == (PAPER, ["retracted"], ["affected"])
    metrics = running.get("/metrics").text
    assert 'citewire_evidence_changes_total{change="gained",editorial="retracted"} 1.0' in metrics
    assert 'citewire_withheld{cause="hold"} 1.0' in metrics
    then = running.run("status", "affected", "--channel", "careful", "--json").json
    assert (then["revision"], then["event"], then["references"]) == (2, "withdrawn", [])


def _told(one: Received) -> tuple[str, str, str]:
    return one.headers["citewire-article"], one.headers["citewire-revision"], one.headers["citewire-event"]


def _held(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.ninjs").read_text())
