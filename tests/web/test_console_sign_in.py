"""The console's door: a token opens it, a session keeps it open for a while, and only its own pages can act."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from asgi import HOST, Answer, get, send
from console_person import FORM, OURS, Person
from served import Served, served

from pipeline.errors import TransientError
from pipeline.ledger import sessions, tokens
from pipeline.model.policy import SessionLimits
from pipeline.web.app import create_app
from pipeline.web.console.pages import own_address

LIMITS = SessionLimits()
IDLE, LONGEST = LIMITS.idle, LIMITS.longest


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, formats=("html", "json-ld", "ninjs")) as site:
        yield site


@pytest.fixture
def person(site: Served) -> Person:
    return Person(site.app)


def raw(site: Served, method: str, address: str, body: str = "", scheme: str = "http", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return asyncio.run(send(site.app, method, address, body=body.encode(), headers=named, scheme=scheme))


def test_whoever_is_not_signed_in_is_led_to_sign_in_and_back(site: Served, person: Person) -> None:
    answer = get(site.app, "/console/operations?after=1")
    assert (answer.status, answer.headers["location"]) == (
        303,
        "/console/sign-in?next=%2Fconsole%2Foperations%3Fafter%3D1",
    )
    person.get("/console/operations")
    assert person.heading == "Sign in"
    person.submit("Sign in", token="root")
    assert (person.at, person.heading) == ("/console/operations", "Operations")


@pytest.mark.parametrize("token", ["", "unknown", "reader"])
def test_only_a_publishers_or_an_admins_token_opens_the_console(person: Person, token: str) -> None:
    answer = person.sign_in(token)
    assert answer.status == 403
    assert person.cookies == {}
    assert person.page.find(".//*[@role='alert']") is not None
    assert person.get("/console").status == 200 and person.heading == "Sign in"


@pytest.mark.parametrize("token", ["cms", "root"])
def test_a_session_is_a_cookie_that_no_script_and_no_other_site_can_use(site: Served, token: str) -> None:
    form = f"token={token}&next=/console"
    plain = raw(site, "POST", "/console/sign-in", form, content_type=FORM, **lower(OURS))
    assert plain.status == 303
    assert plain.headers["set-cookie"].startswith("citewire-console=")
    tls = raw(site, "POST", "/console/sign-in", form, scheme="https", content_type=FORM, **lower(OURS))
    assert tls.headers["set-cookie"].startswith("__Host-citewire=")
    assert "Secure" in tls.headers["set-cookie"]
    for answer in (plain, tls):
        attributes = answer.headers["set-cookie"].split("; ")[1:]
        assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(attributes)
        assert not any(one.startswith("Domain") for one in attributes)


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower().replace("-", "_"): value for name, value in headers.items()}


def test_a_session_ends_when_it_is_not_used(site: Served, person: Person) -> None:
    person.sign_in()
    site.clock.now += IDLE - dt.timedelta(seconds=1)
    person.get("/console")
    assert person.heading != "Sign in"
    site.clock.now += IDLE - dt.timedelta(seconds=1)
    person.get("/console")
    assert person.heading != "Sign in"
    site.clock.now += IDLE
    person.get("/console")
    assert person.heading == "Sign in"


def test_a_session_ends_after_twelve_hours_however_much_it_is_used(site: Served, person: Person) -> None:
    person.sign_in()
    for _ in range(int(LONGEST / IDLE) * 2 - 1):
        site.clock.now += IDLE / 2
        person.get("/console")
        assert person.heading != "Sign in"
    site.clock.now += IDLE / 2
    person.get("/console")
    assert person.heading == "Sign in"


def test_a_session_ends_with_its_token(site: Served, person: Person) -> None:
    person.sign_in()
    with site.context.ledger.write() as transaction:
        tokens.revoke(transaction, "of root", now=site.clock())
    person.get("/console")
    assert person.heading == "Sign in"


def test_signing_out_ends_the_session_itself(site: Served, person: Person) -> None:
    person.sign_in()
    kept = dict(person.cookies)
    person.submit("Sign out")
    assert person.heading == "Sign in"
    assert person.cookies == {}
    person.cookies = kept
    person.get("/console")
    assert person.heading == "Sign in"


def test_each_time_somebody_signs_in_the_session_is_a_new_one(site: Served, person: Person) -> None:
    person.sign_in()
    former = dict(person.cookies)
    person.sign_in()
    assert person.cookies != former
    person.cookies = former
    person.get("/console")
    assert person.heading == "Sign in"


def test_the_ledger_has_nothing_that_opens_a_session(site: Served, person: Person) -> None:
    person.sign_in()
    (secret,) = person.cookies.values()
    database = site.context.ledger.url.database
    assert database is not None
    stored = b"".join(file.read_bytes() for file in Path(database).parent.glob("*.db*"))
    assert len(secret) >= 43
    assert secret.encode() not in stored


def test_sessions_that_have_ended_are_deleted(site: Served, person: Person) -> None:
    person.sign_in()
    with site.context.ledger.write() as transaction:
        assert sessions.forget(transaction, now=site.clock(), limits=LIMITS) == 0
        assert sessions.forget(transaction, now=site.clock() + IDLE, limits=LIMITS) == 1


def test_guesses_are_slowed_down(site: Served, person: Person) -> None:
    statuses = [person.sign_in(f"guess-{number}").status for number in range(11)]
    assert statuses == [403] * 10 + [429]
    assert person.sign_in("root").status == 429


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/", "//evil.example/", "/consoles", "/articles/x", "/console/..//evil.example",
        "/console/\\evil.example", "/console\r\nSet-Cookie: a=b", "javascript:alert(1)", "/console/\u202e",
    ],
)  # fmt: skip
def test_signing_in_leads_nowhere_but_into_the_console(person: Person, address: str) -> None:
    assert own_address(address) == "/console"
    person.get("/console/sign-in")
    person.submit("Sign in", token="root", next=address)
    assert person.at == "/console"


FORGED = {
    "another site": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    "a sibling of ours": {"Sec-Fetch-Site": "same-site", "Origin": f"http://evil.{HOST}"},
    "nobody": {},
    "a hidden origin": {"Origin": "null"},
    "another host": {"Origin": "https://evil.example"},
    "no address": {"Origin": "http://[oops"},
}


@pytest.mark.parametrize("sent", FORGED.values(), ids=list(FORGED))
def test_a_form_from_another_site_does_nothing(site: Served, person: Person, sent: dict[str, str]) -> None:
    person.sign_in()
    address, fields = person.form_of("Sign out")
    assert person.post(address, fields, headers=sent).status == 403
    assert "cross-site-request" in person.words
    assert person.get("/console").status == 200 and person.heading != "Sign in"
    assert person.post("/console/sign-in", {"token": "root"}, headers=sent).status == 403


def test_a_browser_that_only_says_the_origin_is_believed(site: Served, person: Person) -> None:
    person.sign_in()
    address, fields = person.form_of("Sign out")
    person.post(address, fields, headers={"Origin": f"http://{HOST}:8443"})
    assert person.heading == "Sign in"


@pytest.mark.parametrize("proof", [None, "", "0123456789abcdef.0", "é.ü", "other"])
def test_a_form_without_the_proof_of_its_own_session_does_nothing(
    site: Served, person: Person, proof: str | None
) -> None:
    other = Person(site.app)
    other.sign_in()
    person.sign_in()
    address, fields = person.form_of("Sign out")
    fields["proof"] = other.form_of("Sign out")[1]["proof"] if proof == "other" else proof or ""
    if proof is None:
        del fields["proof"]
    assert person.post(address, fields).status == 403
    person.get("/console")
    assert person.heading != "Sign in"


def test_the_proof_is_another_on_each_page(person: Person) -> None:
    person.sign_in()
    proofs = set()
    for _ in range(3):
        person.get("/console")
        proofs.add(person.form_of("Sign out")[1]["proof"])
    assert len(proofs) == 3


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"token=%ff", FORM, 400),
        (b"token=\xff", FORM, 400),
        (b"token=%00", FORM, 400),
        (b"a=1&" * 60, FORM, 400),
        (b"a" * 20_000, FORM, 413),
    ],
)
def test_what_is_no_form_is_refused_with_a_page(site: Served, body: bytes, kind: str, status: int) -> None:
    headers = {"Content-Type": kind} | OURS
    answer = asyncio.run(send(site.app, "POST", "/console/sign-in", body=body, headers=headers))
    assert answer.status == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("address", ["/console/nothing", "/console/static/0/console.css", "/console/operations/op_0"])
def test_a_page_that_is_not_there_is_a_page(person: Person, address: str) -> None:
    person.sign_in()
    assert person.get(address).status == 404
    assert person.heading == "Not Found"


@pytest.mark.parametrize("address", ["/console/articles", "/console/sign-in", "/console/operations", "/console/none"])
def test_pages_are_kept_by_nobody_and_may_do_next_to_nothing(person: Person, address: str) -> None:
    person.sign_in()
    headers = person.get(address).headers
    assert headers["cache-control"] == "no-store"
    policy = dict(one.split(" ", 1) for one in headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'", "style-src": "'self'", "img-src": "'self'",
        "form-action": "'self'", "frame-ancestors": "'none'", "base-uri": "'none'",
    }  # fmt: skip


def test_the_style_sheet_may_be_kept_for_ever_under_its_address(person: Person) -> None:
    person.get("/console/sign-in")
    address = next(one.get("href") for one in person.page.iter("link") if one.get("rel") == "stylesheet")
    answer = person.get(address)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in answer.headers["cache-control"]


def test_the_console_is_there_while_a_restored_site_is_held(site: Served) -> None:
    held = replace(site.context, hold=lambda: TransientError("restored", code="ledger-restored"))
    person = Person(create_app(held, alive=list))
    person.sign_in()
    assert person.heading != "Sign in"
    assert person.shown is not None and person.shown.status == 200


def test_nothing_is_changed_once_a_newer_release_has_the_ledger(site: Served) -> None:
    held = replace(site.context, hold=lambda: TransientError("too new", code="ledger-too-new"))
    person = Person(create_app(held, alive=list))
    assert person.sign_in().status == 503
    assert "ledger-too-new" in person.words


def test_the_console_is_in_no_description_of_the_api(site: Served) -> None:
    assert "/console" not in get(site.app, "/v1/openapi.json").body.decode()
