"""Evidence never blocks, and never lies."""

from __future__ import annotations

import time
from pathlib import Path

from ports import free_port
from running import article, system
from waiting import until

from pipeline.channels.webhook.signing import new_secret
from standins.eutils import EutilsStandin
from standins.receiver import Receiver


def test_with_pubmed_down_it_goes_out_with_links_and_the_citations_follow(tmp_path: Path) -> None:
    port, secret = free_port(), new_secret()
    with (
        Receiver(secrets=[secret]) as receiver,
        system(
            tmp_path, pubmed=f"http://127.0.0.1:{port}/entrez/eutils/", webhook=receiver.url, secret=secret
        ) as running,
    ):
        file = article(tmp_path, "patient", pmids="1623444, 362234")
        running.publish(file, wait=False)
        until(lambda: len(receiver.received) == 1, what=running.tail)
        assert [one["state"] for one in running.status("patient")["references"]] == ["pending", "pending"]
        page = running.get("/articles/patient.amp").text
        assert "https://pubmed.ncbi.nlm.nih.gov/1623444/" in page
        with EutilsStandin(port=port):
            until(lambda: len(receiver.received) == 2, what=running.tail)
            first, second = receiver.received
            assert first.headers["webhook-id"] != second.headers["webhook-id"]
            assert second.headers["citewire-event"] == "updated"
            assert [one["state"] for one in running.status("patient")["references"]] == ["resolved", "resolved"]
            assert "PMID: 1623444" in running.get("/articles/patient.amp").text
        time.sleep(3)
        assert len(receiver.received) == 2
