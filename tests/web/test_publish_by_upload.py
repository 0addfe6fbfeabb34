"""Articles are published from the browser: looked at first, then exactly as they were shown, or not at all."""

from __future__ import annotations

import datetime as dt
import re
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from console_person import OURS, Person, text
from console_site import MARKDOWN, console_site
from empty_ledger import emptied_ledger
from served import Served
from waiting import PATIENCE, until

from pipeline.intake import read_article
from pipeline.ledger import Transaction, articles, operations, tokens, uploads
from pipeline.ledger.articles import revisions
from pipeline.ledger.operations import Operation
from pipeline.ledger.tables import uploaded_files
from pipeline.model.event import Event, Origin, Publish
from pipeline.stages.accept import accept_chosen
from pipeline.stages.prune import prune_others
from pipeline.web.app import create_app

BOUNDARY = "b0undary"
File = tuple[str, bytes]


@pytest.fixture
def site(database: str | None, tmp_path: Path) -> Iterator[Served]:
    with console_site(tmp_path, database=database) as site:
        yield site


def article(id: str = "sleep", title: str = "Sleep", topic: str = "pain", pmid: str = "2") -> bytes:
    return MARKDOWN.format(id=id, title=title, topic=topic, pmid=pmid).encode()


def multipart(fields: dict[str, str], files: list[File]) -> bytes:
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts += [
        f'Content-Disposition: form-data; name="files"; filename="{name}"\r\n'.encode()
        + b"Content-Type: text/markdown\r\n\r\n"
        + data
        for name, data in files
    ]
    return b"".join(f"--{BOUNDARY}\r\n".encode() + part + b"\r\n" for part in parts) + f"--{BOUNDARY}--\r\n".encode()


def send(person: Person, *files: File, headers: dict[str, str] | None = None, **fields: str) -> int:
    """Upload files as the form does; return the status of the page that is shown then."""
    person.get("/console/publish")
    address, given = person.form_of("Look first")
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    hidden = {name: given[name] for name in ("proof",)}
    body = multipart(hidden | fields, list(files) or [("", b"")])
    return person._follow("POST", address, body, kind | OURS | (headers or {})).status


def newest(site: Served, id: str) -> articles.ArticleState | None:
    with site.context.ledger.read() as transaction:
        return articles.get(transaction, id)


def done(site: Served) -> Operation:
    with site.context.ledger.read() as transaction:
        return next(one for one in operations.newest(transaction, limit=10) if one.kind == "publish")


def kept(site: Served) -> int:
    with site.context.ledger.read() as transaction:
        return len(transaction.execute(uploaded_files.select()).all())


def test_a_new_article_is_looked_at_published_and_goes_live(site: Served, person: Person) -> None:
    assert send(person, ("sleep.md", article())) == 200
    assert person.heading == "Look first: 1 file"
    assert "sleep.md is new" in person.words and "Revision1" in person.words
    assert "partner" in person.words and "Feeds: latest" in person.words
    assert "1 not answered yet" in person.words and "not asked yet" in person.words
    assert newest(site, "sleep") is None and not site.context.doorbell.rung  # type: ignore[attr-defined] # the tests' own
    person.submit("Publish 1 article")
    assert person.at == "/console/articles/sleep"
    site.work()
    person.get(person.at)
    assert "revision 1" in person.words
    assert (done(site).by, done(site).kind) == ("of root", "publish")
    assert kept(site) == 0


def test_a_change_is_shown_in_words_against_what_is_in_force(site: Served, person: Person) -> None:
    send(person, ("sleep.md", article(title="Sleep in old age")))
    person.submit("Publish 1 article")
    send(person, ("sleep.md", article(title="Sleep in young age")))
    assert "sleep.md is changed" in person.words
    (change,) = person.page.find_class("changes")
    assert [(one.tag, text(one)) for one in change.iter("del", "ins")] == [("del", "old"), ("ins", "young")]
    person.submit("Publish 1 article")
    state = newest(site, "sleep")
    assert state is not None and (state.revision, state.title) == (2, "Sleep in young age")
    send(person, ("sleep.md", article(title="Sleep in young age")))
    assert "stays as it is: the text is the same" in person.words
    person.submit("Publish 1 article")
    assert newest(site, "sleep") == state


