"""A command or process imports only what it needs, so that it starts quickly. Counted in modules, not by a clock."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from workers.cli.app import app
from workers.cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parents[2]

QUEUE = {"celery", "kombu", "amqp", "redis"}
WEB = {"fastapi", "starlette", "uvicorn", "prometheus_client"}
CHANNELS = {"paramiko", "obstore", "requests", "urllib3", "cryptography"}
ARTICLES = {"trafilatura", "markdown_it", "nh3", "lxml", "feedgen", "jinja2", "slugify"}
LEDGER = {"sqlalchemy", "alembic", "psycopg"}
CHECKING = {"pydantic", "pydantic_core", "config.settings", "config.loading"}  # of settings
LOG = {"structlog"}
PEOPLE = {"rich", "pygments", "prompt_toolkit"}  # for answers on a terminal
OTHERS = {"pipeline.views.articles", "pipeline.views.recall", "pipeline.views.references", "pipeline.views.system"}
# Of OpenTelemetry's SDK, redis imports the metrics wherever it is installed.
EXTRAS = {"opentelemetry.sdk.trace", "opentelemetry.exporter", "google.protobuf", "sentry_sdk"}
# Needed by no command on SQLite whose settings were checked before.
KNOWN = QUEUE | WEB | CHANNELS | CHECKING | LOG | {"sqlalchemy.dialects.postgresql"}
TESTS = {"schemathesis", "pytest", "hypothesis", "moto"}

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()

SITE = """
[site]
title = "Doctor's Note"
url = "https://notes.example.org"
publisher = "Example Health"
disclaimer = "This does not replace your doctor's advice."

[[channels]]
id = "partner"
type = "webhook"
format = "ninjs"
url = "https://partner.example.org/in"
secret = "env:PARTNER_SECRET"
"""
ARTICLE = "---\nid: rest\nsummary: Rest.\npublished: 2026-03-01\n---\n\n# Rest\n\nRest and stretch.\n"

# Runs the code, then writes the modules that are loaded to standard error's last line.
_WRAPPED = """
import json, sys
try:
    {code}
except SystemExit as end:
    if end.code: raise
