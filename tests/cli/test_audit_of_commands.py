"""Every command that changes something leaves a line in the audit, with who and what; none is left out of this walk."""

from __future__ import annotations

import base64
import datetime as dt
import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
import typer
from alembic import command as alembic
from alembic.config import Config
from command import at_site, citewire
from empty_ledger import empty_ledger

from config import load
from pipeline.channels.webhook.signing import new_secret
from pipeline.ledger import Ledger, operations, passkeys, places, sessions, tokens
from pipeline.ledger.articles import withheld
from pipeline.ledger.articles.withheld import EVERYWHERE, Withheld
from pipeline.ledger.deliveries import channels
from pipeline.ledger.operations import Operation, Part
from pipeline.ledger.tables import deliveries
from pipeline.stages.context import NoDoorbell
from pipeline.stages.deliver import Deliver
from pipeline.stages.render import Render
from pipeline.stages.stage import drain
from workers import embedded
from workers.cli.app import app
from workers.wiring import build_context

READS = {  # commands that change nothing that anybody could ask about later
    "attention", "check", "completion", "deliveries", "doctor", "lint", "operations", "places",
    "plan", "recall", "render", "secret", "sessions list", "status", "tail", "token list", "channels list",
    "channels show",
    "calendar", "feeds", "history", "show", "top", "listen",
    "passkeys list",
    "man",  # writes files, and leaves the system as it is
    "backup",  # writes a file, and leaves the system as it is
}  # fmt: skip
PROCESSES = {"up", "worker", "web"}  # what they change is the stages' doing, except for settings: see the last test
ACCEPTS = {  # until they are stopped, as operations that these tests look at
    "watch": "tests/cli/test_watch_refusals.py",
    "listen-stream": "tests/cli/test_listen_stream.py",
}
FILES = """
[[channels]]
id = "files"
type = "directory"
format = "ninjs"
path = "out"
"""
PARTNER = """
egress_allow = ["127.0.0.0/8"]

[[channels]]
id = "partner"
type = "webhook"
format = "ninjs"
url = "http://127.0.0.1:9/in"
secret = "env:PARTNER"
"""
NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


class Site:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        monkeypatch.setenv("PARTNER", new_secret())
        monkeypatch.setenv("SEALING_KEY", base64.b64encode(bytes(32)).decode())
        at_site(folder, monkeypatch, PARTNER + FILES)
        for name in ("sleep", "rest"):
            (folder / f"{name}.md").write_text(f"---\nid: {name}\ntitle: Does it help?\n---\nYes.\n")
        self.run("publish sleep.md")
        self.work()

    def run(self, line: str) -> None:
        said = citewire(self.capsys, *shlex.split(line))
        assert said.status in (0, 1), said.err

    def settings(self, text: str) -> None:
        (self.folder / "site.toml").write_text(text)

    def work(self) -> None:
        """Do what is due, as workers would, except that no partner is sent anything."""
        context = build_context(load(os.environ), NoDoorbell())
        drain(context, Render())
        drain(context, Deliver(), "files")
        context.ledger.close()

    @property
    def ledger(self) -> Ledger:
        return Ledger(f"sqlite:///{self.folder / 'var' / 'ledger.sqlite'}")

    def audit(self) -> list[tuple[Operation, list[Part]]]:
        ledger = self.ledger
        with ledger.read() as transaction:
            found = operations.newest(transaction, limit=1000)
            lines = [(one, operations.parts_of(transaction, one.id)) for one in found]
        ledger.close()
        return lines


def _held(site: Site) -> str:
    ledger = site.ledger
    hold = Withheld(channel=EVERYWHERE, cause="hold", reason="retracted", references=(), revision=1, since=NOW)
    with ledger.write() as transaction:
        withheld.put(transaction, "sleep", hold)
    ledger.close()
    return "release sleep"


def _waiting(site: Site) -> str:
    (site.folder / "rest.md").write_text("---\nid: rest\ntitle: Does it help?\nembargo: 2199-01-01\n---\nYes.\n")
    site.run("publish rest.md")
    return "schedule rest --at now"


def _disabled(site: Site) -> str:
    ledger = site.ledger
    with ledger.write() as transaction:
        channels.keep(transaction, "files", channels.Health(disabled=NOW))
    ledger.close()
    return "replay --channel files"


def _failing(site: Site) -> str:
    """Have a delivery given up."""
    ledger = site.ledger
    given_up = {"state": "abandoned", "due": None, "error": "refused: 400 Bad Request: no"}
    with ledger.write() as transaction:
        transaction.execute(sa.update(deliveries).where(deliveries.c.channel == "files").values(**given_up))
    ledger.close()
    return "failures flr_ --note Known"


def _undoable(site: Site) -> str:
    return f"undo {site.audit()[-1][0].id}"


def _missing_file(site: Site) -> str:
    for file in (site.folder / "out").glob("sleep*"):
        file.unlink()
    return "reconcile files --mend"


def _left(words: str) -> Callable[[Site], str]:
    def leave(site: Site) -> str:
        site.settings(PARTNER)
        site.run("apply --keep")
        return words

    return leave


def _moved(words: str) -> Callable[[Site], str]:
    def move(site: Site) -> str:
        site.settings((PARTNER + FILES).replace("9/in", "9/other"))
        return words

    return move


def _sealing(site: Site) -> str:
    site.settings(f'sealing_key = "env:SEALING_KEY"\n{PARTNER}{FILES}')
    return "channels rotate partner"


def _former(site: Site) -> str:
    site.run(_sealing(site))
    return "channels end-former partner"


def _rotated(site: Site) -> str:
    ledger = site.ledger
    with ledger.write() as transaction:
        places.sign_with(transaction, "partner", b"sealed", rotated=NOW, former_until=None, now=NOW)
    ledger.close()
    return "channels drop-secret partner"


