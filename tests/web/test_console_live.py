"""Open pages are told when they are out of date, and a page that is open costs next to nothing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from asgi import get, send
from console_person import OURS, Person
from console_site import MARKDOWN, console_site
from served import Served
from waiting import PATIENCE
from waiting import until as eventually

from pipeline.errors import TransientError
from pipeline.stages.bulk import Bulk
from pipeline.stages.stage import drain
from pipeline.web.console import live
from pipeline.web.console.live import SITE, Live, TooMany, Topic, versions_of
from pipeline.web.console.pages import SCRIPTS
from pipeline.web.console.pages import __file__ as pages_file
from pipeline.web.limits import Rate

OF_SITE = "/console/changes?of=site"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with console_site(tmp_path) as site:
        publish(site, "first")
        site.work()
        yield site


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVERY", 0.01)
    monkeypatch.setattr(live, "PACE", Rate(per_second=100, burst=1))


def publish(site: Served, name: str, title: str = "") -> None:
    text = MARKDOWN.format(id=name, title=title or f"About {name}", topic="pain", pmid="2")
    site.publish(text, name=name)


class Looks:
    """A ledger with a version that the test sets; counts how often it is asked, and for how much."""

    def __init__(self) -> None:
        self.version = "1"
        self.asked: list[int] = []
        self.down = False

    def __call__(self, topics: Collection[Topic]) -> dict[Topic, str]:
        self.asked.append(len(topics))
        if self.down:
            raise TransientError("it does not answer")
        return dict.fromkeys(topics, self.version)


async def until(found: list[str], count: int) -> None:
    while len(found) < count:
        await asyncio.sleep(0.001)


async def follow(streams: Live, found: list[str], topic: Topic = SITE, seen: str = "1", session: str = "me") -> None:
    async for version in streams.changes(topic, session=session, seen=seen):
        found.append(version)  # noqa: PERF401 (tests look at it meanwhile)


def test_a_change_is_sent_once_to_every_page_by_one_look_for_all() -> None:
    async def walk() -> None:
        looks, found = Looks(), [[] for _ in range(10)]  # type: ignore[var-annotated]
        streams = Live(looks)
        tasks = [asyncio.create_task(follow(streams, mine)) for mine in found]
        await asyncio.sleep(0.05)
        assert found == [[]] * 10
        looks.version = "2"
        await asyncio.gather(*(until(mine, 1) for mine in found))
        asked = len(looks.asked)
        assert set(looks.asked) == {1} and asked < 30
        looks.version = "3"
        await asyncio.gather(*(until(mine, 2) for mine in found))
        streams.stop()
        await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)
        assert found == [["2", "3"]] * 10
        assert streams.streams == 0

    asyncio.run(walk())


def test_a_few_changes_in_a_row_are_sent_at_once_and_many_at_a_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PACE", Rate(per_second=1e-6, burst=3))

    async def walk() -> None:
        looks, found = Looks(), []  # type: ignore[var-annotated]
        streams = Live(looks)
        task = asyncio.create_task(follow(streams, found))
        for count, looks.version in enumerate("234", 1):
            await until(found, count)
        looks.version, asked = "5", len(looks.asked)
        while len(looks.asked) < asked + 3:
            await asyncio.sleep(0.001)
        assert found == ["2", "3", "4"]
        streams.stop()
        await asyncio.wait_for(task, PATIENCE)
        assert found == ["2", "3", "4"]

    asyncio.run(walk())


def test_what_changed_while_a_page_was_not_connected_is_sent_at_once() -> None:
    async def walk() -> None:
        looks, found = Looks(), []  # type: ignore[var-annotated]
        streams = Live(looks)
        task = asyncio.create_task(follow(streams, found, seen="0"))
        await until(found, 1)
        streams.stop()
        await task
        assert found == ["1"]

    asyncio.run(walk())


def test_a_ledger_that_does_not_answer_ends_no_stream() -> None:
    async def walk() -> None:
        looks, found = Looks(), []  # type: ignore[var-annotated]
        looks.down = True
        streams = Live(looks)
        task = asyncio.create_task(follow(streams, found))
        while len(looks.asked) < 3:
            await asyncio.sleep(0.001)
        looks.down, looks.version = False, "2"
        await until(found, 1)
        streams.stop()
        await task

    asyncio.run(walk())


def test_nobody_is_asked_when_no_page_is_open() -> None:
    async def walk() -> None:
        looks, found = Looks(), []  # type: ignore[var-annotated]
        streams = Live(looks)
        task = asyncio.create_task(follow(streams, found))
        while not looks.asked:
            await asyncio.sleep(0.001)
        poller = streams._poller
        assert poller is not None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.wait_for(poller, PATIENCE)
        asked = len(looks.asked)
        await asyncio.sleep(0.05)
        assert (len(looks.asked), streams.streams) == (asked, 0)

    asyncio.run(walk())


def test_a_session_has_so_many_streams_and_a_process_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MANY", 3)
    monkeypatch.setattr(live, "MANY_OF_ONE", 2)

    async def walk() -> None:
        streams = Live(Looks())
        tasks = [asyncio.create_task(follow(streams, [], session=one)) for one in ("me", "me", "you")]
        await asyncio.sleep(0.02)
        for session in ("me", "you", "other"):
            with pytest.raises(TooMany):
                streams.check_room(session)
        tasks[2].cancel()
        await asyncio.gather(tasks[2], return_exceptions=True)
        with pytest.raises(TooMany):
            streams.check_room("me")
        streams.check_room("other")
        streams.stop()
        await asyncio.gather(*tasks[:2])
        with pytest.raises(TooMany):
            streams.check_room("other")

    asyncio.run(walk())


def test_a_stream_carries_ids_and_goes_on_from_the_last_one(
    site: Served, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LONGEST", 0.3)
    person.get("/console")
    address = person.page.get_element_by_id("stream").get("data-hx-sse-connect")
    assert "event: changed" not in person.get(address).body.decode()
    publish(site, "second")
    said = eventually(lambda: "event: changed" in (one := person.get(address)).body.decode() and one)
    assert said.headers["content-type"].startswith("text/event-stream")
    ids = re.findall(r"^id: (\w+)$", said.body.decode(), re.MULTILINE)
    assert len(ids) == 1 and "event: changed" in said.body.decode()
    cookie = "; ".join(f"{name}={value}" for name, value in person.cookies.items())
    headers = {"Cookie": cookie, "Last-Event-ID": ids[0]}
    again = asyncio.run(send(site.app, "GET", address, headers=headers))
    assert "event: changed" not in again.body.decode()


def test_a_stream_ends_when_the_server_stops(site: Served, person: Person) -> None:
    site.app.state.stop()
    assert person.get(OF_SITE).status == 429


def test_a_stream_is_for_those_who_are_signed_in_and_not_led_elsewhere(site: Served) -> None:
    assert get(site.app, OF_SITE).status == 401


@pytest.mark.parametrize("query", ["of=everything", "", "of=site&id=" + "a" * 200])
def test_a_stream_of_nothing_is_refused(person: Person, query: str) -> None:
    assert person.get(f"/console/changes?{query}").status == 422


def test_a_page_that_is_open_keeps_no_session_from_ending(site: Served, person: Person) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in person.cookies.items())
    headers = {"Cookie": cookie, "HX-Request": "true"}
    for _ in range(5):
        site.clock.pass_(13 * 60)
        answer = asyncio.run(send(site.app, "GET", "/console", headers=headers))
    assert (answer.status, answer.headers.get("hx-refresh")) == (200, "true")
    assert b"html" not in answer.body


def test_versions_change_with_what_the_pages_show_and_with_nothing_else(site: Served, person: Person) -> None:
    first, other = Topic("article", "first"), Topic("article", "other")

    def now() -> dict[Topic, str]:
        return versions_of(site.context, [SITE, first, other])

    before = now()
    assert set(before) == {SITE, first} and now() == before
    publish(site, "other")
    accepted = now()
    assert accepted[SITE] != before[SITE] and accepted[first] == before[first]
    site.work()
    assert all(now()[each] != accepted[each] for each in (SITE, other))
    site.withdraw("first")
    withdrawn = now()[first]
    assert withdrawn != before[first]
    site.work()
    assert now()[first] != withdrawn
    quiet = now()[SITE]
    site.clock.pass_(60)
    assert now()[SITE] != quiet


def test_the_version_of_an_operation_follows_its_parts(site: Served, person: Person) -> None:
    person.get("/console/articles")
    person.submit("Look at what it concerns", action="publish-again")
    person.submit("Publish again, as the next revision: 1 article")
    topic = Topic("operation", person.at.rpartition("/")[2])
    before = versions_of(site.context, [topic])
    drain(site.context, Bulk())
    assert set(versions_of(site.context, [topic])) == set(before)
    assert versions_of(site.context, [topic]) != before


def test_the_version_of_a_replay_follows_what_arrives(site: Served, person: Person) -> None:
    replay_all(site, person)
    topic = Topic("operation", person.at.rpartition("/")[2])
    before = versions_of(site.context, [topic])
    assert versions_of(site.context, [topic]) == before
    site.work()
    assert versions_of(site.context, [topic]) != before


def replay_all(site: Served, person: Person) -> None:
    """Have the partner be sent again what it has."""
    person.get("/console/channels/partner/replay?since=2026-01-01T00:00")
    person.submit("Send 1 delivery again")


def test_a_look_reads_no_table(site: Served, person: Person) -> None:
    whole = re.compile(r"SCAN (?!CONSTANT|\d|channels|withheld|leases|evidence_sources|bulk_actions)\w+$")
    plans: list[str] = []
    replay_all(site, person)
    replayed = Topic("operation", person.at.rpartition("/")[2])

    def explain(connection: sa.Connection, _: object, statement: str, parameters: object, *__: object) -> None:
        if "EXPLAIN" not in statement:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
            plans.extend(row[3] for row in plan)

    engine = site.context.ledger._engine
    sa.event.listen(engine, "before_cursor_execute", explain)
    try:
        versions_of(site.context, [SITE, Topic("article", "first"), replayed])
    finally:
        sa.event.remove(engine, "before_cursor_execute", explain)
    assert len(plans) > 10
    assert [one for one in plans if whole.match(one)] == []


@pytest.mark.parametrize("path", ["", "/now", "/articles/first"])
def test_a_live_page_runs_our_scripts_and_no_other(person: Person, path: str) -> None:
    answer = person.get(f"/console{path}")
    policy = dict(one.split(" ", 1) for one in answer.headers["content-security-policy"].split("; "))
    frames = {"frame-src": "'self'"} if path.startswith("/articles") else {}  # its previews
    assert policy == frames | {
        "default-src": "'none'", "style-src": "'self'", "img-src": "'self'", "form-action": "'self'",
        "frame-ancestors": "'none'", "base-uri": "'none'", "script-src": "'self'", "connect-src": "'self'",
    }  # fmt: skip
    assert answer.headers["cache-control"] == "no-store"
    scripts = list(person.page.iter("script"))
    assert [one.get("src").rpartition("/")[2] for one in scripts] == [*SCRIPTS, "console.js"]
    assert not any(one.text for one in scripts)


@pytest.mark.parametrize("path", ["/articles", "/channels", "/operations"])
def test_a_page_that_is_not_live_runs_no_script(person: Person, path: str) -> None:
    assert "script-src" not in person.get(f"/console{path}").headers["content-security-policy"]
    assert list(person.page.iter("script")) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_of_others_is_what_was_published(person: Person, name: str) -> None:
    person.get("/console")
    (script,) = (one for one in person.page.iter("script") if one.get("src").endswith(name))
    answer = person.get(script.get("src"))
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    digest = base64.b64encode(hashlib.sha384(answer.body).digest()).decode()
    assert script.get("integrity") == SCRIPTS[name] == f"sha384-{digest}"


def test_no_page_has_an_expression_for_the_script_to_run() -> None:
    """`script-src 'self'` would refuse them, and what they did would be missing without a word."""
    for template in (Path(pages_file).parent / "templates").iterdir():
        assert not re.search(r"hx-on|hx-vals|js:|javascript:|\son\w+=", template.read_text()), template.name


def test_a_form_is_taken_from_a_page_that_was_kept_up_to_date(site: Served, person: Person) -> None:
    """Its field is one of an earlier page of the same session."""
    person.get("/console/articles/first")
    proof = person.form_of("Sign out")[1]["proof"]
    publish(site, "first", "Another title")
    person.get("/console/articles/first")
    assert person.post("/console/articles/first/replay", {"proof": proof}, OURS).status == 409
