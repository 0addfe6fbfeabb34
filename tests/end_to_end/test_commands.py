"""The command line and the API, on a system that runs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import pytest
import requests
import started
from celery import Celery
from celery.worker.control import Panel
from ports import free_port
from running import ROOT, Running, article, system
from waiting import PATIENCE, until

from pipeline.stages.flow import STAGES
from standins.eutils import EutilsStandin
from workers import runfile
from workers.celery import QUEUES, app
from workers.remote_control import LOOKING, REFUSAL

T = TypeVar("T")

WORKERS = {f"{name}@{socket.gethostname()}" for name in ("deliver", "pipeline-1")}  # of `citewire up`, in Celery


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, requests.Response]]:
    """A running system, and the feed that it has before its first article."""
    with EutilsStandin() as pubmed, system(tmp_path_factory.mktemp("system"), pubmed=pubmed.url) as running:
        yield running, until(lambda: (got := running.get("/feeds/latest.rss")).ok and got, what=running.tail)


@pytest.fixture(scope="module")
def running(begun: tuple[Running, requests.Response]) -> Running:
    return begun[0]


@pytest.fixture(scope="module")
def token(running: Running) -> str:
    answer = running.run("token", "create", "--name", "cms", "--scope", "publish")
    assert answer.status == 0, answer.err
    return answer.out.strip().splitlines()[-1]


def post(running: Running, token: str, event: object, media_type: str = "application/cloudevents+json", **headers: str):  # type: ignore[no-untyped-def]
    body = event if isinstance(event, bytes) else json.dumps(event)
    sent = {"Authorization": f"Bearer {token}", "Content-Type": media_type} | headers
    return requests.post(f"{running.web}/v1/events", data=body, headers=sent, timeout=PATIENCE)


def event(id: str, type: str = "published", **more: object) -> dict[str, object]:
    data = {"id": "from-the-api", "title": "From the API", "body": "## First\n\nText.", "summary": "Short."}
    base = {"specversion": "1.0", "id": id, "source": "urn:cms", "type": f"org.citewire.article.{type}", "data": data}
    return base | more


def test_an_event_is_accepted_once_and_answered_the_same_again(running: Running, token: str) -> None:
    first = post(running, token, event("1"))
    assert first.status_code == 202
    answer = first.json()
    assert (answer["article"], answer["revision"], answer["status"]) == ("from-the-api", 1, "accepted")
    assert post(running, token, event("1")).json() == answer
    shown = requests.get(
        f"{running.web}/v1/events/{answer['event']}", headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE
    )
    assert shown.json()["article"] == "from-the-api"


def test_an_event_may_hold_markdown_and_name_the_article_by_its_subject(running: Running, token: str) -> None:
    text = "---\ntitle: In Markdown\n---\n\nThe answer.\n"
    sent = event("2", datacontenttype="text/markdown", data=text, subject="by-subject")
    assert post(running, token, sent).json()["article"] == "by-subject"


def test_binary_mode(running: Running, token: str) -> None:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "3",
        "ce-source": "urn:cms",
        "ce-type": "org.citewire.article.published",
    }
    body = b"---\nid: binary\ntitle: Binary\n---\n\nThe answer.\n"
    assert post(running, token, body, "text/markdown", **headers).json()["article"] == "binary"


def test_a_batch(running: Running, token: str) -> None:
    batch = [event("4", subject="first-of-two"), event("5", subject="second-of-two")]
    answer = post(running, token, batch, "application/cloudevents-batch+json")
    assert [one["article"] for one in answer.json()["events"]] == ["first-of-two", "second-of-two"]


def test_a_withdrawal_by_event(running: Running, token: str) -> None:
    post(running, token, event("6", subject="taken-back"))
    sent = event("7", "withdrawn", subject="taken-back", data={"reason": "Wrong."})
    assert post(running, token, sent).json()["revision"] == 2
    assert running.status("taken-back")["state"] == "withdrawn"


@pytest.mark.parametrize(
    ("sent", "status", "code", "field"),
    [
        (b"{", 422, "invalid-json", None),
        (b"[1]", 422, "invalid-event", None),
        ({"specversion": "1.0", "id": "x", "source": "s"}, 422, "invalid-event", None),
        (event("8", "deleted"), 422, "unknown-event-type", "type"),
        (event("9", "withdrawn", subject="never-was", data={"reason": "x"}), 404, "unknown-article", "article"),
        (event("10", subject="../../etc/passwd"), 422, "invalid-event", "subject"),
        (event("11", data={"title": "No text"}), 422, None, None),
        (event("12", source=" "), 422, "invalid-event", "source"),
    ],
)
def test_a_bad_event_is_refused_with_a_problem(
    running: Running, token: str, sent: object, status: int, code: str | None, field: str | None
) -> None:
    answer = post(running, token, sent)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert code is None or problem["code"] == code
    assert field is None or problem["field"] == field


def test_a_body_without_end_is_refused(running: Running, token: str) -> None:
    answer = post(running, token, b"x" * 9_000_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "event-too-large")


def test_without_a_token_nothing_is_taken(running: Running) -> None:
    answer = requests.post(f"{running.web}/v1/events", json=event("13"), timeout=PATIENCE)
    assert (answer.status_code, answer.json()["code"]) == (401, "token-missing")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert post(running, "cw_guess", event("14")).json()["code"] == "token-invalid"


def test_a_token_of_another_scope_is_not_enough(running: Running) -> None:
    partner = running.run("token", "create", "--name", "p", "--scope", "partner:folder").out.strip().splitlines()[-1]
    assert post(running, partner, event("15")).status_code == 403


def test_a_bad_file_is_named_with_its_line_and_the_others_go_out(running: Running, tmp_path: Path) -> None:
    bad = tmp_path / "bad.md"
    bad.write_text("---\ntitle: Bad\npublished: soon\n---\n\nText.\n")
    answer = running.publish(bad, article(tmp_path, "beside-a-bad-one"))
    assert answer.status == 2
    assert f"{bad}:3" in answer.err
    assert "published" in answer.err
    assert [one["article"] for one in answer.json["articles"]] == ["beside-a-bad-one"]
    (mistake,) = answer.json["errors"]
    assert (mistake["file"], mistake["line"], mistake["field"]) == (str(bad), 3, "published")
    assert mistake["hint"].startswith("write it as ")


def test_exit_statuses(running: Running, tmp_path: Path) -> None:
    assert running.run("publish", tmp_path / "absent.md").status == 2
    assert running.run("status", "nobody-knows-it").status == 4
    assert running.run("withdraw", "nobody-knows-it", "--reason", "x").status == 4
    assert running.run("token", "create", "--name", "x", "--scope", "everything").status == 2
    assert running.run("replay").status == 2


def test_a_folder_of_articles_is_published_whole(running: Running, tmp_path: Path) -> None:
    for name in ("in-a-folder", "in-a-folder-too"):
        article(tmp_path, name)
    answer = running.publish(tmp_path)
    assert [one["state"] for one in answer.json["articles"]] == ["delivered", "delivered"]


def test_the_configuration_is_checked_and_every_channel_reached(running: Running) -> None:
    answer = running.run("check", "--json")
    assert (answer.status, answer.json["ok"]) == (0, True)
    assert [one["channel"] for one in answer.json["channels"]] == ["folder"]


def test_references_are_told_with_who_cites_them(running: Running, tmp_path: Path) -> None:
    running.publish(article(tmp_path, "citing", pmids="1623444, 99999999"))
    shown = running.run("references", "1623444", "99999999", "--json").json["references"]
    assert [(one["pmid"], one["state"], one["articles"]) for one in shown] == [
        ("1623444", "resolved", ["citing"]),
        ("99999999", "pending", ["citing"]),  # until PubMed has denied it twice, minutes apart
    ]


def test_a_second_up_on_the_same_folder_is_refused(running: Running) -> None:
    answer = running.run("up", "--port", "0")
    assert answer.status == 2
    assert "another `citewire up` is running" in answer.err


def test_a_feed_or_article_that_is_not_there(running: Running) -> None:
    for path in ("/feeds/none.rss", "/feeds/latest.exe", "/articles/none", "/articles/..%2f..%2fetc", "/nothing"):
        answer = running.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), path


def test_a_watched_folder_publishes_what_lies_there_and_what_changes(running: Running, tmp_path: Path) -> None:
    article(tmp_path, "there-before", "First.")
    command = [*running.command("watch"), str(tmp_path), *running.where]
    watching = started.start(command, env=running.environment, cwd=ROOT, stdout=started.PIPE, text=True)
    try:
        assert watching.stdout is not None
        assert watching.stdout.readline() == "there-before  revision 1  accepted\n"
        article(tmp_path, "there-before", "Second.")
        assert watching.stdout.readline() == "there-before  revision 2  accepted\n"
        (tmp_path / "broken.md").write_text("---\ntitle: [\n---\n")
        article(tmp_path, "came-later")
        assert watching.stdout.readline() == "came-later  revision 1  accepted\n"
    finally:
        watching.terminate()
        status = watching.wait(timeout=PATIENCE)
        watching.stdout.close()
    assert status == 0


def test_a_missing_secret_is_told_of_at_the_start(tmp_path: Path) -> None:
    more = '[[channels]]\nid = "p"\ntype = "webhook"\nformat = "rss"\nurl = "https://x.example"\nsecret = "env:NONE"\n'
    with system(tmp_path, pubmed="http://127.0.0.1:9/", more=more, start=False) as running:
        answer = running.run("up", "--port", "0")
    assert answer.status == 2
    assert "channels.p.secret" in answer.err


def test_a_feed_is_there_before_the_first_article(begun: tuple[Running, requests.Response]) -> None:
    assert begun[1].headers["content-type"] == "application/rss+xml; charset=utf-8"
    assert "<item>" not in begun[1].text


def test_a_rendition_that_the_store_has_lost_is_served_all_the_same(running: Running, tmp_path: Path) -> None:
    running.publish(article(tmp_path, "kept"))
    before = running.get("/articles/kept.ninjs").content
    shutil.rmtree(running.data / "renditions", ignore_errors=True)  # a feed may be written into it meanwhile
    assert running.get("/articles/kept.ninjs").content == before


# --- Celery's own tools -----------------------------------------------------------------------------------------------


def celery(running: Running, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Celery's command as somebody does who knows the data folder of the system."""
    where = {"CITEWIRE_DATA": str(running.data)}
    return subprocess.run(
        [sys.executable, "-m", "celery", "-A", "workers.celery", *words],
        env=os.environ | where,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def named(workers: Mapping[str, T]) -> dict[str, T]:
    """Return what is known of each worker by its name without the process id."""
    return {name.rpartition(":")[0]: known for name, known in workers.items()}


def test_a_command_has_a_running_worker_ring_and_imports_no_celery(running: Running, tmp_path: Path) -> None:
    file = article(tmp_path, "handed-over")
    listing = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    words = ["citewire", "publish", str(file), "--json"]
    listed = f"{listing}; sys.argv = {words!r}; from workers.cli import main; main()"
    environment = running.environment | {"CITEWIRE_DATA": str(running.data), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", listed], env=environment, capture_output=True, text=True, check=True)
    assert {"celery", "kombu", "redis", "structlog", "pydantic"}.isdisjoint(done.stderr.split())
    assert json.loads(done.stdout)["articles"][0]["changed"] is True
    until(lambda: running.status("handed-over")["deliveries"][0]["state"] == "delivered")


def test_celery_finds_every_worker(running: Running) -> None:
    every, answers = {name: {"ok": "pong"} for name in WORKERS}, list[str]()

    def answer() -> bool:
        """Ask them, for it waits for all answers that come within its time, and not for more."""
        done = celery(running, "inspect", "ping", "--timeout", "1", "--json")
        answers.append(done.stdout + done.stderr)
        return done.returncode == 0 and named(json.loads(done.stdout)) == every

    until(answer, what=lambda: f"every worker: {answers}")


def test_no_worker_is_changed_from_outside(running: Running) -> None:
    broker = runfile.read(running.data)
    assert broker is not None
    with Celery(broker=broker.redis) as outside:
        outside.conf.broker_transport_options = app.conf.broker_transport_options
        answers = outside.control.broadcast("shutdown", reply=True, timeout=PATIENCE, limit=len(WORKERS))
        said = {name: answer for one in answers for name, answer in one.items()}
        assert named(said) == {name: {"error": REFUSAL} for name in WORKERS}
        changing = [name for name, command in Panel.meta.items() if command.type == "control"]
        assert set(changing) & LOOKING == set()
        alive = outside.control.ping(timeout=PATIENCE, limit=len(WORKERS))
        assert {name for one in alive for name in named(one)} == WORKERS


@pytest.mark.parametrize(
    ("options", "folder"), [(["-A", "workers.celery"], "."), (["--config=celeryconfig"], "deploy/flower")]
)
def test_flower_lists_every_worker_and_stage(running: Running, options: list[str], folder: str) -> None:
    """As it is run on the command line, and as docker-compose.yml has it."""
    port, queue = free_port(), runfile.read(running.data)
    assert queue is not None
    named_queue = {"CITEWIRE_DATA": str(running.data), "FLOWER_BROKER": queue.redis}
    flower = subprocess.Popen(
        [sys.executable, "-m", "celery", *options, "flower", "--address=127.0.0.1", f"--port={port}"],
        env=os.environ | named_queue | {"FLOWER_UNAUTHENTICATED_API": "true"},
        cwd=ROOT / folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        found: dict[str, dict[str, list[object]]] = {}

        def listed() -> bool:
            assert flower.poll() is None, f"Flower ended with {flower.returncode}"
            with contextlib.suppress(requests.RequestException):
                answer = requests.get(f"http://127.0.0.1:{port}/api/workers?refresh=1", timeout=PATIENCE)
                found.update(answer.json())
            return set(named(found)) == WORKERS and all("active_queues" in one for one in found.values())

        until(listed, what=lambda: f"every worker in Flower's list: {found}")
        queues = {queue["name"] for one in found.values() for queue in one["active_queues"]}  # type: ignore[index]
        assert queues == {queue for kind in QUEUES.values() for queue in kind}
        registered = {task for one in found.values() for task in one["registered"]}
        assert {f"citewire.{stage.name}" for stage in STAGES} <= registered
    finally:
        flower.kill()
        flower.wait()
