"""Passkeys for the console: who comes in with one, on both kinds of database, and what keeps everybody else out."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asgi import Answer, send
from authenticator import PRESENT, VERIFIED, Authenticator, Lie
from console_person import OURS, Person
from cryptography.hazmat.primitives.asymmetric import ec
from served import SITE, Served, served
from structlog.testing import capture_logs

from pipeline.identity.recovery import CODES, new_codes
from pipeline.ledger import operations, passkeys, tokens
from pipeline.ledger.operations import Operation, Part
from pipeline.model.identity import CHALLENGE_LASTS
from pipeline.stages import acts
from pipeline.stages.acts import Act
from pipeline.stages.prune import prune_others
from pipeline.web.app import create_app

HOST, ORIGIN = "desk.example.org", "https://desk.example.org"
SETTINGS = f'{SITE}\n[web.passkeys]\nconsole_url = "{ORIGIN}"\n'
DAY = dt.timedelta(days=1)


@pytest.fixture
def site(tmp_path: Path, database: str | None) -> Iterator[Served]:
    with served(tmp_path, SETTINGS, formats=("html",), database=database) as site:
        with site.context.ledger.write() as transaction:
            for name, role in {"ada": "editor", "bob": "operator"}.items():
                tokens.add(transaction, name, name=name.title(), scope=role, now=site.clock())
        yield site


def device() -> Authenticator:
    return Authenticator(HOST, ORIGIN)


def options(person: Person) -> str:
    (form,) = [one for one in person.page.iter("form") if one.get("data-options")]
    return str(form.get("data-options"))


def signed_in(site: Served, token: str) -> Person:
    person = Person(site.app)
    person.sign_in(token)
    return person


def add(person: Person, own: Authenticator, name: str = "Laptop", lie: Lie = lambda said: None) -> Answer:
    person.get("/console/passkeys")
    person.submit("Add a passkey", name=name)
    return person.submit("Make the passkey", answer=own.make(options(person), lie))


def ask(site: Served, next: str = "") -> Person:
    """Press the button on the page for signing in; return the person who is asked for a passkey."""
    person = Person(site.app)
    person.get(f"/console/sign-in?next={next}")
    person.submit("Sign in with a passkey")
    return person


def sign_in(site: Served, own: Authenticator, next: str = "", lie: Lie = lambda said: None) -> Person:
    person = ask(site, next)
    person.submit("Use my passkey", answer=own.sign(options(person), lie))
    return person


def invited(site: Served, role: str = "operator", name: str = "Eve") -> str:
    with site.context.ledger.write() as transaction:
        act = Act(site.context.new_id("op_"), "citewire passkeys invite", site.clock())
        acts.invite(transaction, act, f"secret of {name}", name=name, role=role, expires=site.clock() + DAY)
    return f"secret of {name}"


def join(site: Served, own: Authenticator, invitation: str) -> Person:
    person = Person(site.app)
    person.get("/console/join")
    person.submit("Go on", invitation=invitation)
    if person.heading == "Make your passkey":
        person.submit("Make the passkey", answer=own.make(options(person)), name="Phone")
    return person


def is_signed_in(person: Person) -> bool:
    person.get("/console/calendar")
    return person.heading == "Calendar"


def audit(site: Served) -> list[tuple[Operation, Part]]:
    """The newest operations first, each with its first part."""
    with site.context.ledger.read() as transaction:
        found = sorted(operations.newest(transaction, limit=50), key=lambda one: one.id, reverse=True)
        return [(one, operations.parts_of(transaction, one.id)[0]) for one in found]


def codes_on(person: Person) -> list[str]:
    return [one.text for one in person.page.findall(".//ol//code")]


def is_refused(person: Person, code: str) -> bool:
    assert person.shown is not None and person.shown.status == 403
    assert not any("console" in name for name in person.cookies), "no session has begun"
    return f"({code})" in person.words


def test_somebody_with_a_token_adds_a_passkey_and_signs_in_with_it_as_the_same_person(site: Served) -> None:
    own, ada = device(), signed_in(site, "ada")
    assert "Sign in with a passkey" not in Person(site.app).get("/console/sign-in").body.decode()
    add(ada, own)
    assert ada.heading == "Your recovery codes" and len(set(codes_on(ada))) == CODES
    person = sign_in(site, own, "/console/calendar")
    assert (person.at, person.heading) == ("/console/calendar", "Calendar")
    assert list(person.cookies) == ["citewire-console"], "the challenge's cookie is gone"
    assert [one.text for one in person.page.findall(".//header//small")] == ["editor"]
    person.get("/console/passkeys")
    assert "Laptop" in person.words and "this session’s" in person.words and "10 codes left" in person.words
    newest, part = audit(site)[0]
    assert (newest.kind, newest.by, part.outcome) == ("sign-in", "Ada", "signed-in")
    assert part.reason is not None and part.reason.startswith("by passkey ") and part.reason.endswith(" (Laptop)")
    person.submit("Sign out")
    assert person.heading == "Sign in" and not is_signed_in(person)


def test_the_page_that_asks_says_what_the_standard_asks_for_and_never_what_a_client_calls_itself(site: Served) -> None:
    own, ada = device(), signed_in(site, "ada")
    ada.get("/console/passkeys")
    ada.submit("Add a passkey", name="Laptop")
    made = json.loads(options(ada))
    assert made["rp"] == {"name": "Notes", "id": HOST}
    assert made["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert made["user"]["name"] == "Ada" and made["attestation"] == "none"
    ada.submit("Make the passkey", answer=own.make(json.dumps(made)))
    person = ask(site)
    headers = OURS | {"Host": "evil.example", "Content-Type": "application/x-www-form-urlencoded"}
    answer = asyncio.run(send(site.app, "POST", "/console/sign-in/passkey", headers=headers))
    assert answer.status == 200 and b"evil" not in answer.body
    asked = json.loads(options(person))
    assert (asked["rpId"], asked["userVerification"], asked["allowCredentials"]) == (HOST, "required", [])
    assert asked["challenge"] != made["challenge"]
    assert asked["timeout"] == made["timeout"] == CHALLENGE_LASTS / dt.timedelta(milliseconds=1)
    policy = person.shown.headers["content-security-policy"] if person.shown else ""
    assert "script-src 'self'" in policy and "unsafe" not in policy and "connect-src" not in policy
    assert "Passkeys need JavaScript" in "".join(person.page.itertext())


LIES: dict[str, Lie] = {
    "another origin": lambda said: said["client"].update(origin="https://evil.example"),
    "the origin of a neighbour": lambda said: said["client"].update(origin="https://x.desk.example.org"),
    "another port": lambda said: said["client"].update(origin=f"{ORIGIN}:8443"),
    "in plain text": lambda said: said["client"].update(origin=f"http://{HOST}"),
    "an origin that is no text": lambda said: said["client"].update(origin=["https://desk.example.org"]),
    "in a frame of another site": lambda said: said["client"].update(crossOrigin=True),
    "another relying party": lambda said: said.update(host="evil.example"),
    "another challenge": lambda said: said["client"].update(challenge="A" * 43),
    "a challenge that is a number": lambda said: said["client"].update(challenge=7),
    "no challenge": lambda said: said["client"].pop("challenge"),
    "another kind": lambda said: said["client"].update(type="payment.get"),
    "the other ceremony": lambda said: said["client"].update(
        type={"webauthn.get": "webauthn.create", "webauthn.create": "webauthn.get"}[said["client"]["type"]]
    ),
    "nobody was verified": lambda said: said.update(flags=said["flags"] & ~VERIFIED),
    "nobody was there": lambda said: said.update(flags=said["flags"] & ~PRESENT),
    "backed up, and not to be": lambda said: said.update(flags=said["flags"] | 0x10),
    "client data that are no JSON": lambda said: said.update(client=b"\xff{"),
    "client data in depth": lambda said: said.update(client=b"[" * 9_000),
    "client data that are a list": lambda said: said.update(client=b"[]"),
}
ASSERTED: dict[str, Lie] = {
    "another key": lambda said: said.update(key=ec.generate_private_key(ec.SECP256R1())),
    "no signature": lambda said: said.update(signature=b""),
    "a signature of nothing": lambda said: said.update(signature=b"\x30\x06\x02\x01\x00\x02\x01\x00"),
    "another person’s handle": lambda said: said.update(handle="AAAAAAAAAAAAAAAAAAAAAA"),
    "no handle": lambda said: said.update(handle=None),
    "short data": lambda said: said.update(data=b"\0" * 36),
    "no data": lambda said: said.update(data=b""),
    "data with something behind them": lambda said: said.update(flags=0xFF),
}
MADE: dict[str, Lie] = {
    "garbage in place of CBOR": lambda said: said.update(attestation=b"\xff\xfe garbage"),
    "CBOR without end": lambda said: said.update(attestation=b"\x9f" * 500),
    "CBOR in depth": lambda said: said.update(attestation=b"\x81" * 8_000 + b"\0"),
    "CBOR that promises much": lambda said: said.update(attestation=b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff"),
    "CBOR of another shape": lambda said: said.update(attestation=b"\x80"),
    "no CBOR": lambda said: said.update(attestation=b""),
    "a statement about its maker": lambda said: said.update(fmt="packed", statement={"x5c": [b"\x30\x00"]}),
    "a statement that is not its own": lambda said: said.update(fmt="packed", statement={"alg": -7, "sig": b"\0" * 70}),
    "a statement of a kind that nobody knows": lambda said: said.update(fmt="evil"),
    "a statement with none": lambda said: said.update(statement={"sig": b"\0"}),
    "a point that is on no curve": lambda said: said["public_key"].update({-3: b"\1" * 32}),
    "half a point": lambda said: said["public_key"].pop(-3),
    "a key that is a list": lambda said: said.update(public_key=[1, 2]),
    "a symmetric key": lambda said: said.update(public_key={1: 4, 3: 5, -1: b"secret"}),
    "an algorithm that was not offered": lambda said: said["public_key"].update({3: -65535}),
    "something behind the key": lambda said: said.update(extra=b"more"),
    "no passkey": lambda said: said.update(flags=PRESENT | VERIFIED),
}


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Authenticator]]:
    """A site where Ada, an editor, has a passkey, and whose limits of rate are met by none of the tests."""
    with served(tmp_path_factory.mktemp("lies"), SETTINGS, formats=("html",)) as site:
        with site.context.ledger.write() as transaction:
            tokens.add(transaction, "ada", name="Ada", scope="editor", now=site.clock())
        site.app = create_app(site.context, alive=list, limiter=NoLimit())
        own = device()
        add(signed_in(site, "ada"), own)
        yield site, own


class NoLimit:
    def take(self, caller: str, rate: object) -> float:
        return 0.0


@pytest.mark.parametrize("lie", (LIES | ASSERTED).values(), ids=list(LIES | ASSERTED))
def test_an_answer_that_does_not_hold_opens_nothing(one: tuple[Served, Authenticator], lie: Lie) -> None:
    site, own = one
    before = site.app.state.refusals.counter.labels("passkey-refused")._value.get()
    with capture_logs() as logs:
        person = sign_in(site, own, lie=lie)
    assert is_refused(person, "passkey-refused")
    assert person.heading == "Sign in" and "a token or a recovery code" in person.words
    assert [line["code"] for line in logs if line["event"] == "sign-in refused"] == ["passkey-refused"]
    assert site.app.state.refusals.counter.labels("passkey-refused")._value.get() == before + 1
    assert is_signed_in(sign_in(site, own)), "the true one does"


@pytest.mark.parametrize("lie", (LIES | MADE).values(), ids=list(LIES | MADE))
def test_a_passkey_that_does_not_hold_is_not_added(one: tuple[Served, Authenticator], lie: Lie) -> None:
    site, _ = one
    ada = signed_in(site, "ada")
    answer = add(ada, device(), lie=lie)
    assert answer.status == 403 and "passkey-refused" in ada.words
    ada.get("/console/passkeys")
    assert len([button for button in ada.buttons if button.startswith("Remove passkey")]) == 1


NO_TEXT = '{"id": "é", "rawId": "é", "type": "public-key"}'
GARBAGE = ["", "{}", "null", "[" * 5_000, '"', '{"id": 7}', "\u202e", NO_TEXT]


@pytest.mark.parametrize("answer", GARBAGE)
def test_what_is_no_answer_at_all_is_refused_too(one: tuple[Served, Authenticator], answer: str) -> None:
    site, _ = one
    person = ask(site)
    person.submit("Use my passkey", answer=answer)
    assert is_refused(person, "passkey-refused")
    ada = signed_in(site, "ada")
    ada.get("/console/passkeys")
    ada.submit("Add a passkey")
    assert ada.submit("Make the passkey", answer=answer).status == 403


def test_a_body_that_is_too_large_is_refused_unread(one: tuple[Served, Authenticator]) -> None:
    site, _ = one
    person = ask(site)
    assert person.submit("Use my passkey", answer="A" * 20_000).status == 413
    assert "form-too-large" in person.words


def test_a_challenge_is_answered_once_by_the_browser_that_was_asked_within_five_minutes(site: Served) -> None:
    own = device()
    add(signed_in(site, "ada"), own)
    first = ask(site)
    address, fields = first.form_of("Use my passkey")
    cookies, answer = dict(first.cookies), own.sign(options(first))
    first.submit("Use my passkey", answer=answer)
    assert is_signed_in(first)
    again = Person(site.app, dict(cookies))
    again.post(address, fields | {"answer": answer})
    assert is_refused(again, "passkey-expired")
    other, asked = ask(site), ask(site)
    other.submit("Use my passkey", answer=own.sign(options(asked)))
    assert is_refused(other, "passkey-refused"), "it is another browser's challenge"
    nobody = Person(site.app)
    nobody.post(address, fields | {"answer": own.sign(options(asked))})
    assert is_refused(nobody, "passkey-expired"), "it was asked for nothing"
    late = ask(site)
    site.clock.now += CHALLENGE_LASTS
    late.submit("Use my passkey", answer=own.sign(options(late)))
    assert is_refused(late, "passkey-expired")


def test_a_challenge_for_adding_signs_nobody_in_and_belongs_to_one_session(site: Served) -> None:
    own = device()
    ada, bob = signed_in(site, "ada"), signed_in(site, "bob")
    add(ada, own)
    ada.get("/console/passkeys")
    ada.submit("Add a passkey")
    asked, challenge = options(ada), ada.cookies["citewire-passkey"]
    stranger = Person(site.app, {"citewire-passkey": challenge})
    stranger.post("/console/sign-in/passkey/answer", {"answer": own.sign(json.dumps(json.loads(asked)))})
    assert is_refused(stranger, "passkey-expired")
    bob.get("/console/passkeys")
    bob.submit("Add a passkey")
    bob.cookies["citewire-passkey"] = challenge
    assert bob.submit("Make the passkey", answer=device().make(asked)).status == 403
    assert "passkey-expired" in bob.words


def test_a_counter_that_goes_back_is_refused_and_in_the_audit_and_only_if_the_key_has_signed_it(site: Served) -> None:
    own = device()
    add(signed_in(site, "ada"), own)
    own.counter = 41
    assert is_signed_in(sign_in(site, own))
    seen = len(audit(site))
    for counter in (42, 7, 0):
        person = sign_in(site, own, lie=lambda said, counter=counter: said.update(counter=counter))
        assert is_refused(person, "passkey-counter")
        newest, part = audit(site)[0]
        assert (newest.kind, newest.by, part.outcome) == ("sign-in", "Ada", "refused")
        assert part.reason is not None and f"it has signed {counter} times, after 42" in part.reason
    assert len(audit(site)) == seen + 3
    forged = ec.generate_private_key(ec.SECP256R1())
    assert is_refused(sign_in(site, own, lie=lambda said: said.update(counter=1, key=forged)), "passkey-refused")
    assert len(audit(site)) == seen + 3, "a stranger writes no line"
    own.counter = 42
    assert is_signed_in(sign_in(site, own))


def test_an_authenticator_that_does_not_count_signs_in_again_and_again(site: Served) -> None:
    own = device()
    add(signed_in(site, "ada"), own)
    for _ in range(3):
        assert is_signed_in(sign_in(site, own, lie=lambda said: said.update(counter=0)))


def test_an_unknown_credential_and_another_persons_open_nothing(site: Served) -> None:
    own, others = device(), device()
    add(signed_in(site, "ada"), own)
    add(signed_in(site, "bob"), others)
    assert is_refused(sign_in(site, device()), "passkey-unknown")
    assert is_refused(sign_in(site, own, lie=lambda said: said.update(handle=others.handle)), "passkey-refused")
    assert is_refused(sign_in(site, own, lie=lambda said: said.update(credential=others.credential)), "passkey-refused")


def test_a_passkey_belongs_to_one_person(site: Served) -> None:
    own = device()
    add(signed_in(site, "ada"), own)
    bob = signed_in(site, "bob")
    assert add(bob, own).status == 409
    assert "passkey-known" in bob.words
    assert [one.kind for one, _ in audit(site)[:2]] == ["sign-in", "recovery-codes"], "nothing of it is kept"


def test_who_begins_with_two_devices_at_a_time_is_one_person_with_the_first(site: Served) -> None:
    laptop, phone = device(), device()
    two = [signed_in(site, "ada") for _ in range(2)]
    for person in two:
        person.get("/console/passkeys")
        person.submit("Add a passkey")
    for person, own in zip(two, (laptop, phone), strict=True):
        person.submit("Make the passkey", answer=own.make(options(person)))
    assert two[1].shown is not None and two[1].shown.status == 409 and "passkey-overtaken" in two[1].words
    assert is_signed_in(sign_in(site, laptop)) and is_refused(sign_in(site, phone), "passkey-unknown")
    add(two[1], phone)
    assert is_signed_in(sign_in(site, phone)), "begun again, it has the handle of the person"


def test_removing_a_passkey_ends_the_sessions_that_it_began_and_no_other(site: Served) -> None:
    laptop, phone = device(), device()
    ada = signed_in(site, "ada")
    add(ada, laptop)
    add(ada, phone, name="Phone")
    assert (ada.at, "Phone" in ada.words) == ("/console/passkeys", True), "codes come with the first one only"
    by_laptop, by_phone = sign_in(site, laptop), sign_in(site, phone)
    by_laptop.get("/console/passkeys")
    row = next(row for row in by_laptop.page.iter("tr") if "Phone" in row.text_content())
    by_laptop.submit(next("".join(one.itertext()).strip() for one in row.iter("button")))
    assert is_signed_in(by_laptop) and is_signed_in(ada) and not is_signed_in(by_phone)
    newest, part = audit(site)[0]
    assert (newest.kind, part.outcome) == ("passkey-remove", "removed")
    assert part.reason is not None and part.reason.endswith("(Phone) of Ada, and 1 session with it")
    assert is_refused(sign_in(site, phone), "passkey-unknown")
    by_laptop.get("/console/passkeys")
    by_laptop.submit(next(one for one in by_laptop.buttons if one.startswith("Remove")))
    assert (by_laptop.heading, by_laptop.cookies) == ("Sign in", {}), "it was the passkey of this session"


def test_people_see_and_remove_their_own_passkeys_and_administrators_everybodys(site: Served) -> None:
    add(signed_in(site, "ada"), device())
    bob, root = signed_in(site, "bob"), signed_in(site, "root")
    root.get("/console/passkeys")
    (button,) = [one for one in root.buttons if one.startswith("Remove passkey")]
    address, _ = root.form_of(button)
    bob.get("/console/passkeys")
    assert "Ada" not in bob.words and not any(one.startswith("Remove") for one in bob.buttons)
    _, fields = bob.form_of("Add a passkey")
    assert bob.post(address, fields).status == 404 and "unknown-passkey" in bob.words
    root.submit(button)
    assert "Nobody else has a passkey." in root.words


def test_a_holders_passkeys_end_with_the_token(site: Served) -> None:
    own = device()
    add(signed_in(site, "ada"), own)
    person = sign_in(site, own)
    with site.context.ledger.write() as transaction:
        acts.revoke_token(transaction, Act("op_revoked", "citewire token revoke", site.clock()), "Ada")
        assert not passkeys.are_any(transaction), "who has stolen a token keeps no way in"
    assert not is_signed_in(person)
    assert audit(site)[0][1].reason == "Ada: 1, and 2 sessions with them", "that of the passkey is counted"


def test_removing_a_holder_ends_also_the_sessions_that_recovery_codes_began(site: Served) -> None:
    own, ada = device(), signed_in(site, "ada")
    add(ada, own)
    thief, bob = recovered(site, codes_on(ada)[0]), signed_in(site, "bob")
    by_passkey = sign_in(site, own)
    with site.context.ledger.write() as transaction:
        (person,) = passkeys.everybody(transaction, now=site.clock())
        acts.remove_person(transaction, Act("op_removed", "citewire passkeys remove", site.clock()), person)
    assert [is_signed_in(one) for one in (thief, by_passkey, ada, bob)] == [False, False, False, True]
    assert audit(site)[0][1].reason == "everything of Ada (editor), and 3 sessions with it"
    assert is_signed_in(signed_in(site, "ada")), "the token is not theirs to lose"


def test_a_holders_passkeys_open_nothing_once_the_token_has_expired_and_are_then_pruned(site: Served) -> None:
    with site.context.ledger.write() as transaction:
        tokens.add(transaction, "guest", name="Guest", scope="viewer", now=site.clock(), expires=site.clock() + DAY)
    own, ada = device(), signed_in(site, "ada")
    guest = signed_in(site, "guest")
    add(guest, own)
    codes = codes_on(guest)
    add(ada, device())
    site.clock.now += DAY
    assert is_refused(sign_in(site, own), "passkey-unknown")
    assert "unknown, or was used" in recovered(site, codes[0]).words
    site.clock.now += dt.timedelta(days=site.context.policy.keep_tokens, seconds=1)
    prune_others(site.context)
    with site.context.ledger.read() as transaction:
        assert [one.name for one in passkeys.everybody(transaction, now=site.clock())] == ["Ada"]
        assert passkeys.of_people(transaction, [own.handle]) == []


def recovered(site: Served, code: str) -> Person:
    person = Person(site.app)
    person.sign_in(code)
    return person


def test_an_invitation_makes_one_person_with_a_role_of_their_own(site: Served) -> None:
    own, invitation = device(), invited(site)
    eve = join(site, own, f" {invitation} ")
    codes = codes_on(eve)
    assert len(codes) == CODES and is_signed_in(eve)
    assert [one.text for one in eve.page.findall(".//header//small")] == ["operator"]
    person = sign_in(site, own)
    assert is_signed_in(person)
    who = f"Eve (passkey, subject {own.handle})"
    assert {one.by for one, _ in audit(site)[:4]} == {who}, "the audit has the person, and no name alone"
    late = join(site, device(), invitation)
    assert late.shown is not None and late.shown.status == 403 and "invitation-invalid" in late.words
    person.submit("Sign out")
    assert person.heading == "Sign in"


def test_an_invitation_is_accepted_once_however_many_have_begun(site: Served) -> None:
    invitation = invited(site)
    two = [Person(site.app), Person(site.app)]
    for person in two:
        person.get("/console/join")
        person.submit("Go on", invitation=invitation)
    for person in two:
        person.submit("Make the passkey", answer=device().make(options(person)), name="Phone")
    assert [is_signed_in(person) for person in two] == [True, False]
    with site.context.ledger.read() as transaction:
        assert [one.name for one in passkeys.everybody(transaction, now=site.clock())] == ["Eve"]


def test_an_invitation_that_is_too_old_or_made_up_makes_nobody(site: Served) -> None:
    invitation = invited(site)
    assert "invitation-invalid" in join(site, device(), "made up").words
    person = Person(site.app)
    person.get("/console/join")
    person.submit("Go on", invitation=invitation)
    site.clock.now += DAY
    person.submit("Make the passkey", answer=device().make(options(person)))
    assert person.shown is not None and person.shown.status == 403
    assert "invitation-invalid" in join(site, device(), invitation).words
    prune_others(site.context)
    with site.context.ledger.read() as transaction:
        assert passkeys.invited(transaction, invitation, now=site.clock() - DAY) is None, "it is gone"


def test_a_recovery_code_signs_in_once_as_the_same_person_however_it_is_typed(site: Served) -> None:
    own, invitation = device(), invited(site, role="admin")
    eve = join(site, own, invitation)
    codes = codes_on(eve)
    person = recovered(site, f"  {codes[0].upper().replace('0', 'O').replace('1', 'l')} ")
    assert is_signed_in(person)
    newest, part = audit(site)[0]
    assert (newest.kind, part.reason) == ("sign-in", "by a recovery code: 9 left")
    assert newest.by == f"Eve (passkey, subject {own.handle})"
    again = recovered(site, codes[0])
    assert again.shown is not None and again.shown.status == 403 and "was used" in again.words
    person.get("/console/passkeys")
    assert "9 codes left" in person.words
    person.submit("Make ten others, and end these")
    fresh = codes_on(person)
    assert len(fresh) == CODES and not set(fresh) & set(codes)
    assert not is_signed_in(recovered(site, codes[1])) and is_signed_in(recovered(site, fresh[1]))


def test_the_ledger_has_nothing_that_lets_somebody_in(tmp_path: Path) -> None:
    with served(tmp_path, SETTINGS, formats=("html",)) as site:
        invitation, other = invited(site), invited(site, name="Mallory")
        eve = join(site, device(), invitation)
        codes = codes_on(eve)
        begun = ask(site)
        file = Path(str(site.context.ledger.url.database))
        written = b"".join(one.read_bytes() for one in file.parent.glob(f"{file.name}*"))
    secrets = [*codes, invitation, other, begun.cookies["citewire-passkey"], *eve.cookies.values()]
    assert not [one for one in secrets if one.encode() in written]


def test_a_code_has_as_many_random_bits_as_its_hash_needs() -> None:
    """112 at least, or else a plain hash is not enough (ASVS 5.0, 6.5.2)."""
    letters = ["".join(code.split("-")[1:]) for _ in range(100) for code in new_codes()]
    assert len(set(letters)) == len(letters)
    assert min(map(len, letters)) * math.log2(len(set("".join(letters)))) >= 112


def test_codes_are_guessed_no_more_often_than_tokens(site: Served) -> None:
    answers = [recovered(site, f"cwr-000000-000000-000000-00000{number % 10}") for number in range(12)]
    assert [one.shown.status for one in answers if one.shown] == [403] * 10 + [429] * 2


def test_asking_for_passkeys_is_limited_and_so_is_what_strangers_can_have_kept(
    site: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(signed_in(site, "ada"), device())
    site.app = create_app(site.context, alive=list)
    statuses = [Person(site.app).post("/console/sign-in/passkey", {}).status for _ in range(22)]
    assert statuses == [200] * 20 + [429] * 2
    inside = signed_in(site, "bob")
    assert inside.get("/console/passkeys").status == 200
    assert inside.submit("Add a passkey").status == 429, "of one address, whoever asks"
    monkeypatch.setattr(passkeys, "MOST_CHALLENGES", 20)
    site.app = create_app(site.context, alive=list)
    person = Person(site.app)
    assert person.post("/console/sign-in/passkey", {}).status == 503
    assert "sign-in-busy" in person.words
    site.clock.now += CHALLENGE_LASTS
    assert person.post("/console/sign-in/passkey", {}).status == 200, "those that are too old are gone"


@pytest.mark.parametrize(
    "path",
    ["/console/sign-in/passkey", "/console/sign-in/passkey/answer", "/console/join/begin", "/console/join"],
)
def test_a_form_of_another_site_does_nothing(site: Served, path: str) -> None:
    person = Person(site.app)
    assert person.post(path, {"answer": "{}"}, {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert "cross-site-request" in person.words


@pytest.mark.parametrize("path", ["begin", "codes", "0123456789/remove", ""])
def test_a_form_without_the_proof_of_its_own_session_does_nothing(site: Served, path: str) -> None:
    ada = signed_in(site, "ada")
    assert ada.post(f"/console/passkeys/{path}".rstrip("/"), {"proof": "made up"}).status == 403
    assert "cross-site-request" in ada.words


def test_a_way_in_is_added_soon_after_signing_in_only(site: Served) -> None:
    own, ada = device(), signed_in(site, "ada")
    add(ada, own)
    ada.get("/console/passkeys")
    begin, codes = ada.form_of("Add a passkey"), ada.form_of("Make ten others, and end these")
    site.clock.now += dt.timedelta(minutes=10)
    for address, fields in (begin, codes):
        assert ada.post(address, fields).status == 403 and "sign-in-too-old" in ada.words
    ada.get("/console/passkeys")
    assert "sign out and in again first" in ada.words and "Add a passkey" not in ada.buttons
    assert any(one.startswith("Remove passkey") for one in ada.buttons)


def test_a_person_has_twenty_passkeys_at_most(site: Served) -> None:
    site.app = create_app(site.context, alive=list, limiter=NoLimit())
    ada = signed_in(site, "ada")
    for number in range(20):
        assert add(ada, device(), name=f"Key {number}").status == 200
    ada.get("/console/passkeys")
    assert ada.submit("Add a passkey", name="One more").status == 409 and "too-many-passkeys" in ada.words


HOSTILE = "\u202eevil\x07 <script>alert(1)</script> \U0001f511" + "x" * 500


def test_a_hostile_name_is_one_line_that_can_be_shown(site: Served) -> None:
    ada = signed_in(site, "ada")
    add(ada, device(), name=HOSTILE)
    ada.get("/console/passkeys")
    (shown,) = [one.text for one in ada.page.findall(".//main//th/bdi")]
    assert shown.startswith("evil <script>alert(1)</script> \U0001f511x") and len(shown) == 100


def test_without_the_setting_there_are_no_passkeys_and_sessions_by_one_have_ended(site: Served) -> None:
    own, ada = device(), signed_in(site, "ada")
    add(ada, own)
    eve = join(site, device(), invited(site))
    by_passkey = sign_in(site, own)
    limits: Any = replace(site.context.policy, sessions=type(site.context.policy.sessions)())
    bare = create_app(replace(site.context, passkeys=None, policy=limits), alive=list)
    for person in (ada, eve, by_passkey):
        person.app = bare
    assert is_signed_in(ada) and not is_signed_in(eve) and not is_signed_in(by_passkey)
    ada.get("/console/passkeys")
    assert "The settings of this site have no passkeys" in ada.words
    nobody = Person(bare)
    assert nobody.get("/console/join").status == 404
    assert nobody.post("/console/sign-in/passkey", {}).status == 404
    assert "passkey" not in nobody.get("/console/sign-in").body.decode()
