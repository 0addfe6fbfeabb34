"""Sessions in the ledger, on both kinds of database: which last, whose they are, and what ends them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from msgspec import structs

from pipeline.ledger import Ledger, operations, sessions, tokens
from pipeline.ledger.operations import Part
from pipeline.model.identity import Identity
from pipeline.model.policy import SessionLimits
from pipeline.stages import acts
from pipeline.stages.acts import Act

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
LIMITS = SessionLimits(idle=10 * MINUTE, longest=60 * MINUTE)

OTHERS = structs.replace(LIMITS, issuer="https://other.example")


@pytest.fixture
def ledger(empty_database: str) -> Iterator[Ledger]:
    ledger = Ledger(empty_database)
    ledger.migrate()
    with ledger.write() as transaction:
        for name in ("ada", "bob"):
            tokens.add(transaction, name, name=name, scope="editor", now=NOW)
        for secret, token in {"laptop": "ada", "phone": "ada", "desk": "bob"}.items():
            sessions.begin(transaction, secret, who=token, client="192.0.2.7", now=NOW)
    yield ledger
    ledger.close()


def _names(ledger: Ledger, now: dt.datetime = NOW) -> list[str]:
    with ledger.read() as transaction:
        return sorted(one.name for one in sessions.every(transaction, now=now, limits=LIMITS))


def test_the_sessions_that_last_are_listed_with_the_last_request_and_the_address(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        sessions.record_use(transaction, "phone", now=NOW + 5 * MINUTE)
    with ledger.read() as transaction:
        newest, *_ = sessions.every(transaction, now=NOW + 5 * MINUTE, limits=LIMITS)
    assert (newest.name, newest.role, newest.created, newest.seen) == ("ada", "editor", NOW, NOW + 5 * MINUTE)
    assert newest.client == "192.0.2.7"
    assert _names(ledger, NOW + 10 * MINUTE) == ["ada"], "the others were not used for ten minutes"


def test_a_session_ends_at_its_longest_however_much_it_is_used(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        for minute in range(0, 61, 5):
            sessions.record_use(transaction, "phone", now=NOW + minute * MINUTE)
        assert sessions.find(transaction, "phone", now=NOW + 59 * MINUTE, limits=LIMITS) is not None
        assert sessions.find(transaction, "phone", now=NOW + 60 * MINUTE, limits=LIMITS) is None
    assert _names(ledger, NOW + 60 * MINUTE) == []


def test_revoking_a_token_deletes_its_sessions_in_the_same_transaction(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        acts.revoke_token(transaction, Act("op_1", "citewire token revoke", NOW), "ada")
        assert sessions.find(transaction, "laptop", now=NOW, limits=LIMITS) is None
        assert operations.parts_of(transaction, "op_1") == [
            Part(None, None, None, "revoked", reason="ada: 1, and 2 sessions with them")
        ]
    assert _names(ledger) == ["bob"]


def test_the_sessions_of_a_token_that_has_expired_are_not_listed(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        tokens.add(transaction, "guest", name="guest", scope="viewer", now=NOW, expires=NOW + MINUTE)
        sessions.begin(transaction, "hotel", who="guest", client="192.0.2.9", now=NOW)
    assert _names(ledger) == ["ada", "ada", "bob", "guest"]
    assert _names(ledger, NOW + MINUTE) == ["ada", "ada", "bob"]


def test_ending_sessions_ends_those_and_no_other_and_says_whose_they_were(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        laptop = sessions.find(transaction, "laptop", now=NOW, limits=LIMITS)
        assert laptop is not None
        act = Act("op_2", "root", NOW)
        assert acts.end_sessions(transaction, act, [laptop]) == 1
        assert acts.end_sessions(transaction, act, []) == 0
        (part,) = operations.parts_of(transaction, "op_2")
    assert (part.outcome, part.reason) == ("signed-out", f"session {laptop.id} of ada")
    assert _names(ledger) == ["ada", "bob"]


def test_the_session_of_a_person_whom_a_provider_knows_lasts_while_that_providers_word_is_taken(ledger: Ledger) -> None:
    person = Identity("https://login.example", "248289761001", "Ada", "operator")
    with ledger.write() as transaction:
        sessions.begin(transaction, "tablet", who=person, client="192.0.2.8", now=NOW)
    theirs = structs.replace(LIMITS, issuer=person.issuer)
    with ledger.read() as transaction:
        found = sessions.find(transaction, "tablet", now=NOW, limits=theirs)
        token = sessions.find(transaction, "laptop", now=NOW, limits=theirs)
        others = [sessions.find(transaction, "tablet", now=NOW, limits=one) for one in (LIMITS, OTHERS)]
        listed = sessions.every(transaction, now=NOW, limits=theirs)
    assert found is not None and token is not None
    assert (found.who, found.role) == (person, "operator")
    assert found.by == "Ada (https://login.example, subject 248289761001)"
    assert not found.is_of_same_person(token)
    assert others == [None, None]
    assert found in listed and len(listed) == 4 and _names(ledger) == ["ada", "ada", "bob"]


def test_revoking_a_token_ends_no_session_of_a_provider(ledger: Ledger) -> None:
    person = Identity("https://login.example", "1", "ada", "viewer")
    with ledger.write() as transaction:
        sessions.begin(transaction, "tablet", who=person, client="192.0.2.8", now=NOW)
        acts.revoke_token(transaction, Act("op_1", "citewire token revoke", NOW), "ada")
        limits = structs.replace(LIMITS, issuer=person.issuer)
        assert sessions.find(transaction, "tablet", now=NOW, limits=limits) is not None
