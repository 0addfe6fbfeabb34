"""The documents' terminal sessions, played on a real pipeline: what they show is what is printed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa
from documents import DOCS, GUIDE, ROOT, block, guide, guide_pages
from house import House, house
from terminal import Session
from waiting import PATIENCE

from pipeline.ledger import tokens
from pipeline.web.app import create_app

SITE = block(GUIDE / "settings.md", "toml", "site.toml")

Opened = Callable[[str], AbstractContextManager[House]]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """A house of its own for each document, by the text of its settings."""
    return lambda site: house(tmp_path, site)


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The system after every step of the operator's guide."""
    # In the guide's settings a delivery is abandoned at its first refusal, so the session does not wait for the last.
    with house(tmp_path_factory.mktemp("operated"), SITE + "\n[delivery]\nrefused_retries = []\n") as one:
        session = Session(one)
        for page in guide_pages():  # in the order of its index: a page goes on where the one before it ended
            session.run(page)
        assert session.compared > 15
        yield one


def test_the_operators_guide_shows_what_is_printed(operated: House) -> None:
    assert operated.citewire("status").status == 0


def test_the_tour_of_the_readme_shows_what_is_printed(opened: Opened) -> None:
    with opened("") as one:
        session = Session(one)
        session.run(ROOT / "README.md")
    assert session.compared == 4


def test_the_tutorial_shows_what_is_printed(opened: Opened) -> None:
    with opened(block(DOCS / "tutorial.md", "toml", "site.toml")) as one:
        session = Session(one)
        session.run(DOCS / "tutorial.md")
    assert session.compared == 9


def test_the_partners_guide_shows_what_is_served(opened: Opened) -> None:
    with opened(SITE) as one:
        session = Session(one)
        session.run(DOCS / "partners.md")
        assert session.compared == 1
        check_webhook_headers(one)
        check_manifest(one)


def check_webhook_headers(one: House) -> None:
    """Those that the guide shows are those that come, in their order."""
    shown = re.findall(r"^([a-z-]+): ", block(DOCS / "partners.md", "http"), re.MULTILINE)
    (received,) = one.partner.received
    usual = {"host", "user-agent", "accept-encoding", "content-length", "connection"}
    assert shown == [name for name in received.headers if name not in usual]
    assert received.verified


def check_manifest(one: House) -> None:
    shown = json.loads(block(DOCS / "partners.md", "json", "manifest.json"))
    there = json.loads((one.folder / "archive/manifest/baclofen-for-spasticity.ninjs.json").read_text())
    assert list(shown) == list(there)
    changing = {"message_id", "digest", "bytes", "at"}
    assert {name: shown[name] for name in shown if name not in changing} == {
        name: there[name] for name in there if name not in changing
    }


def test_every_address_of_the_api_is_in_the_operators_guide(operated: House) -> None:
    paths = create_app(operated.context, alive=list).openapi()["paths"]
    there = {f"{method.upper()} {path}" for path, item in paths.items() if path.startswith("/v1/") for method in item}
    assert set(re.findall(r"^\| `([A-Z]+ /v1/[^`?]*)`", guide(), re.MULTILINE)) == there


def test_every_metric_is_in_the_operators_guide_and_no_other(operated: House) -> None:
    answer = requests.get(f"{operated.web}/metrics", timeout=PATIENCE)
    there = set(re.findall(r"^# HELP (citewire_\w+) ", answer.text, re.MULTILINE))
    told = set(re.findall(r"^\| `(citewire_\w+)`", (GUIDE / "monitoring.md").read_text(), re.MULTILINE))
    assert there == told


def test_the_backup_of_the_guide_copies_every_article(operated: House) -> None:
    result = operated.citewire("backup", str(operated.folder / "notes.backup"))
    with operated.context.ledger.read() as transaction:
        articles = transaction.scalar(sa.text("SELECT count(*) FROM articles"))
    assert result.status == 0, result.text
    assert f": {articles} articles, verified" in result.text


def test_the_command_that_revokes_a_token_revokes_it(operated: House) -> None:
    token = operated.citewire("token", "create", "--name", "cms", "--scope", "publish").text.strip()
    now = operated.context.clock()
    with operated.context.ledger.read() as transaction:
        assert tokens.find(transaction, token, now=now) is not None
    assert operated.citewire("token", "revoke", "cms").status == 0
    with operated.context.ledger.read() as transaction:
        assert tokens.find(transaction, token, now=now) is None
