"""Who may do what: each role's requests are answered, all others are refused, and no route is without a scope."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from asgi import Answer, send
from console_person import Person
from console_site import console_site, fill
from fastapi import FastAPI
from served import Served

from pipeline.ledger import tokens
from pipeline.model.roles import ROLES, SCOPES, may, refusal, scopes_of
from pipeline.web.needed import NEEDED, OPEN, check_routes, routes

ORDER = ("viewer", "editor", "operator", "admin")
GUIDE = Path(__file__).parents[2] / "docs" / "operating" / "events.md"
FORMER = {"cms": "publish", "reader": "partner:reader"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with console_site(tmp_path_factory.mktemp("roles")) as site:
        fill(site)
        with site.context.ledger.write() as transaction:
            for role in ("viewer", "editor", "operator"):
                tokens.add(transaction, role, name=f"the {role}", scope=role, now=site.clock())
        yield site


def _ask(site: Served, route: str, token: str) -> Answer:
    method, path = route.split(" ")
    address = re.sub(r"{\w+}", "none", path)
    return site.ask(method, address, token)


def test_each_role_may_do_what_the_one_before_may_and_more() -> None:
    assert tuple(ROLES) == ORDER
    held = [ROLES[role] for role in ROLES]
    assert all(less < more for less, more in pairwise(held))
    assert held[-1] == set(SCOPES)


def test_a_partners_scope_and_an_unknown_word_hold_nothing_else() -> None:
    for name in ("partner:reader", "root", "", "Admin", "partner:"):
        assert scopes_of(name) == frozenset()
    assert may("partner:reader", "partner:reader") and not may("partner:reader", "partner:other")
    assert may("admin", "partner:reader") and not may("operator", "partner:reader")


def test_a_refusal_names_the_roles_that_are_enough() -> None:
    assert refusal("viewer", "release") == (
        "the role viewer may not do this: it needs the scope release, which editor, operator and admin have"
    )
    assert refusal("editor", "partners").endswith("which admin has")


def test_every_route_has_its_scope_and_every_line_its_route(site: Served) -> None:
    there = set(routes(site.app))
    assert there == NEEDED.keys() | OPEN
    assert not NEEDED.keys() & OPEN


def test_the_guide_has_the_scope_of_every_address_of_the_api() -> None:
    rows = re.findall(r"^\| `((?:GET|POST) /v1/[^`]+)` \| `(\w+)`", GUIDE.read_text("utf-8"), flags=re.MULTILINE)
    assert dict(rows) == {route: scope for route, scope in NEEDED.items() if " /v1/" in route}


@pytest.mark.parametrize("path", ["/v1/new", "/console/new"])
def test_a_route_without_a_scope_keeps_the_program_from_starting(path: str) -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route(path, lambda: None, methods=["POST"])
    with pytest.raises(LookupError, match=f"POST {path}"):
        check_routes(app)


API = [route for route in NEEDED if " /v1/" in route]
CONSOLE = [route for route in NEEDED if " /console" in route]


def _refusals(site: Served) -> float:
    """Return how many requests have been refused for their scope."""
    metrics = asyncio.run(send(site.app, "GET", "/metrics")).body.decode()
    found = re.search(r'^citewire_refused_total\{code="scope-insufficient"\} (\S+)$', metrics, re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize("route", API)
def test_a_token_is_refused_what_its_role_may_not_do(site: Served, route: str) -> None:
    assert _ask(site, route, "nobody").status == 401
    for token, role in {"viewer": "viewer", "editor": "editor", "operator": "operator", **FORMER}.items():
        answer = _ask(site, route, token)
        refused = answer.status == 403 and answer.code == "scope-insufficient"
        assert refused == (not may(role, NEEDED[route])), (token, answer.status)


@pytest.mark.parametrize("role", ["viewer", "editor", "operator", "cms"])
def test_pressing_by_hand_what_a_role_may_not_is_a_page_that_says_so(site: Served, role: str) -> None:
    person = Person(site.app)
    person.sign_in(role)
    person.get("/console/calendar")
    proof = person.form_of("Sign out")[1]
    before, refused = _refusals(site), 0
    for route in CONSOLE:
        method, path = route.split(" ")
        if path in ("/console/sign-out", "/console/sessions/end", "/console/changes"):  # end the session; goes on
            continue
        address = re.sub(r"{\w+}", "none", path)
        answer = person.get(address) if method == "GET" else person.post(address, proof)
        allowed = may(FORMER.get(role, role), NEEDED[route])
        assert ("scope-insufficient" in person.words) != allowed or path == "/console/bulk", (route, answer.status)
        if not allowed:
            refused += 1
            assert (answer.status, person.heading) == (403, "Forbidden"), route
            assert f"needs the scope {NEEDED[route]}" in person.words
    assert _refusals(site) - before >= refused, "each is counted, those of actions on many articles too"


# The buttons and links that change something, by page, and the scope that each needs.
SHOWN = {
    "/console/articles/hostile": {"Replay 1 delivery given up": "replay", "Deliver again": "replay"},
    "/console/articles/baclofen-for-spasticity": {"Release": "release"},
    "/console/channels/reader": {"Pause": "channels"},
    "/console/channels/archive": {"Resume": "channels"},
    "/console/failures": {
        "Replay 2 deliveries": "replay",
        "Save the note": "failures",
        "Dismiss until it happens again": "failures",
    },
    "/console/articles": {"Look at what it concerns": "bulk"},
    "/console": {"Resume": "channels", "Release baclofen-for-spasticity": "release"},
}


@pytest.mark.parametrize("role", ORDER)
def test_people_see_the_buttons_that_they_may_press_and_no_other(site: Served, role: str) -> None:
    person = Person(site.app)
    person.sign_in("root" if role == "admin" else role)
    for page, buttons in SHOWN.items():
        person.get(page)
        assert {one: one in person.buttons for one in buttons} == {
            one: may(role, scope) for one, scope in buttons.items()
        }, page
    person.get("/console/articles/hostile")
    assert any(one.endswith("/withdraw") for one in person.links()) == may(role, "withdraw")


def test_the_role_of_the_person_is_shown(site: Served) -> None:
    person = Person(site.app)
    person.sign_in("editor")
    person.get("/console")
    assert [one.text for one in person.page.findall(".//header//small")] == ["editor"]
