"""The example of a GitHub Action is a workflow, and its script sends once what a push has changed, refused ones too."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import yaml

from standins.endpoint import Call, Endpoint, Reply

FILE = Path(__file__).parents[2] / "deploy" / "github-action.yml"
WORKFLOW = yaml.safe_load(FILE.read_text(encoding="utf-8"))


def test_it_runs_on_a_push_of_articles_with_no_rights_but_reading() -> None:
    trigger = WORKFLOW[True]["push"]  # YAML 1.1 reads `on` as true
    assert trigger == {"branches": ["main"], "paths": ["articles/**.md"]}
    assert WORKFLOW["permissions"] == {"contents": "read"}
    (job,) = WORKFLOW["jobs"].values()
    assert {"uses", "with"} <= job["steps"][0].keys()
    assert "secrets." not in job["steps"][1]["run"], "a secret in the script's text would be in the log"


def test_its_script_sends_what_the_push_has_changed(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
        return subprocess.run(
            ["git", *identity, *words], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout

    folder = tmp_path / "articles"
    folder.mkdir()
    git("init", "-q")
    for name in ("old.md", "gone.md", "with 'quotes' and spaces.md"):
        (folder / name).write_text(f"---\ntitle: {name}\n---\nYes.\n")
    git("add", "."), git("commit", "-qm", "first")
    before = git("rev-parse", "HEAD").strip()
    (folder / "gone.md").unlink()
    (folder / "with 'quotes' and spaces.md").write_text("---\ntitle: New\n---\nNo.\n")
    (folder / "picture.png").write_bytes(b"png")
    (folder / "a wrong one.md").write_text("no front matter")
    git("add", "."), git("commit", "-qm", "second")
    calls: list[Call] = []

    def answer(call: Call) -> Reply:
        calls.append(call)
        return Reply(202 if call.body.startswith(b"---") else 422, b"{}")

    with Endpoint(answer) as endpoint:
        script = WORKFLOW["jobs"]["publish"]["steps"][1]["run"]
        own = {"CITEWIRE_URL": endpoint.url.rstrip("/"), "CITEWIRE_TOKEN": "cw_x", "BEFORE": before}
        own |= {"REPOSITORY": "https://github.com/o/r", "GITHUB_SHA": git("rev-parse", "HEAD").strip()}
        done = subprocess.run(
            ["bash", "-c", script], check=False, cwd=tmp_path, env=os.environ | own, capture_output=True, text=True
        )
    assert done.returncode != 0, "people are told of the one that was refused"
    refused, call = calls
    assert refused.body == b"no front matter"
    assert (call.method, call.path, call.body) == ("POST", "/v1/events", b"---\ntitle: New\n---\nNo.\n")
    headers = {name.lower(): value for name, value in call.headers.items()}
    assert headers["authorization"] == "Bearer cw_x"
    assert headers["ce-type"] == "org.citewire.article.updated"
    assert headers["ce-source"] == "https://github.com/o/r"