def test_each_mistake_is_named_with_its_line_and_the_rest_is_published(site: Served, person: Person) -> None:
    wrong = b"---\nid: Not An Id\ntitle: x\nembargo: never\n---\nRest.\n"
    send(person, ("good.md", article()), ("wrong.md", wrong), ("empty.md", b""))
    assert "2 files cannot be published" in person.words
    refused = text(person.page.find_class("card")[1])
    assert "wrong.md refused" in refused and "line 2: id" in refused and "not-an-id" in refused
    person.submit("Publish 1 article")
    assert newest(site, "sleep") is not None
    with site.context.ledger.read() as transaction:
        parts = {part.file: part.outcome for part in operations.parts_of(transaction, done(site).id)}
    assert parts == {None: "published", "wrong.md": "refused", "empty.md": "refused"}


def test_nothing_can_be_published_of_mistakes_alone(person: Person) -> None:
    send(person, ("wrong.md", b"\xff\xfe\x00"))
    assert not [one for one in person.buttons if one.startswith("Publish")]


def test_pasted_text_is_an_article(site: Served, person: Person) -> None:
    assert send(person, text=article().decode()) == 200
    assert "pasted text is new" in person.words
    person.submit("Publish 1 article")
    assert newest(site, "sleep") is not None


def test_many_lead_to_the_report_of_the_operation(site: Served, person: Person) -> None:
    send(person, *((f"{name}.md", article(name, name)) for name in ("one", "two", "three")))
    person.submit("Publish 3 articles")
    assert person.at == f"/console/operations/{done(site).id}"
    assert "Done3 of 3" in person.words


def test_files_that_share_an_id_or_a_name_are_told_apart(person: Person) -> None:
    send(person, ("a/sleep.md", article()), ("b/sleep.md", article(title="Other")), ("c/naps.md", article("naps")))
    assert "has the id 'sleep', which sleep.md (2) has too" in person.words
    assert "has the id 'sleep', which sleep.md has too" in person.words
    assert "Publish 1 article" in person.buttons


def test_a_name_that_others_would_be_told_apart_by_is_no_other_files(site: Served, person: Person) -> None:
    same = [("a/x.md", article("one")), ("b/x.md", article("two")), ("x.md (2)", article("two", "Other"))]
    send(person, *same, ("y.md", b""))
    assert [text(one.find(".//h2")) for one in person.page.iter("section")] == [
        "Sleep",
        "x.md (2) refused",
        "x.md (2) (2) refused",
        "y.md refused",
    ]
    person.submit("Publish 1 article")
    assert newest(site, "one") is not None and newest(site, "two") is None


def test_an_embargo_is_set_shown_and_kept(site: Served, person: Person) -> None:
    later = site.clock() + dt.timedelta(days=2)
    send(person, ("sleep.md", article()), embargo=f"{later:%Y-%m-%dT%H:%M}")
    assert f"Goes live{later:%Y-%m-%d %H:%M}" in person.words.replace(" UTC", "")
    assert "not before" in person.words
    person.submit("Publish 1 article")
    state = newest(site, "sleep")
    assert state is not None and state.state == "scheduled"
    with site.context.ledger.read() as transaction:
        embargo = revisions.newest_content(transaction, "sleep").article.embargo
    assert embargo == later.replace(second=0, microsecond=0)


@pytest.mark.parametrize(("embargo", "code"), [("2001-01-01T00:00", "embargo-over"), ("soon", "invalid-field")])
def test_an_embargo_that_cannot_be_is_refused_with_what_to_do(person: Person, embargo: str, code: str) -> None:
    assert send(person, ("sleep.md", article()), embargo=embargo) == 422
    assert code in person.words


def test_an_id_of_another_file_needs_a_tick(site: Served, person: Person) -> None:
    site.publish(article().decode(), name="sleep")
    send(person, ("sleep.md", article(title="Taken over")))
    assert "id-taken" in person.words and "tick that its id" in person.words and "--take-over" not in person.words
    send(person, ("sleep.md", article(title="Taken over")), take_over="1")
    person.submit("Publish 1 article")
    state = newest(site, "sleep")
    assert state is not None and state.title == "Taken over"


# --- bound to what was looked at --------------------------------------------------------------------------------------


