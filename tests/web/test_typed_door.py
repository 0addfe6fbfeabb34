"""What comes beside an article passes a door with lengths and characters, and every answer is a problem."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from asgi import Answer, send
from fastapi import FastAPI
from served import Served, served
from sqlalchemy.engine import make_url

from config import load
from pipeline.intake.fields.reasons import MAX_REASON
from pipeline.ledger import Ledger
from pipeline.model.revision import Withdrawal
from pipeline.model.site import Site
from pipeline.web.addresses import MAX_PATH, MAX_QUERY
from pipeline.web.app import create_app
from workers.opening import make_data_folder

FORMATS = ("html", "ninjs", "json-ld")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def idle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One for all requests that are refused and so change nothing. SQLite takes what PostgreSQL does not: a NUL."""
    database = None
    if request.param == "postgresql":
        database = beside(request.getfixturevalue("postgresql"))
    with served(tmp_path_factory.mktemp("idle"), formats=FORMATS, database=database) as site:
        yield site


@pytest.fixture
def site(database: str | None, tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, formats=FORMATS, database=database) as site:
        yield site


def beside(postgresql: str) -> str:
    """Make a ledger in a database of its own on the same server; return its URL."""
    url = make_url(postgresql).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE citewire_idle_door")
    engine.dispose()
    own = url.set(drivername="postgresql", database="citewire_idle_door").render_as_string(hide_password=False)
    with contextlib.closing(Ledger(own)) as ledger:
        ledger.migrate()
    return own


