"""A partner rotates its own secret, and verifies what really arrives with the library of the specification."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from asgi import send
from console_person import Person
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import structs
from served import SITE, Served, served
from standardwebhooks import Webhook as Verifier

from config import load
from pipeline.channels.webhook.signing import new_private_key, new_secret
from pipeline.ledger import operations, places, tables, tokens
from pipeline.stages.acts import Act
from pipeline.stages.partners import rotation
from pipeline.web.app import create_app
from standins.receiver import Received, Receiver
from workers.planning import replaced
from workers.wiring import put_in_force

ARTICLE = "---\nid: {id}\ntitle: Naps\n---\nThey help.\n"
ROTATE, END, OWN = "/partners/partner/secret/rotate", "/partners/partner/secret/end-former", "/partners/partner"
CHANNEL = "/v1/channels/partner/secret"
CONFIGURED, PRIVATE = new_secret(), new_private_key()
KEY = base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def partner() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


FORMATS = ("html", "json-ld", "ninjs", "amp")


@pytest.fixture
def site(database: str | None, tmp_path: Path, partner: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    for name, value in {"PARTNER_SECRET": CONFIGURED, "PRIVATE": PRIVATE, "SEALING_KEY": KEY}.items():
        monkeypatch.setenv(name, value)
    with served(tmp_path, text(partner), FORMATS, database, scripted=False) as site:
        yield site


def text(partner: Receiver, reference: str = '"env:PARTNER_SECRET"') -> str:
    site = SITE.replace("https://partner.example.org/in", f"{partner.url}in")
    keys = 'sealing_key = "env:SEALING_KEY"\negress_allow = ["127.0.0.0/8"]\n'
    return keys + site.replace('"env:PARTNER_SECRET"', reference)


def rotated(site: Served, query: str = "") -> str:
    answer = site.ask("POST", f"{ROTATE}{query}", "partner")
    assert answer.status == 200, answer.body
    return str(answer.json["secret"])


def sent(site: Served, partner: Receiver, name: str) -> Received:
    """Publish an article, and return what arrived of it."""
    site.publish(ARTICLE.format(id=name), name=name)
    site.work()
    return next(one for one in partner.received if one.headers["citewire-article"] == name)


def verifying(got: Received, *secrets: str) -> list[bool]:
    """Return with which of the secrets the message verifies. The library's own check of the time is not asked."""
    given = got.headers["webhook-signature"].split()
    at = dt.datetime.fromtimestamp(int(got.headers["webhook-timestamp"]), dt.UTC)
    return [Verifier(one).sign(got.headers["webhook-id"], at, got.body.decode()) in given for one in secrets]


def test_both_secrets_verify_until_the_overlap_ends(site: Served, partner: Receiver) -> None:
    assert verifying(sent(site, partner, "a"), CONFIGURED) == [True]
    first = rotated(site)
    assert verifying(sent(site, partner, "b"), first, CONFIGURED) == [True, True]
    site.clock.pass_(24 * 3600)
    assert verifying(sent(site, partner, "c"), first, CONFIGURED) == [True, False]
    second = rotated(site, "?overlap_hours=1")
    got = sent(site, partner, "d")
    assert verifying(got, second, first, CONFIGURED) == [True, True, False]
    assert len(got.headers["webhook-signature"].split()) == 2


def test_a_secret_that_leaked_ends_at_once_and_an_overlap_when_the_partner_says(
    site: Served, partner: Receiver
) -> None:
    leaked = rotated(site, "?overlap_hours=0")
    assert verifying(sent(site, partner, "a"), leaked, CONFIGURED) == [True, False]
    new = rotated(site)
    assert site.ask("GET", OWN, "partner").json["former_secrets_until"] is not None
    assert site.ask("POST", END, "partner").json["former_secrets_until"] is None
    assert verifying(sent(site, partner, "b"), new, leaked) == [True, False]
    before = audit(site)
    assert site.ask("POST", END, "partner").status == 200  # there is nothing left to end
    assert audit(site) == before


