"""Signing in at a provider of identities: who comes in, as whom, and what keeps everybody else out."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from asgi import Answer
from console_person import Person
from identity_provider import CLIENT, DISCOVERY, SECRET, Claims, Idp, identity_provider, rsa_key, unsigned
from identity_provider import signed_with_the_secret as with_the_secret
from joserfc.jwk import ECKey
from msgspec import structs
from served import SITE, Served, served
from waiting import until

from pipeline.errors import TransientError
from pipeline.identity import provider as providing
from pipeline.ledger import operations
from pipeline.model.policy import SessionLimits
from pipeline.web.app import create_app

CONSOLE = "http://127.0.0.1"
SETTINGS = """
egress_allow = ["127.0.0.0/8"]
{site}
[web.oidc]
issuer = "{issuer}"
client_id = "citewire"
client_secret = "env:OIDC_SECRET"
console_url = "{console}"
role_claim = "groups"
roles = {{ editors = "editor", "news/admins" = "admin", readers = "viewer" }}
"""


class Minutes:
    """The provider's clock, once there is a site whose time it follows."""

    site: Served | None = None

    def __call__(self) -> int:
        assert self.site is not None
        return int(self.site.clock().timestamp())


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Idp]]:
    minutes = Minutes()
    with identity_provider(minutes) as idp, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OIDC_SECRET", SECRET)
        settings = SETTINGS.format(site=SITE, issuer=idp.address, console=CONSOLE)
        with served(tmp_path_factory.mktemp("provider"), settings, formats=("html",)) as site:
            minutes.site = site
            yield site, idp


@pytest.fixture
def idp(both: tuple[Served, Idp]) -> Idp:
    """The provider, well-behaved again."""
    idp = both[1]
    idp.hanging.set()
    idp.__init__(idp.address, idp.now)  # type: ignore[misc] # as it was made
    return idp


@pytest.fixture
def site(both: tuple[Served, Idp], idp: Idp) -> Served:
    """The site, which knows nothing of the provider yet, a minute later."""
    site = both[0]
    site.clock.pass_(60)
    assert site.context.provider is not None
    plan = structs.replace(site.context.provider.plan, role_claim="groups")
    site.context = replace(site.context, provider=providing.Provider(plan, site.context.provider._http))
    site.app = create_app(site.context, alive=list)
    return site


