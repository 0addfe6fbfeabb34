"""Processes whose clocks are hours off: every event still reaches every channel."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import requests
from faked_clock import library
from judges.presence import missing
from ports import free_port
from running import ROOT, Running, article, system
from waiting import PATIENCE, until

from standins.eutils import EutilsStandin

SKEWS = {"-2h": "clock-behind-2", "-1h": "clock-behind-1", "+1h": "clock-ahead-1", "+2h": "clock-ahead-2"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    if shutil.which("faketime") is None:
        missing("faketime", "Debian's package `faketime` has it")
    with EutilsStandin() as pubmed, system(tmp_path_factory.mktemp("clocks"), pubmed=pubmed.url) as running:
        yield running


def at_once(running: Running, commands: Mapping[str, Sequence[str | Path]]) -> None:
    """Run each command with a clock that is off by its skew, all at the same time."""
    begun = {
        skew: subprocess.Popen(
            ["faketime", "-f", skew, *running.command(*words, "--json"), *running.where],
            env=running.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for skew, words in commands.items()
    }
    for skew, process in begun.items():
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, f"{skew}: {err}"
        assert json.loads(out)["articles"][0]["changed"], skew


def test_corrections_and_withdrawals_of_any_clock_reach_the_channel(running: Running, tmp_path: Path) -> None:
    seen: dict[str, list[str]] = {skew: [] for skew in SKEWS}
    for number, own_clock in enumerate((True, False, True), start=1):
        text = f"Take {number} tablets."
        files = {skew: article(tmp_path, name, text, pmids=str(number)) for skew, name in SKEWS.items()}
        if own_clock:
            at_once(running, {skew: ("publish", file) for skew, file in files.items()})
        else:
            assert running.publish(*files.values(), wait=False).status == 0
        for skew, name in SKEWS.items():
            until(lambda name=name, text=text: text in holds(running, name), what=lambda skew=skew: skew)
            seen[skew].append(running.get(f"/articles/{name}").headers["Last-Modified"])
        next_second = int(time.time()) + 1  # the header has no smaller unit
        until(lambda at=next_second: time.time() >= at)
    for skew, dates in seen.items():
        assert len(set(dates)) == len(dates), skew  # a reader that asks by the date gets each correction
    at_once(running, {skew: ("withdraw", name, "--reason", "The dose was wrong.") for skew, name in SKEWS.items()})
    for skew, name in SKEWS.items():
        until(lambda name=name: "tablets" not in holds(running, name), what=lambda skew=skew: skew)
        assert running.get(f"/articles/{name}").status_code == 410, skew


@pytest.fixture
def servers(running: Running) -> Iterator[dict[str, str]]:
    """Two web servers whose clocks are off, as on other hosts, and two workers like them."""
    queue = json.loads((running.data / "running.json").read_text())["redis"]
    environment = running.environment | {"CITEWIRE_DATA": str(running.data), "CITEWIRE_REDIS_URL": queue}
    ports = {skew: free_port() for skew in ("-2h", "+2h")}
    commands = [(skew, ["web", "--port", str(port)]) for skew, port in ports.items()]
    commands += [("+1h", ["worker", "pipeline"]), ("-1h", ["worker", "deliver"])]
    log = running.data.parent / "skewed.log"
    with contextlib.ExitStack() as stack, log.open("w") as out:
        for skew, words in commands:
            faked = environment | {
                "LD_PRELOAD": library(),
                "FAKETIME": skew,
            }  # `faketime` itself would not pass on SIGTERM
            process = subprocess.Popen(running.command(*words), env=faked, cwd=ROOT, stdout=out, stderr=out)
            stack.callback(process.wait, PATIENCE)
            stack.callback(process.terminate)
        addresses = {skew: f"http://127.0.0.1:{port}" for skew, port in ports.items()}
        for address in addresses.values():
            until(lambda address=address: answers(address), what=log.read_text)
        until(lambda: log.read_text().count("this process takes no work") >= len(commands) - 2, what=log.read_text)
        yield addresses


def test_servers_and_workers_whose_clocks_are_off_lose_no_correction_and_no_withdrawal(
    running: Running, servers: dict[str, str]
) -> None:
    """The sender's clock is right, then as wrong as the server's, then right again."""
    token = running.run("token", "create", "--name", "cms", "--scope", "publish").out.split()[-1]
    names = {skew: f"server-of-{SKEWS[skew]}" for skew in servers}
    for number, kind in enumerate(("published", "updated", "updated"), start=1):
        for skew, name in names.items():
            happened = dt.datetime.now(dt.UTC) + (HOURS[skew] if number == 2 else dt.timedelta())
            data = {"id": name, "title": f"About {name}", "body": f"Take {number} tablets."}
            answer = post(servers[skew], token, kind, name, happened, data)
            assert (answer.status_code, answer.json()["status"]) == (202, "accepted"), answer.text
        for name in names.values():
            until(lambda name=name, n=number: f"Take {n} tablets." in holds(running, name), what=lambda n=name: n)
    for skew, name in names.items():
        answer = post(servers[skew], token, "withdrawn", name, dt.datetime.now(dt.UTC), {"reason": "Wrong."})
        assert (answer.status_code, answer.json()["status"]) == (202, "accepted"), answer.text
    for name in names.values():
        until(lambda name=name: "tablets" not in holds(running, name), what=lambda n=name: n)
        assert running.get(f"/articles/{name}").status_code == 410


HOURS = {skew: dt.timedelta(hours=int(skew[:-1])) for skew in SKEWS}


def post(
    address: str, token: str, kind: str, subject: str, time: dt.datetime, data: dict[str, str]
) -> requests.Response:
    event = {
        "specversion": "1.0",
        "id": f"{subject}-{kind}-{time.isoformat()}",
        "source": "urn:cms",
        "type": f"org.citewire.article.{kind}",
        "subject": subject,
        "time": time.isoformat(),
        "data": data,
    }
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cloudevents+json"}
    return requests.post(f"{address}/v1/events", json.dumps(event), headers=headers, timeout=PATIENCE)


def answers(address: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{address}/healthz", timeout=PATIENCE).status_code == 200
    return False


def holds(running: Running, name: str) -> str:
    """Everything that the channel's folder holds of the article."""
    found = (running.data.parent / "out").rglob(f"{name}*")
    return "".join(path.read_text() for path in found if path.is_file())