sys.stderr.write("\\n" + json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with settings, an article file, and a ledger that holds it."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "site.toml").write_text(SITE)
    (folder / "rest.md").write_text(ARTICLE)
    command(folder, "publish rest.md")
    return folder


def loaded(world: Path, code: str) -> set[str]:
    """Run the code in a process of its own and return every module that it loaded."""
    settings = {"CITEWIRE_CONFIG": str(world / "site.toml"), "CITEWIRE_DATA": str(world / "data")}
    done = subprocess.run(
        [sys.executable, "-c", _WRAPPED.format(code=code)],
        env=os.environ | settings | {"PYTHONPATH": str(ROOT), "PARTNER_SECRET": SECRET},
        cwd=world,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def command(world: Path, words: str) -> set[str]:
    return loaded(world, f"sys.argv = {['citewire', *words.split()]!r}; from workers.cli import run; run()")


@pytest.mark.parametrize(
    ("words", "most", "not_needed"),
    [
        ("--help", 350, QUEUE | WEB | CHANNELS | LEDGER | {"structlog", "trafilatura", "lxml", "pydantic", "config"}),
        ("completion bash", 350, QUEUE | WEB | CHANNELS | LEDGER | {"structlog", "lxml", "pydantic", "config"}),
        ("publish --help", 900, QUEUE | WEB | CHANNELS | {"trafilatura", "feedgen"}),
        ("status", 670, KNOWN | ARTICLES | {"alembic", "psycopg"}),
        ("attention --json", 620, KNOWN | ARTICLES | PEOPLE | {"alembic", "psycopg"}),
        ("failures --json", 620, KNOWN | ARTICLES | PEOPLE | {"alembic", "psycopg"}),
        ("status rest --json", 620, KNOWN | ARTICLES | PEOPLE | {"alembic", "psycopg"}),
        ("articles --json", 550, KNOWN | ARTICLES | PEOPLE | OTHERS | {"alembic"}),
        ("calendar --json", 560, KNOWN | ARTICLES | PEOPLE | OTHERS | {"alembic"}),
        ("history rest --json", 560, KNOWN | ARTICLES | PEOPLE | OTHERS | {"alembic"}),
        ("top --json", 1500, QUEUE | WEB | {"paramiko", "trafilatura", "alembic", "psycopg"}),
        ("token list --json", 550, KNOWN | ARTICLES | PEOPLE | OTHERS | {"alembic"}),
        ("deliveries", 800, KNOWN | ARTICLES | {"alembic", "psycopg"}),
        ("operations", 800, KNOWN | ARTICLES | {"alembic", "psycopg"}),
        ("references", 800, KNOWN | ARTICLES | {"alembic", "psycopg"}),
        ("lint rest.md", 950, QUEUE | WEB | CHANNELS | {"trafilatura", "feedgen", "alembic", "psycopg"}),
        ("publish rest.md --json", 1000, KNOWN | PEOPLE | {"trafilatura", "feedgen", "alembic", "psycopg"}),
        ("render rest.md --format json-feed", 800, QUEUE | WEB | CHANNELS | LEDGER | {"trafilatura", "feedgen"}),
    ],
)
def test_a_command_imports_only_what_it_needs(world: Path, words: str, most: int, not_needed: set[str]) -> None:
    found = command(world, words)
    assert sorted(found & (not_needed | EXTRAS | TESTS)) == []
    assert len(found) <= most, sorted(found)


def test_completing_a_command_imports_none(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_CITEWIRE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "citewire pu")
    monkeypatch.setenv("COMP_CWORD", "1")
    found = command(world, "")
    assert sorted(found & (QUEUE | WEB | CHANNELS | ARTICLES | LEDGER | PEOPLE | {"pydantic", "config"})) == []
    assert len(found) <= 350, sorted(found)


@pytest.mark.parametrize(
    ("code", "not_needed"),
    [
        ("import workers.cli", QUEUE | WEB | CHANNELS | ARTICLES | LEDGER | {"typer", "pydantic"}),
        ("import workers.alive", WEB | ARTICLES | LEDGER | {"celery", "structlog", "paramiko", "requests"}),
        (
            "import os, config, workers.embedded as up; up.build_context(config.load(os.environ), up.NoDoorbell())",
            WEB | {"celery", "paramiko", "trafilatura", "markdown_it", "jinja2"},
        ),
        (
            "from workers import tasks, worker; worker.services().context.channels['partner'].open().close()",
            WEB | {"paramiko", "trafilatura", "markdown_it", "jinja2", "celery.bin", "prompt_toolkit"},
        ),
        (
            "from workers import web; web.create_app(web.services().context, alive=list, limiter=None, disk=list)",
            {"paramiko", "trafilatura"},
        ),
        (
            "import pkgutil, pipeline.views as views; "
            "[__import__(one.name) for one in pkgutil.iter_modules(views.__path__, 'pipeline.views.')]",
            WEB | CHECKING,
        ),
    ],
    ids=["the package of commands", "a health check", "up", "a worker", "the web server", "every answer"],
)
def test_a_process_imports_only_what_it_needs(world: Path, code: str, not_needed: set[str]) -> None:
    assert sorted(loaded(world, code) & (not_needed | EXTRAS | TESTS)) == []


def test_the_help_of_a_command_is_the_first_line_that_the_list_of_commands_shows() -> None:
    group = typer.main.get_command(app)
    commands = {name: group.commands[name] for name in COMMANDS}  # type: ignore[attr-defined]
    assert {name: one.help.split("\n\n")[0] for name, one in commands.items()} == {
        name: line for name, (_, line) in COMMANDS.items()
    }
