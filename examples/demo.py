"""`make demo`: run the whole system on the example articles in a temporary folder, check the results, and stop it.

Everything is real except PubMed, whose stand-in (standins/eutils.py) speaks NCBI's protocol and knows the cited papers.
To use the real service, leave `pubmed_url` out of your settings and set `pubmed_email`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.table import Table

from pipeline.channels.webhook.signing import new_secret
from standins.eutils import EutilsStandin
from standins.receiver import Receiver

HERE = Path(__file__).resolve().parent
TAKEN_BACK = "mmr-vaccine-and-autism"  # the example that is withdrawn at the end
WITHIN = 60.0  # seconds for the whole demo

console = Console(width=140)


class Wrong(Exception):
    """The demo found something wrong."""


@dataclass(frozen=True)
class Demo:
    """The running system and its surroundings."""

    folder: Path
    environment: dict[str, str]
    web: str
    partner: Receiver

    def run(self, *arguments: str) -> Any:
        """Run a `citewire` command and return its JSON."""
        command = [*_citewire(arguments[0]), *arguments[1:], "--json", "--data", str(self.folder / "data")]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Wrong(f"citewire {' '.join(arguments)} exited {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def get(self, path: str) -> requests.Response:
        return requests.get(self.web + path, timeout=20)


def main() -> int:
    try:
        with tempfile.TemporaryDirectory(prefix="citewire-demo-") as folder, _running(Path(folder)) as demo:
            _publish(demo)
            _withdraw(demo)
    except Wrong as wrong:
        console.print(f"[red]The demo failed:[/red] {wrong}", highlight=False, markup=True)
        return 1
    console.print("\nEverything was as it should be, and everything is stopped. `make run` keeps one running.")
    return 0


# --- the system ---------------------------------------------------------------------------------------------------


@contextmanager
def _running(folder: Path) -> Iterator[Demo]:
    secret = new_secret()
    with EutilsStandin() as pubmed, Receiver(secrets=[secret]) as partner:
        settings = (HERE / "site.toml").read_text(encoding="utf-8")
        settings = settings.replace("{archive}", str(folder / "archive")).replace("{partner}", partner.url)
        (folder / "site.toml").write_text(settings, encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CITEWIRE_")} | {
            "CITEWIRE_CONFIG": str(folder / "site.toml"),
            "CITEWIRE_PUBMED_URL": pubmed.url,
            "CITEWIRE_IDCONV_URL": pubmed.idconv_url,
            "CITEWIRE_EGRESS_ALLOW": "127.0.0.0/8",
            "PARTNER_A_SECRET": secret,
        }
        with _up(folder, environment) as web:
            console.print(
                f"Citewire runs at {web}. PubMed is a stand-in here, at {pubmed.url}, that knows the papers cited;"
            )
            console.print("for the real service leave pubmed_url out of your settings and set pubmed_email.\n")
            yield Demo(folder, environment, web, partner)


@contextmanager
def _up(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    with (folder / "citewire.log").open("w") as log:
        up = subprocess.Popen(
            [*_citewire("up"), "--data", str(folder / "data"), "--port", "0"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert up.stdout is not None
    try:
        line = up.stdout.readline()
        if not line.startswith("ready "):
            raise Wrong((folder / "citewire.log").read_text()[-2000:])
        yield line.split()[1]
    finally:
        up.send_signal(signal.SIGTERM)
        status = up.wait(timeout=60)
        up.stdout.close()
    if status:
        raise Wrong(f"citewire up exited {status}")


def _citewire(command: str) -> list[str]:
    return [sys.executable, "-m", "workers.cli", command]


# --- what is shown ------------------------------------------------------------------------------------------------


def _publish(demo: Demo) -> None:
    started = time.monotonic()
    published = demo.run("publish", str(HERE / "articles"), "--wait", "--timeout", str(WITHIN))["articles"]
    took = time.monotonic() - started
    ids = [one["article"] for one in published]
    states = [demo.run("status", article) for article in ids]
    _show_articles(states)
    _show_deliveries(demo, states)
    _show_addresses(demo, ids)
    console.print(f"{len(ids)} articles were everywhere {took:.1f} s after the command was given.\n", highlight=False)
    _check(demo, states)


def _withdraw(demo: Demo) -> None:
    demo.run("withdraw", TAKEN_BACK, "--reason", "Withdrawn to show how.", "--wait", "--timeout", str(WITHIN))
    gone = demo.get(f"/articles/{TAKEN_BACK}")
    _expect(gone.status_code == 410, f"the withdrawn article answers {gone.status_code}, not 410")
    archived = (demo.folder / "archive" / f"{TAKEN_BACK}.amp").read_text(encoding="utf-8")
    _expect("Withdrawn to show how." in archived, "the archive does not hold the tombstone")
    notice = "Withdrawn to show how."  # under the article's own guid, so that feed readers replace what they hold
    _until(lambda: notice in demo.get("/feeds/latest.rss").text, "the feed does not say that the article was withdrawn")
    console.print(f"{TAKEN_BACK} was withdrawn: 410 for readers, a tombstone in the archive, a notice in the feed.")


def _show_articles(states: list[Any]) -> None:
    table = Table(title="What was rendered: bytes", title_justify="left")
    table.add_column("article")
    table.add_column("cited", justify="right")
    formats = sorted({one["format"] for state in states for one in state["renditions"]})
    for format in formats:
        table.add_column(format, justify="right")
    for state in states:
        sizes = {one["format"]: f"{one['bytes']:,}" for one in state["renditions"]}
        resolved = sum(one["state"] == "resolved" for one in state["references"])
        cited = f"{resolved}/{len(state['references'])}"
        table.add_row(state["article"], cited, *(sizes.get(format, "") for format in formats))
    console.print(table)


def _show_deliveries(demo: Demo, states: list[Any]) -> None:
    taken = {one.headers["citewire-article"]: one for one in demo.partner.received}
    columns = ("article", "channel", "format", "state", "attempts", "where")
    table = Table(*columns, title="What went where", title_justify="left")
    for state in states:
        for one in state["deliveries"]:
            article = state["article"]
            where = f"archive/{article}.amp" if one["channel"] == "archive" else taken[article].headers["webhook-id"]
            row = (article, one["channel"], one["format"], one["state"], str(one["attempts"]), where)
            table.add_row(*row)
    console.print(table)


def _show_addresses(demo: Demo, ids: list[str]) -> None:
    table = Table("address", "status", "type", "ms", title="What readers fetch", title_justify="left")
    paths = [f"/feeds/{feed}.rss" for feed in ("latest", "spasticity")]
    paths += [f"/articles/{ids[1]}{extension}" for extension in ("", ".amp", ".ninjs", ".json-ld")]
    for path in paths:
        answer = demo.get(path)
        took = f"{answer.elapsed.total_seconds() * 1000:.0f}"
        table.add_row(demo.web + path, str(answer.status_code), answer.headers["content-type"], took)
    console.print(table)


# --- what is checked ----------------------------------------------------------------------------------------------


def _check(demo: Demo, states: list[Any]) -> None:
    for state in states:
        article = state["article"]
        _expect(all(one["state"] == "delivered" for one in state["deliveries"]), f"{article} is not delivered")
        unresolved = [one["id"] for one in state["references"] if one["pmid"] and one["state"] != "resolved"]
        _expect(not unresolved, f"{article}: PubMed did not tell of {', '.join(unresolved)}")
        page = demo.get(f"/articles/{article}.amp")
        _expect(page.ok, f"{article}.amp answers {page.status_code}")
        for one in state["references"]:
            _expect(not one["pmid"] or one["pmid"] in page.text, f"{article}.amp lacks PMID {one['pmid']}")
    retracted = [state for state in states for one in state["references"] if "retracted" in one["editorial"]]
    _expect(bool(retracted), "no retracted paper was recognised")
    for state in retracted:
        _expect("Retracted" in demo.get(f"/articles/{state['article']}.amp").text, "a retracted paper is not marked")
    _expect(all(one.verified for one in demo.partner.received), "a delivery was not signed as it should be")
    _until(
        lambda: all(state["article"] in demo.get("/feeds/latest.rss").text for state in states),
        "the feed does not hold every article",
    )


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Wrong(otherwise)


def _until(holds: Any, otherwise: str) -> None:
    deadline = time.monotonic() + 15
    while not holds():
        if time.monotonic() > deadline:
            raise Wrong(otherwise)
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