def test_another_upload_replaces_it_and_what_was_shown_first_is_not_published(site: Served, person: Person) -> None:
    send(person, ("sleep.md", article(title="Shown")))
    first, fields = person.form_of("Publish 1 article")
    send(person, ("sleep.md", article(title="Other bytes")))
    second, _ = person.form_of("Publish 1 article")
    assert person.post(first, fields).status == 409 and "upload-over" in person.words
    assert person.post(second, fields).status == 409 and "not-as-shown" in person.words
    assert newest(site, "sleep") is None
    assert kept(site) == 1, "a refusal keeps what was uploaded"


def test_it_is_published_only_while_it_does_what_was_shown(site: Served, person: Person) -> None:
    send(person, ("sleep.md", article()))
    other = Person(site.app)
    other.sign_in("cms")
    send(other, ("sleep.md", article(title="Was faster")))
    other.submit("Publish 1 article")
    assert person.submit("Publish 1 article").status == 409
    assert "not-as-shown" in person.words
    state = newest(site, "sleep")
    assert state is not None and state.title == "Was faster"


def test_what_somebody_else_is_publishing_at_that_moment_is_waited_for(tmp_path: Path, postgresql: str) -> None:
    emptied_ledger(postgresql).close()  # on SQLite nothing is looked at while something is written
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with console_site(tmp_path, database=postgresql) as site, ThreadPoolExecutor() as threads:
        person = Person(site.app)
        person.sign_in()
        send(person, ("sleep.md", article()))
        faster = Publish(
            Origin(source="urn:test:faster", id="1"), read_article(article(title="Was faster"), name="sleep.md")
        )
        begun, go_on = threading.Event(), threading.Event()

        def choose(transaction: Transaction) -> list[Event]:
            articles.take_turns(transaction, ["sleep"])
            begun.set()
            assert go_on.wait(PATIENCE)
            return [faster]

        def is_waited_for() -> bool:
            with site.context.ledger.read() as transaction:
                return bool(transaction.scalar(waiting))

        other = threads.submit(accept_chosen, site.intake, choose)
        assert begun.wait(PATIENCE)
        pressed = threads.submit(person.submit, "Publish 1 article")
        until(is_waited_for)
        go_on.set()
        other.result()
        assert pressed.result().status == 409 and "not-as-shown" in person.words
        state = newest(site, "sleep")
        assert state is not None and (state.revision, state.title) == (1, "Was faster")


def test_once_is_enough(site: Served, person: Person) -> None:
    send(person, ("sleep.md", article()))
    address, fields = person.form_of("Publish 1 article")
    assert person.post(address, fields).status == 200
    assert person.post(address, fields).status == 409
    state = newest(site, "sleep")
    assert state is not None and state.revision == 1


def test_another_process_publishes_what_one_has_shown(site: Served, person: Person) -> None:
    send(person, ("sleep.md", article()))
    person.app = create_app(site.context, alive=list)
    assert person.submit("Publish 1 article").status == 200
    assert newest(site, "sleep") is not None


def test_it_is_nobody_elses_and_its_address_opens_nothing(site: Served, person: Person) -> None:
    send(person, ("sleep.md", article()))
    address, fields = person.form_of("Publish 1 article")
    stranger = Person(site.app)
    assert stranger.get(address).status == 200 and stranger.heading == "Sign in"
    stranger.sign_in("cms")
    assert stranger.get(address).status == 409
    assert "sleep" not in stranger.words
    own = stranger.get("/console/publish") and stranger.form_of("Sign out")[1]
    assert stranger.post(address, fields | own).status == 409
    assert newest(site, "sleep") is None


def test_it_is_over_after_an_hour_and_its_bytes_go(site: Served, person: Person) -> None:
    send(person, ("sleep.md", article()))
    with site.context.ledger.read() as transaction:
        one = transaction.execute(uploaded_files.select()).first()
    assert one is not None
    address, fields = person.form_of("Publish 1 article")
    site.clock.pass_((uploads.KEPT + dt.timedelta(seconds=1)).total_seconds())
    person.sign_in()
    own = person.get("/console/publish") and person.form_of("Sign out")[1]
    assert person.post(address, fields | own).status == 409
    prune_others(site.context)
    assert kept(site) == 0


