"""The page of sessions: one's own, everybody's for administrators, and ending them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from console_person import Person
from served import Served, served

from pipeline.ledger import operations, tokens
from pipeline.model.policy import SessionLimits
from pipeline.web.app import create_app

PAGE = "/console/sessions"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, formats=("html",)) as site:
        with site.context.ledger.write() as transaction:
            tokens.add(transaction, "ada", name="Ada", scope="editor", now=site.clock())
        yield site


def signed_in(site: Served, token: str) -> Person:
    person = Person(site.app)
    person.sign_in(token)
    person.get(PAGE)
    assert person.heading == "Sessions"
    return person


def ends(person: Person) -> list[str]:
    return [one for one in person.buttons if one.startswith("End session")]


def is_signed_in(person: Person) -> bool:
    person.get("/console/calendar")
    return person.heading != "Sign in"


def test_people_see_their_own_sessions_and_nobody_elses(site: Served) -> None:
    signed_in(site, "root")
    signed_in(site, "ada")
    ada = signed_in(site, "ada")
    assert len(ends(ada)) == 2
    assert "this one" in ada.words and "192.0.2.1" in ada.words
    assert "Other people" not in ada.words and "of root" not in ada.words


def test_administrators_see_and_end_everybodys_sessions(site: Served) -> None:
    ada, root = signed_in(site, "ada"), signed_in(site, "root")
    assert len(ends(root)) == 2 and "Ada" in root.words
    own = ends(ada)[0]
    root.submit(own)
    assert (root.at, len(ends(root))) == (PAGE, 1)
    assert not is_signed_in(ada) and is_signed_in(root)
    with site.context.ledger.read() as transaction:
        (ended,) = [one for one in operations.newest(transaction, limit=9) if one.kind == "sign-out"]
        (part,) = operations.parts_of(transaction, ended.id)
    assert (ended.by, part.reason) == ("of root", f"{own.removeprefix('End ')} of Ada")


def test_a_person_cannot_end_the_session_of_another_or_one_that_is_not_there(site: Served) -> None:
    root, ada = signed_in(site, "root"), signed_in(site, "ada")
    id = ends(root)[0].removeprefix("End session ")
    _, proof = ada.form_of("Sign out")
    for session in (id, "0123456789", "%25"):
        assert ada.post(f"{PAGE}/{session}/end", proof).status == 404
        assert "unknown-session" in ada.words
    assert is_signed_in(root)


def test_sign_out_everywhere_ends_all_sessions_of_the_person_here_too(site: Served) -> None:
    root, phone, laptop = signed_in(site, "root"), signed_in(site, "ada"), signed_in(site, "ada")
    laptop.submit("Sign out everywhere")
    assert (laptop.heading, laptop.cookies) == ("Sign in", {})
    assert not is_signed_in(phone) and is_signed_in(root)


def test_ending_the_session_at_hand_is_signing_out(site: Served) -> None:
    ada = signed_in(site, "ada")
    ada.submit(ends(ada)[0])
    assert (ada.heading, ada.cookies) == ("Sign in", {})


def test_the_settings_say_when_sessions_end(site: Served) -> None:
    limits = SessionLimits(idle=dt.timedelta(minutes=5), longest=dt.timedelta(minutes=12))
    policy = replace(site.context.policy, sessions=limits)
    person = Person(create_app(replace(site.context, policy=policy), alive=list))
    person.sign_in("ada")
    person.get(PAGE)
    assert "not used for 5 min, after 12 min" in person.words
    for minutes, expected in ((4, True), (4, True), (4, False)):
        site.clock.now += dt.timedelta(minutes=minutes)
        assert is_signed_in(person) == expected
    person.sign_in("ada")
    site.clock.now += dt.timedelta(minutes=5)
    assert not is_signed_in(person)


def test_the_page_of_a_revoked_tokens_session_answers_no_more(site: Served) -> None:
    ada, root = signed_in(site, "ada"), signed_in(site, "root")
    with site.context.ledger.write() as transaction:
        tokens.revoke(transaction, "Ada", now=site.clock())
    assert not is_signed_in(ada)
    root.get(PAGE)
    assert "Nobody else is signed in." in root.words
