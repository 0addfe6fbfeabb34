"""Passkeys in Chromium, with an authenticator of its own: adding, signing in, out, and what a person is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from console_site import PASSKEYS, add_passkeys, console_site, serving
from judges.axe import axe_violations
from judges.browser import chromium
from judges.nu import nu_findings
from playwright.sync_api import Browser, expect
from served import Served
from test_console_browser import Window, in_every_way, look, window

from pipeline.identity.passkeys import PasskeyPlan
from pipeline.stages import acts
from pipeline.stages.acts import Act

DEVICE = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@contextmanager
def desk(folder: Path) -> Iterator[tuple[Served, str]]:
    """A site whose passkeys belong to `localhost`, which is served there."""
    with console_site(folder, PASSKEYS) as site, serving(site) as address:
        assert site.context.passkeys is not None
        own = address.replace("127.0.0.1", "localhost")
        site.context.passkeys.plan = PasskeyPlan(own, "Notes")
        yield site, own


class Device:
    """The authenticator of one window."""

    def __init__(self, shown: Window) -> None:
        self._session = shown.page.context.new_cdp_session(shown.page)
        self._session.send("WebAuthn.enable")
        self.id = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"]

    def verifies(self, is_so: bool) -> None:
        self._session.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": is_so})

    @property
    def credentials(self) -> list[dict[str, Any]]:
        found = self._session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})["credentials"]
        return list(found)


def invite(site: Served) -> None:
    """Invite Eve, with the secret `the-secret`."""
    with site.context.ledger.write() as transaction:
        act = Act("op_invited", "citewire passkeys invite", site.clock())
        ends = site.clock() + dt.timedelta(hours=24)
        acts.invite(transaction, act, "the-secret", name="Eve", role="operator", expires=ends)


def check(shown: Window, name: str, pictures: Path) -> None:
    """Check what is shown for everybody: to the eye, to a screen reader, and as HTML."""
    for way in in_every_way(shown):
        look(shown, f"{name}-{way}", pictures)
        assert axe_violations(shown.page) == [], (name, way)
    assert nu_findings(shown.page.content().encode()) == []


def press(shown: Window, button: str) -> None:
    shown.page.get_by_role("button", name=button, exact=True).click()


def test_every_step_can_be_read_and_keeps_nobody_out(browser: Browser, tmp_path: Path) -> None:
    """No device answers here: looking with axe takes it away."""
    with desk(tmp_path / "site") as (site, address), window(browser, address, scripts=True) as shown:
        add_passkeys(site)
        invite(site)
        shown.open("/console/sign-in")
        check(shown, "sign-in-with-passkeys", tmp_path)
        press(shown, "Sign in with a passkey")
        expect(shown.page.get_by_role("status")).to_contain_text("Waiting for your device")
        check(shown, "passkey", tmp_path)
        shown.open("/console/join#the-secret")
        check(shown, "join", tmp_path)
        press(shown, "Go on")
        check(shown, "passkey-join", tmp_path)
        shown.sign_in()
        shown.open("/console/passkeys")
        press(shown, "Add a passkey")
        check(shown, "passkey-add", tmp_path)
        shown.open("/console/passkeys")
        press(shown, "Make ten others, and end these")
        check(shown, "recovery-codes", tmp_path)


def test_a_person_adds_a_passkey_signs_out_and_in_with_it(browser: Browser, tmp_path: Path) -> None:
    with desk(tmp_path / "site") as (_, address), window(browser, address, width=1440, scripts=True) as shown:
        device = Device(shown)
        shown.sign_in()
        shown.open("/console/passkeys")
        shown.page.get_by_label("A name for the next passkey").fill("Laptop")
        press(shown, "Add a passkey")
        press(shown, "Make the passkey")
        expect(shown.page.locator("h1")).to_have_text("Your recovery codes")
        expect(shown.page.locator("ol code")).to_have_count(10)
        code = shown.page.locator("ol code").first.inner_text()
        (made,) = device.credentials
        assert made["isResidentCredential"] and made["rpId"] == "localhost"
        press(shown, "Sign out")
        expect(shown.page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
        for _ in range(2):
            shown.open("/console/calendar")
            press(shown, "Sign in with a passkey")
            expect(shown.page.locator("h1")).to_have_text("Calendar")
            press(shown, "Sign out")
        shown.page.locator("#token").fill(code)
        press(shown, "Sign in")
        shown.open("/console/passkeys")
        expect(shown.page.locator("main")).to_contain_text("9 codes left")
        shown.page.get_by_role("button", name="Remove passkey").click()
        press(shown, "Sign out")
        expect(shown.page.get_by_role("button", name="Sign in with a passkey")).to_have_count(0)


def test_somebody_who_is_not_verified_is_told_and_asked_again(browser: Browser, tmp_path: Path) -> None:
    with desk(tmp_path / "site") as (_, address), window(browser, address, width=1440, scripts=True) as shown:
        device = Device(shown)
        shown.sign_in()
        shown.open("/console/passkeys")
        press(shown, "Add a passkey")
        press(shown, "Make the passkey")
        expect(shown.page.locator("h1")).to_have_text("Your recovery codes")
        press(shown, "Sign out")
        device.verifies(False)
        press(shown, "Sign in with a passkey")
        expect(shown.page.get_by_role("status")).to_contain_text("No passkey was used")
        device.verifies(True)
        press(shown, "Use my passkey")
        expect(shown.page.locator("nav")).to_be_visible()


def test_the_link_of_an_invitation_makes_a_person(browser: Browser, tmp_path: Path) -> None:
    with desk(tmp_path / "site") as (site, address), window(browser, address, width=390, scripts=True) as shown:
        invite(site)
        asked: list[str] = []
        shown.page.on("request", lambda request: asked.append(request.url))
        Device(shown)
        shown.open("/console/join#the-secret")
        expect(shown.page.get_by_label("Your invitation")).to_have_value("the-secret")
        assert "the-secret" not in shown.page.url
        press(shown, "Go on")
        expect(shown.page.locator("main")).to_contain_text("You are invited as Eve, with the role operator.")
        press(shown, "Make the passkey")
        expect(shown.page.locator("h1")).to_have_text("Your recovery codes")
        shown.page.get_by_role("link", name="I have kept them").click()
        expect(shown.page.locator("header")).to_contain_text("Eve")
        assert not [one for one in asked if "the-secret" in one.partition("#")[0]]


def test_at_another_address_people_are_told_where_their_passkeys_belong(browser: Browser, tmp_path: Path) -> None:
    with desk(tmp_path / "site") as (_, address):
        other = address.replace("localhost", "127.0.0.1")
        with window(browser, other, width=1440, scripts=True) as shown:
            shown.sign_in()
            shown.open("/console/passkeys")
            press(shown, "Add a passkey")
            press(shown, "Make the passkey")
            expect(shown.page.get_by_role("status")).to_contain_text(f"Passkeys of this site belong to {address}")


def test_without_scripts_people_are_told_of_the_other_ways(browser: Browser, tmp_path: Path) -> None:
    with desk(tmp_path / "site") as (_, address), window(browser, address, width=390) as shown:
        shown.sign_in()
        shown.open("/console/passkeys")
        press(shown, "Add a passkey")
        expect(shown.page.get_by_text("Passkeys need JavaScript.")).to_be_visible()
        look(shown, "passkey-without-scripts", tmp_path)
        expect(shown.page.get_by_role("button", name="Make the passkey")).to_be_disabled()