def _paused(site: Site) -> str:
    site.run("channels pause files --reason Maintenance")
    return "channels resume files"


def _older(site: Site) -> str:
    """Replace the ledger by one of a former schema."""
    (site.folder / "var" / "ledger.sqlite").unlink()
    config = Config()
    config.set_main_option("script_location", "pipeline:ledger/migrations")
    config.set_main_option("path_separator", "os")
    ledger = site.ledger
    with ledger.write() as transaction:
        config.attributes["connection"] = transaction
        alembic.upgrade(config, "0036")
    ledger.close()
    return "migrate"


def _backed_up(site: Site) -> str:
    site.run("backup monday.tar")
    return "restore monday.tar"


def _reloaded(site: Site) -> str:
    """Do what `up` does when `citewire reload` sends it a signal."""
    embedded.put_on_disk_in_force(load(os.environ), site.folder / "site.toml")
    return "operations"


def _signed_in(site: Site) -> str:
    ledger = site.ledger
    with ledger.write() as transaction:
        now = dt.datetime.now(dt.UTC)
        tokens.add(transaction, "root", name="desk", scope="admin", now=now)
        sessions.begin(transaction, "secret", who="root", client="192.0.2.1", now=now)
    ledger.close()
    return "sessions end desk"


def _with_passkeys(site: Site) -> str:
    site.settings(
        f'{(site.folder / "site.toml").read_text()}\n[web.passkeys]\nconsole_url = "https://desk.example.org"\n'
    )
    return "passkeys invite --role operator --name Ada"


def _invited(site: Site) -> str:
    site.run(_with_passkeys(site))
    ledger = site.ledger
    with ledger.read() as transaction:
        (one,) = passkeys.open_invitations(transaction, now=dt.datetime.now(dt.UTC))
    ledger.close()
    return f"passkeys remove {one.id}"


CHANGES: dict[str, str | Callable[[Site], str]] = {
    "publish": "publish rest.md",
    "articles": "articles --do publish-again --yes",
    "withdraw": "withdraw sleep --reason Wrong",
    "undo": _undoable,
    "release": _held,
    "refresh": "refresh sleep",
    "schedule": _waiting,
    "failures": _failing,
    "replay": _disabled,
    "references": "references --recheck",
    "apply": _moved("apply"),
    "reload": _reloaded,
    "reconcile": _missing_file,
    "channels pause": "channels pause files --reason Maintenance",
    "channels resume": _paused,
    "channels test": "channels test files",
    "trigger": "trigger files",
    "channels fill": "channels fill files",
    "channels rotate": _sealing,
    "channels end-former": _former,
    "channels drop-secret": _rotated,
    "channels forget": _left("channels forget files"),
    "channels replace": _moved("channels replace partner"),
    "places empty": _left("places empty files"),
    "places give-up": _left("places give-up files --reason Sold"),
    "token create": "token create --name cms --scope publish",
    "token revoke": lambda site: site.run("token create --name cms --scope publish") or "token revoke cms",
    "sessions end": _signed_in,
    "passkeys invite": _with_passkeys,
    "passkeys remove": _invited,
    "migrate": _older,
    "restore": _backed_up,
}


def _commands(group: object, *above: str) -> set[str]:
    found = set[str]()
    for name in group.list_commands(None):  # type: ignore[attr-defined] # typer's own click
        one = group.get_command(None, name)  # type: ignore[attr-defined]
        found |= _commands(one, *above, name) if hasattr(one, "list_commands") else {" ".join((*above, name))}
    return found


def test_every_command_is_known_to_change_something_or_nothing() -> None:
    known = [READS, PROCESSES, set(ACCEPTS), set(CHANGES)]
    groups = {"places"}  # a group, and a command by itself
    assert _commands(typer.main.get_command(app)) == set().union(*known) - groups
    assert sum(map(len, known)) == len(set().union(*known)), "a command is named twice"


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_something_is_in_the_audit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    site = Site(tmp_path, monkeypatch, capsys)
    change = CHANGES[name]
    before = {one.id for one, _ in site.audit()}
    words = change if isinstance(change, str) else change(site)
    if name not in ("reload", "migrate"):  # the change itself, or of another ledger
        before |= {one.id for one, _ in site.audit()}
        site.run(words)
    elif name == "migrate":
        site.run(words)
    new = [(one, parts) for one, parts in site.audit() if one.id not in before]
    assert new, f"`citewire {words}` is not in the audit"
    by = "citewire" if name == "migrate" else f"citewire {name}"  # the start of a process may migrate, too
    for operation, parts in new:
        assert operation.by.partition(" --")[0] == by
        assert dt.datetime.now(dt.UTC) - operation.at < dt.timedelta(minutes=5)
        assert parts or operation.planned, f"`citewire {words}` does not say what it did"
        assert all(part.article or part.channel or part.file or part.reason for part in parts), parts


def test_a_system_that_starts_with_other_settings_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site(tmp_path, monkeypatch, capsys)
    assert [one.kind for one, _ in site.audit()] == ["publish"], "the first settings of a new site change nothing"
    site.settings(PARTNER)
    site.work()
    (newest, parts), *_ = site.audit()
    assert (newest.kind, newest.by) == ("apply", "citewire, as it started")
    assert [(part.channel, part.outcome) for part in parts] == [("files", "removed")]


def test_the_walk_would_notice_a_change_that_is_not_recorded(tmp_path: Path) -> None:
    ledger = empty_ledger(tmp_path)
    with ledger.write() as transaction:
        channels.pause(transaction, "files", reason="behind the audit's back", now=NOW)
        assert operations.newest(transaction, limit=1) == []
    ledger.close()