def ask(app: FastAPI, method: str, address: str, body: bytes = b"", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return asyncio.run(send(app, method, address, body=body, headers=named))


def event(site: Served, **changed: Any) -> Answer:
    whole = {
        "specversion": "1.0",
        "id": "1",
        "source": "cms",
        "type": "org.citewire.article.published",
        "data": {"id": "spasms", "title": "Spasms", "body": "Rest."},
    }
    body = json.dumps(whole | changed).encode()
    headers = {"authorization": "Bearer cms", "content_type": "application/cloudevents+json"}
    return ask(site.app, "POST", "/v1/events", body, **headers)


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize(
    "address",
    ["/articles/%00", "/articles/a%00b.html", "/v1/events/%00", "/feeds/%01.atom", "/partners/a%00/changes", "/%7f"],
)
def test_a_control_character_in_a_path_is_a_problem(idle: Served, method: str, address: str) -> None:
    decoded = address.replace("%00", "\0").replace("%01", "\1").replace("%7f", "\x7f")
    answer = asyncio.run(send_raw(idle.app, method, decoded, address))
    assert (answer.status, answer.code) == (400, "invalid-address")


async def send_raw(app: FastAPI, method: str, path: str, raw: str, query: bytes = b"") -> Answer:
    """A request as a server hands it on: the path decoded, and as it was sent."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def take(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http"}
    scope |= {"path": path, "raw_path": raw.encode(), "query_string": query, "root_path": ""}
    scope |= {"headers": [(b"host", b"x")], "client": ("192.0.2.1", 50_000), "server": ("testserver", 80)}
    with contextlib.suppress(RuntimeError):  # a fault of ours, which the server logs
        await app(scope, receive, take)  # type: ignore[arg-type] # plain dicts are what it takes
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


@pytest.mark.parametrize("query", ["channel=%00", "q=a%0Ab", "topic=%ff"])
def test_a_query_that_no_ledger_takes_is_a_problem(idle: Served, query: str) -> None:
    answer = ask(idle.app, "GET", f"/v1/articles?{query}", authorization="Bearer cms")
    assert (answer.status, answer.code) == (400, "invalid-address")


@pytest.mark.parametrize("address", ["/articles/" + "a" * MAX_PATH, "/v1/articles?q=" + "a" * MAX_QUERY])
def test_an_address_that_is_too_long_is_a_problem(idle: Served, address: str) -> None:
    answer = ask(idle.app, "GET", address, authorization="Bearer cms")
    assert (answer.status, answer.code) == (414, "address-too-long")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "a" * 8_000),
        ("id", "a\0"),
        ("source", "a" * 8_000),
        ("source", "a\n"),
        ("subject", "a" * 8_000),
        ("subject", "\0"),
        ("sequence", "1" * 8_000),
        ("sequence", "\0"),
        ("time", "0000-00-00T00:00:00Z"),
        ("time", "9999-12-31T23:59:59-23:59"),
    ],
)
def test_an_attribute_that_is_too_long_or_has_controls_is_a_problem(idle: Served, field: str, value: str) -> None:
    answer = event(idle, **{field: value})
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")


@pytest.mark.parametrize("reason", ["", " \n", "a\0", "a" * (MAX_REASON + 1), "\ud800"])
def test_a_reason_that_no_tombstone_can_say_is_a_problem_and_withdraws_nothing(site: Served, reason: str) -> None:
    assert event(site).status == 202
    kind = "org.citewire.article.withdrawn"
    answer = event(site, id="2", type=kind, subject="spasms", data={"reason": reason})
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")
    assert event(site, id="3", type=kind, subject="spasms", data={"reason": "Wrong."}).status == 202


def test_a_withdrawn_page_is_rendered_once_and_conditional(site: Served) -> None:
    html, rendered = site.context.formats["html"], list[str]()

    def counted(withdrawal: Withdrawal, of: Site) -> bytes:
        rendered.append(withdrawal.article_id)
        return html.tombstone(withdrawal, of)

    formats = {**site.context.formats, "html": replace(html, tombstone=counted)}
    app = create_app(replace(site.context, formats=formats), alive=list)
    event(site)
    site.work()
    event(site, id="2", type="org.citewire.article.withdrawn", subject="spasms", data={"reason": "Wrong."})
    site.work()
    gone = ask(app, "GET", "/articles/spasms")
    assert (gone.status, b"Wrong." in gone.body) == (410, True)
    again = ask(app, "GET", "/articles/spasms", if_none_match=gone.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert ask(app, "GET", "/articles/spasms", if_none_match='"another"').status == 410
    assert rendered == ["spasms"]


def test_a_fault_of_ours_is_a_problem_too(site: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("pipeline.ledger.articles.names.article_shown_as", broken)
    answer = asyncio.run(send_raw(site.app, "GET", "/articles/spasms", "/articles/spasms"))
    assert (answer.status, answer.code) == (500, "internal-error")


def test_the_ledger_is_its_owners_whatever_the_folders_mode(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    (folder / "var").mkdir(mode=0o755)
    ledger = folder / "var" / "ledger.sqlite"
    ledger.touch(mode=0o644)
    with served(folder):
        assert {one.name: one.stat().st_mode & 0o077 for one in ledger.parent.glob("ledger.sqlite*")} == dict.fromkeys(
            (one.name for one in ledger.parent.glob("ledger.sqlite*")), 0
        )


def test_a_data_folder_that_others_can_read_is_mended_at_the_start(tmp_path: Path) -> None:
    """They may pass through it, as a web server does that serves the store's files, and find those alone."""
    data = tmp_path / "var"
    data.mkdir(mode=0o755)
    data.chmod(0o755)
    (data / "renditions").mkdir()
    (data / "renditions" / "sha256").mkdir()
    before = os.umask(0o077)
    try:
        with served(tmp_path) as site:
            make_data_folder(load({"CITEWIRE_DATA": str(data)}))
            site.publish("---\nid: a\ntitle: A\n---\nRest.\n", name="a")
            site.work()
    finally:
        os.umask(before)
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in (data, *(data / "renditions").iterdir())}
    assert modes["var"] == 0o751
    assert modes["sha256"] & 0o007 == 0
    public = data / "renditions" / "public"
    assert {stat.S_IMODE(one.stat().st_mode) for one in public.rglob("*") if one.is_dir()} == {0o755}
    assert modes["public"] == 0o755