def test_the_secret_is_shown_once_and_lies_nowhere_in_the_ledger(site: Served) -> None:
    answer = site.ask("POST", ROTATE, "partner")
    assert "no-store" in answer.headers["cache-control"]
    secret = str(answer.json["secret"]).encode()
    again = [site.ask("GET", OWN, "partner"), site.ask("GET", "/v1/channels"), site.ask("GET", "/v1/operations")]
    assert all(secret not in one.body for one in again)
    with site.context.ledger.read() as transaction:
        for table in tables.metadata.sorted_tables:
            for row in transaction.execute(sa.select(table)):
                assert all(secret not in (cell if isinstance(cell, bytes) else str(cell).encode()) for cell in row)


def test_the_operator_sees_it_and_can_have_the_settings_secret_sign_again(site: Served, partner: Receiver) -> None:
    new = rotated(site, "?overlap_hours=0")
    (shown,) = (one for one in site.ask("GET", "/v1/channels").json["channels"] if one["channel"] == "partner")
    assert (shown["secret_rotated"], shown["former_secrets_until"]) == ("2026-03-01T12:00:00Z", None)
    ((kind, by), *_) = audit(site)
    assert (kind, by) == ("rotate", "of partner")
    for expected in (True, False):
        with site.context.ledger.write() as transaction:
            act = Act("op_drop", "citewire", site.clock())
            assert rotation.drop(transaction, act, "partner") is expected
    assert verifying(sent(site, partner, "a"), new, CONFIGURED) == [False, True]


def test_an_administrator_does_the_same_by_api(site: Served, partner: Receiver) -> None:
    answer = site.ask("POST", f"{CHANNEL}/rotate?overlap_hours=48")
    assert "no-store" in answer.headers["cache-control"]
    new = answer.json["secret"]
    assert answer.json["former_until"] == "2026-03-03T12:00:00Z"
    assert verifying(sent(site, partner, "a"), new, CONFIGURED) == [True, True]
    ended = [site.ask("POST", f"{CHANNEL}/end-former").json for _ in range(2)]
    assert [(one["changed"], one["operation"] is None) for one in ended] == [(True, False), (False, True)]
    assert ended[0]["health"]["former_secrets_until"] is None
    assert verifying(sent(site, partner, "b"), new, CONFIGURED) == [True, False]
    dropped = [site.ask("POST", f"{CHANNEL}/drop").json["changed"] for _ in range(2)]
    assert dropped == [True, False]
    assert verifying(sent(site, partner, "c"), new, CONFIGURED) == [False, True]
    assert audit(site) == [("rotate", "of root")] * 3


@pytest.mark.parametrize("step", ["rotate", "end-former", "drop"])
def test_no_operator_below_and_no_partner_does_it_for_others(site: Served, step: str) -> None:
    with site.context.ledger.write() as transaction:
        tokens.add(transaction, "night", name="night", scope="operator", now=site.clock())
    address = f"{CHANNEL}/{step}"
    assert [site.ask("POST", address, who).status for who in ("night", "cms", "partner", "nobody")] == [
        403,
        403,
        403,
        401,
    ]
    assert site.ask("POST", address.replace("/partner/", "/partnr/")).code == "unknown-channel"
    person = Person(site.app)
    person.sign_in("night")
    person.get("/console/channels/partner")
    assert not {"Make a new secret", "End the former secrets now"} & set(person.buttons)
    proof = person.form_of("Sign out")[1]["proof"]
    for page in ("partner", "reader"):
        address = f"/console/channels/{page}/secret/{step}"
        assert person.post(address, {"proof": proof, "overlap_hours": "1"}).status == 403
    assert audit(site) == []


