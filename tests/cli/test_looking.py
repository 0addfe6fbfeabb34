"""`top`, `calendar`, `history` and `show`: what the console's pages show, on a terminal and in a pipe."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import re
import time
from pathlib import Path

import pytest
from command import at_site, citewire
from pydantic import BaseModel
from rich.console import Console

from config import load, settings
from pipeline.ledger import Ledger
from pipeline.stages.context import NoDoorbell
from pipeline.stages.deliver import Deliver
from pipeline.stages.feeds import Feeds
from pipeline.stages.render import Render
from pipeline.stages.stage import Stage, drain
from pipeline.views.now import ChannelBacklog, Hour, Now, SourceHealth, StageBacklog
from workers.cli import output
from workers.cli.top import draw, drawn
from workers.wiring import build_context

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
SITE = """
sealing_key = "env:NO_SUCH_KEY"
pubmed_api_key = "env:NO_SUCH_KEY"

[evidence]
signing_key = "env:NO_SUCH_KEY"

[web]
ghost_secret = "env:NO_SUCH_KEY"

[web.oidc]
issuer = "https://login.example.org"
client_id = "citewire"
client_secret = "env:NO_SUCH_KEY"
console_url = "https://notes.example.org"
role_claim = "groups"
roles = {editors = "editor"}

[telemetry]
otlp_url = "https://traces.example.org"
otlp_authorization = "env:NO_SUCH_KEY"
sentry_dsn = "env:NO_SUCH_KEY"

[alerts]
webhooks = [{url = "env:NO_SUCH_KEY"}]

[alerts.email]
host = "mail.example.org"
username = "citewire"
password = "env:NO_SUCH_KEY"
sender = "citewire@example.org"
recipients = ["desk@example.org"]

[[channels]]
id = "files"
type = "directory"
format = "ninjs"
path = "out"

[[channels]]
id = "partner"
type = "webhook"
format = "ninjs"
url = "https://partner.example.org/in"
secret = "env:NO_SUCH_KEY"
notify = {url = "https://partner.example.org/notices", secret = "env:NO_SUCH_KEY"}
"""
OPEN = "\n".join(SITE.split("[[channels]]")[:2][-1:])
TEXT = "---\nid: {id}\ntitle: Does it help?\n{more}---\n{text}\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A ledger with a live article that was changed once, and one that goes live next year."""
    at_site(tmp_path, monkeypatch, "[[channels]]" + OPEN)
    coming = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)
    write(tmp_path, "sleep", "It does.")
    write(tmp_path, "rest", "It may.", f"embargo: {coming.isoformat()}\n")
    assert citewire(capsys, "publish", "sleep.md", "rest.md").status == 0
    work()
    write(tmp_path, "sleep", "It does not.")
    assert citewire(capsys, "publish", "sleep.md").status == 0
    work(Feeds())
    at_site(tmp_path, monkeypatch, SITE)
    return tmp_path


def write(folder: Path, name: str, text: str, more: str = "") -> None:
    (folder / f"{name}.md").write_text(TEXT.format(id=name, text=text, more=more))


def work(*also: Stage) -> None:
    context = build_context(load(os.environ), NoDoorbell())
    drain(context, Render())
    drain(context, Deliver(), "files")
    for stage in also:
        drain(context, stage)
    context.ledger.close()


