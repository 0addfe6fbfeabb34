"""Settings that change while the system runs: taken up by every process, or refused without disturbing anything."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import running
from running import Running, article
from waiting import until

NOBODY = "http://127.0.0.1:9/entrez/eutils/"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running system without a PubMed, whose settings all tests but the last leave as they were."""
    with running.system(tmp_path_factory.mktemp("reload"), pubmed=NOBODY) as started:
        yield started


def settings(system: Running) -> Path:
    return system.data.parent / "site.toml"


def publish(system: Running, name: str) -> None:
    assert system.publish(article(system.data.parent, name)).status == 0, system.tail()


def copy(folder: Path, name: str) -> str:
    """What lies in a channel's folder of an article."""
    return "".join(path.read_text() for path in folder.glob(f"{name}.*"))


def test_bad_settings_are_refused_and_disturb_nothing(system: Running) -> None:
    before = {process.pid for process in system.session()}
    good = settings(system).read_text()
    settings(system).write_text(good.replace('type = "directory"', 'type = "directry"'))

    answer = system.run("reload", "--timeout", "300")

    assert answer.status == 2
    assert "channels.folder.type" in answer.err
    assert "directory" in answer.err
    system.child("worker", "deliver").send_signal(signal.SIGKILL)  # one that starts later has the good ones too
    state = system.run("status", "--json")
    assert state.json["settings"]["differ"]
    settings(system).write_text("no toml")
    assert "toml" in system.run("status", "--json").json["settings"]["error"].lower()
    settings(system).write_text(good)
    publish(system, "new")
    assert {process.pid for process in system.session()} - before != set()
    assert system.run("reload", "--timeout", "300").status == 0


def test_what_needs_a_restart_is_refused_by_name(system: Running) -> None:
    good = settings(system).read_text()
    for key, value in (("database_url", "sqlite:////tmp/other.sqlite"), ("store_url", "s3://bucket/x")):
        settings(system).write_text(f'{key} = "{value}"\n{good}')
        for command in ("reload", "apply"):
            answer = system.run(command)
            assert (answer.status, key in answer.err, "restart" in answer.err) == (2, True, True), command
    settings(system).write_text(good)


def test_what_changed_on_disk_is_taken_up_and_reaches_what_was_published_before(system: Running) -> None:
    publish(system, "old")
    folder, other = system.data.parent / "out", system.data.parent / "other"
    text = settings(system).read_text().replace("your doctor's advice", "a pharmacist's advice")
    more = f'\n[[channels]]\nid = "other"\ntype = "directory"\nformat = "html"\npath = "{other}"\n'
    settings(system).write_text(text + more)
    assert system.run("status", "--json").json["settings"]["differ"]
    before = {process.pid for process in system.session()}

    answer = system.run("reload", "--timeout", "300")

    assert (answer.status, answer.err) == (0, ""), system.tail()
    assert not system.run("status", "--json").json["settings"]["differ"]
    assert len(before - {process.pid for process in system.session()}) == 3  # pipeline, deliver, web
    until(lambda: "pharmacist" in copy(folder, "old"))
    until(lambda: "pharmacist" in copy(other, "old"))
    publish(system, "newest")
    assert copy(other, "newest")

    settings(system).write_text(settings(system).read_text().replace("a pharmacist's advice", "anybody's advice"))
    applied = system.run("apply", "--json")

    assert applied.status == 0, (applied.out, applied.err)
    assert {"old", "newest"} <= set(applied.json["rendered"])
    assert not system.run("status", "--json").json["settings"]["differ"]
    until(lambda: "anybody" in copy(folder, "old"))