def test_the_console_shows_the_new_secret_once(site: Served, partner: Receiver) -> None:
    person = Person(site.app)
    person.sign_in()
    person.get("/console/channels/partner")
    for hours in ("169", "-1", "nan", "soon", ""):
        refused = person.submit("Make a new secret", overlap_hours=hours)
        assert (refused.status, "overlap_hours: must be a number from 0 to 168" in person.words) == (422, True)
        person.get("/console/channels/partner")
    shown = person.submit("Make a new secret", overlap_hours="1.5")
    assert (shown.status, shown.headers["cache-control"]) == (200, "no-store")
    new = person.page.findtext(".//main//code")
    assert new is not None and new.startswith("whsec_")
    assert verifying(sent(site, partner, "a"), new, CONFIGURED) == [True, True]
    person.get("/console/channels/partner")
    assert new not in person.words and "Former secrets sign until" in person.words
    person.submit("End the former secrets now")
    assert "Former secrets sign until" not in person.words
    assert verifying(sent(site, partner, "b"), new, CONFIGURED) == [True, False]
    person.submit("Sign with the secret of the settings")
    assert person.at == "/console/channels/partner" and "Secret rotated" not in person.words
    assert verifying(sent(site, partner, "c"), new, CONFIGURED) == [False, True]
    person.get("/console/channels/reader")
    assert "Make a new secret" not in person.buttons


def test_it_can_be_done_only_so_often(site: Served) -> None:
    answers = [site.ask("POST", ROTATE, "partner") for _ in range(4)]
    assert [one.status for one in answers] == [200, 200, 200, 429]


@pytest.mark.parametrize("address", [ROTATE, END])
def test_nobody_else_may(site: Served, address: str) -> None:
    assert [site.ask("POST", address, who).status for who in ("reader", "cms", "nobody")] == [403, 403, 401]
    answer = asyncio.run(send(site.app, "POST", f"{address}?token=partner"))
    assert (answer.status, answer.code) == (401, "token-missing")
    other = site.ask("POST", address.replace("partners/partner", "partners/reader"), "reader")
    assert other.code == "nothing-signed"


def test_the_partners_own_signature_check_knows_the_new_secret(site: Served, partner: Receiver) -> None:
    rotated(site, "?overlap_hours=0")
    got = sent(site, partner, "a")
    headers = {name: value for name, value in got.headers.items() if name.startswith(("webhook-", "citewire-"))}
    headers["Authorization"] = "Bearer partner"
    assert asyncio.run(send(site.app, "POST", f"{OWN}/signature", body=got.body, headers=headers)).json["valid"]