def test_top_needs_no_secret_of_the_system(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "NO_SUCH_KEY" not in os.environ
    parts = [one for one in vars(settings).values() if isinstance(one, type) and issubclass(one, BaseModel)]
    secrets = {name for part in parts for name, one in part.model_fields.items() if "SecretRef" in str(one.annotation)}
    assert "client_secret" in secrets
    assert secrets <= set(re.findall(r'(\w+) = "env:NO_SUCH_KEY"', SITE)), "the site has one of each"
    said = citewire(capsys, "top", "--json")
    assert said.status == 0, said.err
    found = json.loads(said.out)
    assert found["hours"][-1]["delivered"] + found["hours"][-2]["delivered"] == 2
    assert {one["stage"] for one in found["stages"]} >= {"render", "deliver", "prune"}
    assert found["channels"] == []


def test_top_is_shown_once_in_a_pipe(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = citewire(capsys, "top")
    assert said.status == 0, said.err
    assert "every channel has everything that it should have" in said.out
    assert "PubMed" in said.out


def test_top_changes_nothing(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def places() -> list[str]:
        ledger = Ledger(f"sqlite:///{site / 'var' / 'ledger.sqlite'}")
        with ledger.read() as transaction:
            found = transaction.exec_driver_sql("SELECT * FROM places ORDER BY key").all()
        ledger.close()
        return [str(row) for row in found]

    before = places()
    citewire(capsys, "top", "--once")
    assert places() == before, "the settings on disk, which have another channel, are not put in force by looking"


def test_the_calendar_lists_what_goes_live(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(citewire(capsys, "calendar", "--json").out)
    assert [(one["article"], one["kind"]) for one in found["entries"]] == [("rest", "goes-live")]
    assert "  rest  goes live, " in citewire(capsys, "calendar").out
    assert "nothing goes live" in citewire(capsys, "calendar", "--day", "2999-01-01").out


def test_a_day_that_is_none_is_refused(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = citewire(capsys, "calendar", "--day", "tomorrow")
    assert said.status == 2 and "2026-03-01" in said.err


def test_a_history_lists_the_newest_revision_first(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(citewire(capsys, "history", "sleep", "--json").out)
    assert [(one["number"], one["event"]) for one in found["revisions"]] == [(2, "updated"), (1, "published")]
    assert "an event" in citewire(capsys, "history", "sleep").out
    assert citewire(capsys, "history", "other").status == 4


def test_a_revision_says_what_it_changed_and_where_it_got_to(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = citewire(capsys, "history", "sleep", "--revision", "2")
    assert said.status == 0, said.err
    assert "Its text differs from revision 1." in said.out
    assert "It [-does.-] {+does not.+}" in said.out
    assert "files  delivered at the first attempt" in re.sub(" {2,}", "  ", said.out)
    found = json.loads(citewire(capsys, "history", "sleep", "--revision", "2", "--json").out)
    assert (found["number"], found["before"], found["differs"]) == (2, 1, ["text"])
    assert [one["what"] for one in found["line"]["steps"]][:1] == ["accepted"]
    assert {one["feed"] for one in found["line"]["feeds"]} == {":sitemap", "latest"}
    assert "the sitemap  in the feed  " in re.sub(" {2,}", "  ", said.out)
    waits = citewire(capsys, "history", "rest", "--revision", "1").out
    assert "not yet: waits for its time: in " in waits and "It is the first." in waits


def test_what_waits_is_given_another_time(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = citewire(capsys, "schedule", "rest", "--at", "2199-01-01T00:00Z")
    assert (said.status, said.out) == (0, "rest, revision 2, goes live at 2199-01-01T00:00:00Z\n"), said.err
    assert citewire(capsys, "schedule", "sleep", "--at", "now").status == 2
    assert citewire(capsys, "schedule", "other", "--at", "now").status == 4
    assert citewire(capsys, "schedule", "rest", "--at", "soon").status == 2
    found = json.loads(citewire(capsys, "schedule", "rest", "--at", "now", "--json").out)
    assert (found["article"], found["revision"], found["at"]) == ("rest", 3, None)


@pytest.mark.parametrize(("name", "number", "status"), [("sleep", "3", 4), ("other", "1", 4), ("sleep", "0", 2)])
def test_a_revision_that_is_none_is_refused(
    site: Path, capsys: pytest.CaptureFixture[str], name: str, number: str, status: int
) -> None:
    said = citewire(capsys, "history", name, "--revision", number)
    assert (said.status, said.out) == (status, "")


@pytest.mark.parametrize("format", ["html", "plain-text", "ninjs"])
def test_an_article_is_shown_as_its_readers_get_it(site: Path, capsys: pytest.CaptureFixture[str], format: str) -> None:
    said = citewire(capsys, "show", "sleep", "--format", format)
    assert said.status == 0, said.err
    assert "It does not." in said.out
    if format == "ninjs":
        sent = [path.read_text().strip() for path in (site / "out").rglob("*") if path.is_file()]
        assert said.out.strip() in sent


def test_what_its_readers_get_is_judged(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(citewire(capsys, "show", "sleep", "--format", "ninjs", "--judge", "--json").out)
    assert (found["article"], found["revision"], found["verdict"], found["broken"]) == ("sleep", 2, "well", [])
    said = citewire(capsys, "show", "sleep", "--format", "ninjs", "--judge")
    assert (said.status, said.out.splitlines()[0]) == (0, f"sleep  ninjs  {found['summary']}")
    assert citewire(capsys, "show", "sleep", "--json").status == 2


def test_what_readers_do_not_see_is_not_shown(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = citewire(capsys, "show", "rest")
    assert (said.status, said.out) == (2, "") and "rest is scheduled" in said.err
    assert citewire(capsys, "show", "other").status == 4
    assert citewire(capsys, "show", "sleep", "--format", "gopher").status == 2


SEEN = Now(
    seen=NOW,
    hours=tuple(Hour(NOW - dt.timedelta(hours=23 - one), one, 1 if one == 22 else 0) for one in range(24)),
    channels=(ChannelBacklog("partner", 1_234, NOW - dt.timedelta(minutes=4)),),
    stages=(StageBacklog("render", 0, None), StageBacklog("deliver", 7, NOW - dt.timedelta(minutes=4))),
    sources=(SourceHealth("crossref", "Crossref", NOW, NOW - dt.timedelta(hours=2), 3, "http-503", None),),
)


def test_what_goes_on_is_drawn_in_words_and_bars() -> None:
    written = io.StringIO()
    draw(Console(file=written, width=100), SEEN)
    text = written.getvalue()
    assert "delivered: 23 this hour, 22 in the hour before, 276 in the last day; 1 attempts failed" in text
    assert "█" in text and "▁" in text
    assert "partner  1234        4 min ago" in text
    assert "deliver" in text and "render" not in text, "stages without work are left out"
    assert "failing since 2 h ago: http-503" in text


def test_a_terminal_is_drawn_on_in_its_width() -> None:
    text = drawn(Console(file=io.StringIO(), width=60, force_terminal=True), SEEN, utc=True)
    assert "2026-03-01T11:56:00Z" in text


def test_a_terminal_is_drawn_on_again_until_ctrl_c(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    terminal = Console(file=written, width=100, height=24, force_terminal=True)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(output, "answers", lambda: terminal)
    monkeypatch.setattr(time, "sleep", wait)
    said = citewire(capsys, "top", "--every", "3")
    assert said.status == 130
    assert waited == [3, 3]
    assert written.getvalue().count("delivered: ") == 2
    assert written.getvalue().endswith("\x1b[?1049l\x1b[?25h"), "the terminal is given back as it was"