def browse(address: str) -> str:
    """Open a page of the provider; return where it leads."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 302
    return str(answer.headers["Location"])


def leave(site: Served, next: str = "") -> tuple[Person, str]:
    """Follow the link on the page for signing in; return the person, and where the provider is."""
    person = Person(site.app)
    person.get(f"/console/sign-in?next={next}")
    (link,) = [one for one in person.links() if "/sign-in/provider" in one]
    person.get(link)
    return person, person.at


def come_back(person: Person, address: str) -> Answer:
    parts = urlsplit(browse(address))
    assert f"{parts.scheme}://{parts.netloc}" == CONSOLE
    return person.get(f"{parts.path}?{parts.query}")


def sign_in(site: Served, next: str = "") -> Person:
    person, address = leave(site, next)
    come_back(person, address)
    return person


def is_refused(person: Person, code: str) -> bool:
    assert person.heading == "Sign in"
    assert not any("sign-in" not in name for name in person.cookies), "no session has begun"
    return code in person.words


def test_somebody_whom_the_provider_knows_comes_in_with_the_role_of_their_groups(site: Served, idp: Idp) -> None:
    idp.person["groups"] = ["staff", "readers", "editors"]
    person = sign_in(site, "/console/calendar")
    assert (person.at, person.heading) == ("/console/calendar", "Calendar")
    assert [one.text for one in person.page.findall(".//header//small")] == ["editor"]
    assert list(person.cookies) == ["citewire-console"], "the attempt's cookie is gone"
    with site.context.ledger.read() as transaction:
        newest = max(operations.newest(transaction, limit=9), key=lambda one: one.at)
    assert (newest.kind, newest.by) == ("sign-in", f"Ada ({idp.address}, subject 248289761001)")


def test_the_request_has_what_the_standard_asks_for_and_never_the_secret(site: Served, idp: Idp) -> None:
    _, address = leave(site)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert asked.pop("state") != asked.pop("nonce")
    assert len(asked.pop("code_challenge")) == 43
    assert asked == {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": f"{CONSOLE}/console/sign-in/callback",
        "scope": "openid profile",
        "code_challenge_method": "S256",
    }


def test_what_a_person_does_is_recorded_with_issuer_and_subject(site: Served, idp: Idp) -> None:
    idp.person |= {"groups": "news/admins", "name": "root (https://evil.example, subject 1)"}
    person = sign_in(site, "/console/channels/reader")
    person.submit("Pause", reason="Maintenance")
    with site.context.ledger.read() as transaction:
        (pause,) = [one for one in operations.newest(transaction, limit=9) if one.kind == "pause"]
    assert pause.by.endswith(f" ({idp.address}, subject 248289761001)")


def test_people_of_one_name_are_two_and_a_person_with_two_names_is_one(site: Served, idp: Idp) -> None:
    laptop = sign_in(site)
    idp.person["name"] = "Ada King"
    phone = sign_in(site)
    idp.person |= {"sub": "another", "name": "Ada"}
    namesake = sign_in(site, "/console/sessions")
    assert len([one for one in namesake.buttons if one.startswith("End session")]) == 1
    phone.get("/console/sessions")
    phone.submit("Sign out everywhere")
    for person, expected in ((laptop, "Sign in"), (namesake, "Calendar")):
        person.get("/console/calendar")
        assert person.heading == expected


@pytest.mark.parametrize("groups", [None, [], ["staff"], "Editors", {"editors": True}, ["staff", 7, None]])
def test_somebody_without_a_mapped_role_is_told_so_and_stays_outside(site: Served, idp: Idp, groups: object) -> None:
    idp.person["groups"] = groups
    person = sign_in(site)
    assert person.shown is not None and person.shown.status == 403
    assert is_refused(person, "no-role")
    assert "You are known to the sign-in service as Ada" in person.words


def test_roles_in_a_claim_within_a_claim_are_found(site: Served, idp: Idp) -> None:
    assert site.context.provider is not None
    site.context.provider.plan = structs.replace(site.context.provider.plan, role_claim="realm_access.roles")
    idp.person["realm_access"] = {"roles": ["editors"]}
    assert sign_in(site).heading != "Sign in"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\u202eadA\n\x00 King", "adA King"),
        ("", "ada@news.example"),
        (7, "ada@news.example"),
        ("A" * 5_000, "A" * 100),
        ("نیلوفر می\u200cخواهد", "نیلوفر می\u200cخواهد"),
    ],
)
def test_a_name_is_one_line_that_can_be_shown(site: Served, idp: Idp, name: object, shown: str) -> None:
    idp.person |= {"name": name, "email": "ada@news.example"}
    person = sign_in(site)
    assert [one.text for one in person.page.findall(".//header//a/bdi")][-1] == shown


def claims(**values: object) -> Callable[[Claims], Claims]:
    return lambda given: {name: value for name, value in (given | values).items() if value is not None}


def shifted(**seconds: int) -> Callable[[Claims], Claims]:
    return lambda given: given | {name: given["iat"] + more for name, more in seconds.items()}


WRONG: dict[str, Callable[[Claims], Claims]] = {
    "another nonce": claims(nonce="another"),
    "no nonce": claims(nonce=None),
    "another audience": claims(aud="another-client"),
    "no audience": claims(aud=None),
    "more audiences and no word for whom": claims(aud=[CLIENT, "another"]),
    "for another party": claims(aud=[CLIENT, "another"], azp="another"),
    "another issuer": claims(iss="https://evil.example"),
    "no subject": claims(sub=None),
    "an empty subject": claims(sub=""),
    "a subject with a line break": claims(sub="1\n2"),
    "a subject that is a number": claims(sub=7),
    "a subject that is too long": claims(sub="1" * 256),
    "expired": shifted(exp=-61),
    "no expiry": claims(exp=None),
    "an expiry in words": claims(exp="tomorrow"),
    "not valid yet": shifted(nbf=120),
    "made in the future": shifted(iat=120),
    "another access token": claims(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=list(WRONG))
def test_an_id_token_that_does_not_hold_opens_nothing(
    site: Served, idp: Idp, change: Callable[[Claims], Claims]
) -> None:
    idp.change = change
    person = sign_in(site)
    assert person.shown is not None and person.shown.status == 403
    assert is_refused(person, "identity-refused")


def test_two_clocks_may_differ_by_a_minute(site: Served, idp: Idp) -> None:
    for change in (shifted(iat=59, nbf=59, exp=300), shifted(iat=-300, exp=-59)):
        idp.change = change
        assert sign_in(site).heading != "Sign in"


FORGED: dict[str, Callable[[Idp], Callable[[Claims], str]]] = {
    "unsigned": lambda _: unsigned,
    "signed with the client's secret": lambda _: with_the_secret,
    "signed with another's key": lambda _: Idp("", int, key=rsa_key("second")).signed,
    "signed with another's key under the name of ours": lambda idp: (
        lambda given: (
            idp.signed(given).rpartition(".")[0] + "." + Idp("", int, key=rsa_key("second")).signed(given).split(".")[2]
        )
    ),
    "garbage": lambda _: lambda _: "a.b.c",
    "nothing": lambda _: lambda _: "",
    "long": lambda _: lambda _: "a" * 200_000,
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=list(FORGED))
def test_a_forged_id_token_opens_nothing(
    site: Served, idp: Idp, forge: Callable[[Idp], Callable[[Claims], str]]
) -> None:
    idp.sign = forge(idp)
    person = sign_in(site)
    assert is_refused(person, "identity-refused") or is_refused(person, "provider-invalid")


def test_keys_may_be_rotated_while_the_site_runs(site: Served, idp: Idp) -> None:
    assert sign_in(site).heading != "Sign in"
    idp.key = rsa_key("second")
    assert is_refused(sign_in(site), "identity-refused"), "they were fetched this very moment"
    site.clock.pass_(10)
    assert sign_in(site).heading != "Sign in"
    idp.key, idp.alg = ECKey.generate_key("P-256", {"kid": "third"}), "ES256"
    site.clock.pass_(10)
    assert sign_in(site).heading != "Sign in"
    fetched = idp.asked.count(DISCOVERY)
    assert sign_in(site).heading != "Sign in"
    assert idp.asked.count(DISCOVERY) == fetched, "what is known is not fetched again"


def test_keys_that_cannot_be_used_are_left_out(site: Served, idp: Idp) -> None:
    strange: list[Claims] = [{"kty": "AKP", "kid": "first"}, {"kty": "RSA", "n": "!"}, {"kty": 7}, {}]
    idp.published = [*strange, idp.key.as_dict(private=False)]
    assert sign_in(site).heading != "Sign in"
    idp.published = strange
    site.clock.pass_(3_601)
    assert Person(site.app).get("/console/sign-in/provider").status == 502


UNUSABLE: dict[str, Callable[[Idp], None]] = {
    "another issuer in its metadata": lambda idp: idp.metadata.update(issuer="https://evil.example"),
    "a token endpoint in plain text": lambda idp: idp.metadata.update(token_endpoint="http://idp.example/token"),
    "keys at no address": lambda idp: idp.metadata.update(jwks_uri="file:///etc/passwd"),
    "no keys": lambda idp: idp.answers.update({"/keys": (200, b'{"keys": []}')}),
    "no JSON": lambda idp: idp.answers.update({DISCOVERY: (200, b"<html>")}),
    "deep JSON": lambda idp: idp.answers.update({DISCOVERY: (200, b"[" * 100_000)}),
    "a large document": lambda idp: idp.answers.update({DISCOVERY: (200, b" " * 300_000)}),
    "not found": lambda idp: idp.answers.update({DISCOVERY: (404, b"")}),
    "no way to send the secret": lambda idp: idp.metadata.update(
        token_endpoint_auth_methods_supported=["private_key_jwt"]
    ),
}


@pytest.mark.parametrize("make", UNUSABLE.values(), ids=list(UNUSABLE))
def test_a_provider_that_cannot_be_used_is_a_page_that_says_so(
    site: Served, idp: Idp, make: Callable[[Idp], None]
) -> None:
    make(idp)
    person = Person(site.app)
    assert person.get("/console/sign-in/provider").status == 502
    assert "The sign-in service cannot be used now" in person.words
    assert person.sign_in().status == 200, "a token still opens the console"


def test_a_provider_that_is_down_or_hangs_is_a_page_after_a_while(
    site: Served, idp: Idp, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.http import Limits
    from pipeline.identity import published

    monkeypatch.setattr(published, "LIMITS", Limits(connect=60, read=60, total=60))
    idp.answers[DISCOVERY] = (503, b"")
    person = Person(site.app)
    assert person.get("/console/sign-in/provider").status == 503
    assert "provider-unavailable" in person.words
    monkeypatch.setattr(published, "LIMITS", Limits(connect=60, read=0.2, total=0.4))
    idp.hangs = DISCOVERY
    assert person.get("/console/sign-in/provider").status == 503
    assert "timeout" in person.words


def test_a_provider_that_hangs_takes_a_few_threads_only(site: Served, idp: Idp) -> None:
    provider = site.context.provider
    assert provider is not None
    for _ in range(providing._TOGETHER):
        assert provider._free.acquire(blocking=False)
    person = Person(site.app)
    assert person.get("/console/sign-in/provider").status == 503
    assert "sign-in-busy" in person.words and idp.asked == []


def test_a_private_address_is_reached_only_if_the_settings_allow_it(site: Served, idp: Idp) -> None:
    from pipeline.http import EgressGuard, Http

    assert site.context.provider is not None
    guarded = providing.Provider(site.context.provider.plan, Http(EgressGuard()))
    person = Person(create_app(replace(site.context, provider=guarded), alive=list))
    assert person.get("/console/sign-in/provider").status == 502
    assert "egress-refused" in person.words and "127.0.0.1 may not" not in person.words
    assert idp.asked == []


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, b'{"error": "invalid_grant"}', "provider-refused"),
        (400, b'{"error": "<script>"}', "provider-refused"),
        (200, b'{"access_token": "only"}', "provider-invalid"),
        (200, b"<html>", "provider-invalid"),
        (200, b'{"id_token": 7}', "provider-invalid"),
        (500, b"", "provider-unavailable"),
        (302, b"", "provider-invalid"),
    ],
)
def test_a_token_endpoint_that_says_no_opens_nothing(
    site: Served, idp: Idp, status: int, body: bytes, code: str
) -> None:
    idp.answers["/token"] = (status, body)
    person = sign_in(site)
    assert is_refused(person, code)
    assert person.shown is not None and b"<script>" not in person.shown.body


def test_a_secret_may_be_sent_in_the_form_where_the_provider_takes_no_other_way(site: Served, idp: Idp) -> None:
    idp.metadata["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    assert sign_in(site).heading != "Sign in"


def test_a_code_of_another_browser_or_another_attempt_opens_nothing(site: Served, idp: Idp) -> None:
    mallory, address = leave(site)
    back = urlsplit(browse(address))
    victim, _ = leave(site)
    for person in (victim, Person(site.app)):
        assert person.get(f"{back.path}?{back.query}").status == 403
        assert is_refused(person, "sign-in-not-begun")
    assert "/token" not in idp.asked
    mallory.get(f"{back.path}?{back.query}")
    assert mallory.heading != "Sign in"
    again = Person(site.app, dict(leave(site)[0].cookies))
    assert again.get(f"{back.path}?{back.query}").status == 403


def test_the_answer_of_another_provider_is_refused(site: Served, idp: Idp) -> None:
    person, address = leave(site)
    back = browse(address)
    idp_named = back.partition("iss=")[2].partition("&")[0]
    parts = urlsplit(back.replace(idp_named, "https%3A%2F%2Fevil.example"))
    assert person.get(f"{parts.path}?{parts.query}").status == 403
    assert is_refused(person, "identity-refused")
    assert "/token" not in idp.asked


@pytest.mark.parametrize(("error", "said"), [("access_denied", "access_denied"), ("<b>pay here</b>", "unknown error")])
def test_a_person_who_gives_up_at_the_provider_is_back_at_the_door(
    site: Served, idp: Idp, error: str, said: str
) -> None:
    idp.error = error
    person = sign_in(site)
    assert is_refused(person, "provider-refused")
    assert said in person.words and "pay here" not in person.words


def test_signing_out_here_leads_on_to_signing_out_there(site: Served, idp: Idp) -> None:
    person = sign_in(site)
    person.submit("Sign out")
    assert (person.heading, person.cookies) == ("Signed out", {})
    refresh = person.page.find(".//meta[@http-equiv='refresh']")
    assert refresh is not None
    address = refresh.get("content", "").partition("url=")[2]
    assert address in person.links()
    assert address.startswith(f"{idp.address}/logout?client_id={CLIENT}&")
    assert browse(address) == f"{CONSOLE}/console/sign-in"
    person.get("/console")
    assert person.heading == "Sign in"


def test_signing_out_needs_no_provider(site: Served, idp: Idp) -> None:
    person = sign_in(site)
    site.clock.pass_(3_000)
    idp.answers[DISCOVERY] = (500, b"")
    person.get("/console")
    site.clock.pass_(3_000)
    person.submit("Sign out")
    assert "You may still be signed in" in person.words
    person.get("/console")
    assert person.heading == "Sign in"


def test_a_session_has_ended_while_the_provider_is_still_asked(site: Served, idp: Idp) -> None:
    person = sign_in(site)
    site.clock.pass_(3_000)
    person.get("/console")
    site.clock.pass_(3_000)
    person.get("/console")
    idp.hangs, before = DISCOVERY, len(idp.asked)
    thief = Person(site.app, dict(person.cookies))
    leaving = threading.Thread(target=person.submit, args=("Sign out",))
    leaving.start()
    until(lambda: len(idp.asked) > before)
    thief.get("/console")
    idp.hanging.set()
    leaving.join()
    assert (thief.heading, person.heading) == ("Sign in", "Signed out")


def test_the_sessions_of_a_provider_end_with_its_settings(site: Served, idp: Idp) -> None:
    person = sign_in(site)
    for issuer in (None, "https://other.example"):
        policy = replace(site.context.policy, sessions=SessionLimits(issuer=issuer))
        person.app = create_app(replace(site.context, policy=policy), alive=list)
        person.get("/console/calendar")
        assert person.heading == "Sign in"


def test_there_is_no_such_page_without_a_provider(site: Served) -> None:
    person = Person(create_app(replace(site.context, provider=None), alive=list))
    person.get("/console/sign-in")
    assert not any("provider" in one for one in person.links())
    for path in ("provider", "callback?code=1&state=2"):
        assert person.get(f"/console/sign-in/{path}").status == 404


def test_nobody_comes_in_once_a_newer_release_has_the_ledger(site: Served) -> None:
    held = replace(site.context, hold=lambda: TransientError("too new", code="ledger-too-new"))
    person, address = leave(site)
    person.app = create_app(held, alive=list)
    assert come_back(person, address).status == 503


def test_attempts_are_slowed_down(site: Served) -> None:
    statuses = [Person(site.app).get("/console/sign-in/callback").status for _ in range(21)]
    assert statuses == [403] * 20 + [429]