def test_without_the_key_it_was_sealed_with_nothing_is_sent_and_the_mend_is_named(
    site: Served, partner: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = rotated(site, "?overlap_hours=0")
    monkeypatch.setenv("SEALING_KEY", base64.b64encode(b"o" * 32).decode())
    site.publish(ARTICLE.format(id="a"), name="a")
    site.work()
    assert partner.received == []
    (one,) = site.ask("GET", "/v1/deliveries?channel=partner").json["deliveries"]
    assert "citewire channels drop-secret partner" in one["error"]
    assert site.ask("GET", f"{OWN}/deliveries", "partner").json["deliveries"][0]["error"] == "secret-unusable"
    for _ in range(4):  # more than may be made in an hour: what makes none counts for none
        assert site.ask("POST", ROTATE, "partner").code == "not-served"
    monkeypatch.setenv("SEALING_KEY", KEY)
    site.clock.pass_(3600)
    site.work()
    assert verifying(partner.received[-1], new) == [True]


def test_settings_that_are_taken_up_again_leave_the_partners_secret(
    site: Served, partner: Receiver, tmp_path: Path
) -> None:
    new = rotated(site, "?overlap_hours=0")
    changed = tmp_path / "changed.toml"
    changed.write_text(text(partner) + "gzip = true\n")
    settings = load({"CITEWIRE_CONFIG": str(changed), "CITEWIRE_DATA": str(tmp_path / "var")})
    put_in_force(site.context.ledger, settings, by="test")
    got = sent(site, partner, "a")
    assert got.headers["content-encoding"] == "gzip"
    got = replace(got, body=gzip.decompress(got.body))
    assert verifying(got, new, CONFIGURED) == [True, False]


def test_the_next_partner_has_nothing_that_the_one_before_has_made_who_can_still_be_given_a_new_one(
    site: Served, partner: Receiver, tmp_path: Path
) -> None:
    made = rotated(site, "?overlap_hours=0")
    assert verifying(sent(site, partner, "a"), made) == [True]
    file = tmp_path / "next.toml"
    file.write_text(text(partner).replace(f"{partner.url}in", f"{partner.url}next"))
    settings = load({"CITEWIRE_CONFIG": str(file), "CITEWIRE_DATA": str(tmp_path / "var")})
    replaced(site.context.ledger, settings, "partner", by="test", now=site.clock())
    assert site.ask("GET", OWN, "partner").json["secret_rotated"] is None
    assert verifying(sent(site, partner, "b"), made, CONFIGURED) == [False, True]
    with site.context.ledger.read() as transaction:
        (left,) = places.every(transaction, states={"orphan"})
    answer = site.ask("POST", f"/v1/channels/{left.key}/secret/rotate?overlap_hours=0")
    assert answer.status == 200, answer.body
    site.withdraw("a")
    site.work()
    withdrawn = partner.received[-1]
    assert (withdrawn.path, withdrawn.headers["citewire-event"]) == ("/in", "withdrawn")
    assert verifying(withdrawn, answer.json["secret"], made, CONFIGURED) == [True, False, False]


def test_a_place_that_was_read_before_a_rotation_and_is_saved_after_it_keeps_the_new_secret(
    site: Served, partner: Receiver
) -> None:
    with site.context.ledger.read() as transaction:
        read = places.find(transaction, "partner")
    assert read is not None
    made = rotated(site, "?overlap_hours=0")
    with site.context.ledger.write() as transaction:
        places.save(transaction, structs.replace(read, filled_up_to="a"))  # as a page that was filled meanwhile does
    assert verifying(sent(site, partner, "a"), made, CONFIGURED) == [True, False]


def test_a_site_without_a_key_says_that_it_cannot_be_done(site: Served) -> None:
    site.app = create_app(replace(site.context, sealer=None), alive=list)
    answer = site.ask("POST", ROTATE, "partner")
    assert (answer.status, answer.code) == (409, "rotation-off")
    assert "operator" in answer.json["hint"]
    assert site.ask("POST", f"{CHANNEL}/rotate").code == "rotation-off"
    person = Person(site.app)
    person.sign_in()
    person.get("/console/channels/partner")
    assert "This site has no sealing_key" in person.words and "Make a new secret" not in person.buttons


def test_a_channel_with_a_private_key_shows_the_new_public_one(
    tmp_path: Path, partner: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PARTNER_SECRET": CONFIGURED, "PRIVATE": PRIVATE, "SEALING_KEY": KEY}.items():
        monkeypatch.setenv(name, value)
    own = text(partner, reference='["env:PRIVATE", "env:PARTNER_SECRET"]')
    with served(tmp_path, own, FORMATS, scripted=False) as site:
        shown = site.ask("POST", f"{ROTATE}?overlap_hours=0", "partner").json
        got = sent(site, partner, "a")
    assert verifying(got, shown["secret"], CONFIGURED) == [True, False]
    (ed25519,) = (one for one in got.headers["webhook-signature"].split() if one.startswith("v1a,"))
    content = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(shown["public_key"].removeprefix("whpk_")))
    key.verify(base64.b64decode(ed25519.removeprefix("v1a,")), content)


def audit(site: Served) -> list[tuple[str, str]]:
    with site.context.ledger.read() as transaction:
        return [(one.kind, one.by) for one in operations.newest(transaction, limit=10) if one.kind == "rotate"]