# --- hostile files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../etc/passwd.md", "passwd.md"),
        (r"C:\\Users\\me\\sleep.md", "sleep.md"),
        ("/etc/cron.d/x.md", "x.md"),
        ("</script><b>x.md", "script><b>x.md"),
        ("a\u202egpj.md", "agpj.md"),
        ("\x01\x1b[31mred.md", "[31mred.md"),
        ("..", ".."),
        ("n" * 1000 + ".md", "n" * 200),
    ],
)
def test_a_name_is_only_shown(person: Person, sent: str, shown: str) -> None:
    assert send(person, (sent, article())) == 200
    assert text(person.page.find(".//section//code")) == shown
    assert "<b>" not in person.shown.body.decode()  # type: ignore[union-attr] # it was shown


def test_a_hostile_text_is_shown_as_text(person: Person) -> None:
    title = "</script><script>alert(1)</script> \U0001f9ec"
    assert send(person, ("x.md", article(title=title))) == 200
    assert "</script><script>alert(1)</script> \U0001f9ec" in person.words
    assert person.page.find(".//script") is None


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("bomb.zip", b"PK\x03\x04" + zlib.compress(bytes(50_000_000)), "not-text"),
        ("bomb.md.gz", b"\x1f\x8b\x08\x00" + zlib.compress(bytes(1_000_000)), "not-text"),
        ("latin.md", "---\ntitle: Schläfrig\n---\nRuh dich aus, es hilft.\n".encode("latin-1"), "not-utf-8"),
        ("nothing.md", b"\x00\x01\x02", "not-text"),
        ("large.md", b"# Title\n\n" + b"word " * 1_100_000, "article-too-large"),
        ("draft.md", b"---\ntitle: Sleep\ndraft: true\n---\nRest.\n", "draft"),
    ],
)
def test_what_is_no_article_is_refused_by_name(site: Served, person: Person, name: str, data: bytes, code: str) -> None:
    assert send(person, (name, data)) == 200
    (card,) = (one for one in person.page.iter("section"))
    assert f"{name} refused" in text(card) and code in text(card)


def test_nothing_is_a_mistake(person: Person) -> None:
    assert send(person) == 422
    assert "no-article" in person.words


@pytest.mark.parametrize("announced", [{}, {"Content-Length": "100000000"}], ids=["found out", "announced"])
def test_too_much_is_a_page_that_says_how_much_is_too_much(
    site: Served, person: Person, announced: dict[str, str]
) -> None:
    assert send(person, *[(f"{n}.md", b"x" * 3_000_000) for n in range(3)], headers=announced) == 413
    assert "form-too-large" in person.words
    assert "8,000,000" in person.words
    assert kept(site) == 0


def test_too_many_files_are_a_page(person: Person) -> None:
    assert send(person, *[(f"{n}.md", b"x") for n in range(1001)]) == 400
    assert "Too many files" in person.words


@pytest.mark.parametrize("charset", ["unicode_escape", "utf-16", "hex", "no-such"])
def test_a_charset_of_the_senders_choice_breaks_nothing(person: Person, charset: str) -> None:
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}; charset={charset}"}
    assert send(person, ("\\ud800.md", article()), headers=kind, text="\\ud800") in (200, 403)


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
def test_another_kind_of_body_is_refused(person: Person, kind: str) -> None:
    assert send(person, ("sleep.md", article()), headers={"Content-Type": kind}) in (400, 415)


def test_another_sites_form_is_refused(site: Served, person: Person) -> None:
    assert send(person, ("sleep.md", article()), headers={"Sec-Fetch-Site": "cross-site"}) == 403
    assert send(person, ("sleep.md", article()), proof="0.0") == 403
    assert kept(site) == 0


def test_a_viewer_may_not_and_is_not_offered_it(site: Served) -> None:
    with site.context.ledger.write() as transaction:
        tokens.add(transaction, "viewer", name="a viewer", scope="viewer", now=site.clock())
    viewer = Person(site.app)
    viewer.sign_in("viewer")
    viewer.get("/console/articles")
    assert not any(link.endswith("/console/publish") for link in viewer.links())
    assert viewer.get("/console/publish").status == 403


def test_the_address_has_no_secret(person: Person) -> None:
    send(person, ("sleep.md", article()))
    assert re.fullmatch(r"/console/publish/upl_\d+", person.at)
