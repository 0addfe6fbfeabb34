"""docs/deployment.md says what is so: its commands are run where no container engine is needed, and read elsewhere."""

from __future__ import annotations

import itertools
import re
import shlex
import shutil
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import typer
from command_result import Result
from deployed import COMPOSE, EXAMPLES, ROOT, Site, composed, services
from judges.presence import program
from ledger_database import new_database, programs, reaching, text_of
from ports import free_port
from waiting import PATIENCE

from config import load
from pipeline.channels.webhook.signing import SharedSecret, read_signer
from workers.cli.app import app

ARTICLES = ROOT / "examples" / "articles"
TEXT = (ROOT / "docs" / "deployment.md").read_text()
BLOCKS: list[str] = re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
LINES = [line for block in BLOCKS for line in block.replace("\\\n", "").splitlines()]
COMMANDS = [line for line in LINES if line.startswith("docker compose ")]
SUBCOMMANDS = {"build", "config", "up", "ps", "run", "exec", "logs", "restart", "stop"}
VALUED = {"--scale", "--volume", "--entrypoint", "--env"}  # options whose value is the next word


def block(start: str) -> str:
    (found,) = [one for one in BLOCKS if one.startswith(start)]
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_names_services_and_commands_that_there_are(command: str) -> None:
    words = shlex.split(re.sub(r" [<>] \S+$", "", command))[2:]
    subcommand, *rest = words
    assert subcommand in SUBCOMMANDS
    scaled = {word.partition("=")[0] for option, word in itertools.pairwise(rest) if option == "--scale"}
    assert scaled <= set(services())
    entrypoint = "--entrypoint" in rest
    while rest and rest[0].startswith("-"):
        del rest[: 2 if rest[0] in VALUED else 1]
    if subcommand == "run":
        service, *arguments = rest
        assert service == "cli"
        if not entrypoint:
            known(arguments)
    else:
        named = rest[:1] if subcommand == "exec" else rest
        assert set(named) <= set(services())


def known(words: list[str]) -> None:
    """Parse the words as the program would. Raises click's UsageError for an unknown command or option."""
    command = typer.main.get_command(app)
    context = command.make_context("citewire", words)
    while words and isinstance(command, typer.core.TyperGroup):
        name, found, words = command.resolve_command(context, words)
        assert found is not None, name
        command = found
        context = command.make_context(name, list(words), parent=context)


def test_the_set_up_gives_secrets_that_fit_each_other_and_that_others_cannot_reach(tmp_path: Path) -> None:
    program("openssl", hint="install Debian's package `openssl`")
    shutil.copytree(EXAMPLES, tmp_path / "config" / "examples")
    subprocess.run(["bash", "-euc", block("cp config")], cwd=tmp_path, check=True, timeout=PATIENCE)
    secrets = tmp_path / "secrets"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets.iterdir()} == {0o444}
    wanted = composed(COMPOSE, tmp_path / "docker-compose.override.yml")["secrets"]
    assert {file.name for file in secrets.iterdir()} == set(wanted)
    url = load({"CITEWIRE_DATABASE_URL_FILE": str(secrets / "database_url")}).database_url
    password = (secrets / "postgres_password").read_text().strip()
    assert url == f"postgresql://citewire:{password}@postgres/citewire"
    signer = read_signer((secrets / "partner_a").read_text().strip())
    assert isinstance(signer, SharedSecret)
    assert len(signer.key) == 32
    load({"CITEWIRE_CONFIG": str(tmp_path / "site.toml")})


# What `docker compose exec` and `docker compose run` would do, on this machine.
ENGINE = """
docker() {
  shift  # compose
  case "$1" in
    exec) shift; [ "$1" = -T ] && shift; shift; "$@" ;;
    run)
      passed=X=
      while [ "$1" != cli ]; do [ "$1" = --env ] && passed="$2=${!2}"; shift; done
      shift; citewire "$@" ;;
    up|stop) : ;;
    *) echo "not expected: $*" >&2; return 1 ;;
  esac
}
"""


def test_what_was_backed_up_is_there_again_after_a_restore_and_held(tmp_path: Path, postgresql: str) -> None:
    with new_database(postgresql) as database:
        site = Site(
            folder=tmp_path / "site",
            secrets={"database_url": text_of(database), "partner_a": "", "pubmed_api_key": "x"},
            outside={},
            environment={},
            web_port=free_port(),
            redis_port=free_port(),  # nothing listens: the ledger is enough to publish
        )
        published(site.run("cli", "publish", str(ARTICLES / "baclofen-for-spasticity.md")))
        former = database.set(database=f"{database.database}_before")
        environment = reaching(database) | {"PATH": f"{programs(database)}:{reaching(database)['PATH']}"}

        def do(text: str) -> str:
            text = text.replace("--username citewire", f"--username {database.username}")
            text = re.sub(r"\bcitewire_before\b", former.database or "", text)
            text = text.replace('"$(cat secrets/database_url)_before"', shlex.quote(text_of(former)))
            text = re.sub(r"(DATABASE|--dbname) citewire\b", rf"\1 {database.database}", text)
            return shell(text.replace(" /backup/", f" {tmp_path}/backup/"), tmp_path, environment, site)

        do(block("mkdir -m 1777 backup"))
        published(site.run("cli", "publish", str(ARTICLES / "stopping-baclofen-ar.md")))
        site.run("cli", "withdraw", "baclofen-for-spasticity", "--reason", "wrong")
        try:
            do(block("docker compose up --detach redis postgres"))
            assert site.run("cli", "status", "baclofen-for-spasticity", "--json").json["state"] == "withdrawn"
            assert site.run("cli", "status", "stopping-baclofen-ar").status == 4
            assert held(site)
            accepted = site.run("cli", "restore", "--accept", "stopping-baclofen-ar")
            assert accepted.status == 0, "it had been accepted after the backup, and the backup counts"
            do(block("docker compose run --rm cli restore --accept partner-a"))
            assert site.run("cli", "status", "baclofen-for-spasticity", "--json").json["state"] == "withdrawn"
            assert not held(site)
        finally:
            drop = "DROP DATABASE IF EXISTS citewire_before WITH (FORCE)"
            do(f'psql --username citewire --dbname postgres --command "{drop}"')


def held(site: Site) -> bool:
    checks = {one["name"]: one["ok"] for one in site.run("cli", "doctor", "--json").json["checks"]}
    return not checks["restore"]


def published(answer: Result) -> None:
    assert answer.status == 0, answer.err


def shell(text: str, folder: Path, environment: Mapping[str, str], site: Site) -> str:
    variables = shlex.join(f"{name}={value}" for name, value in site.variables("cli").items())
    program = shlex.join(site.command("cli", ["citewire"]))
    citewire = f'citewire() {{ (cd {shlex.quote(str(ROOT))} && env -i {variables} "$passed" {program} "$@"); }}\n'
    script = ENGINE + citewire + text
    done = subprocess.run(
        ["bash", "-euc", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
