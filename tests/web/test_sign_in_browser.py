"""Signing in at a provider and out again in a browser without scripts, under the policies that our pages have."""

from __future__ import annotations

from pathlib import Path

import pytest
from console_site import serving
from identity_provider import SECRET, identity_provider
from judges.browser import chromium, profile
from msgspec import structs
from playwright.sync_api import expect
from served import served
from test_sign_in_by_provider import SETTINGS, SITE, Minutes


def test_a_person_signs_in_at_the_provider_and_out_there_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    minutes = Minutes()
    with identity_provider(minutes, host="localhost") as idp:  # another site than 127.0.0.1, to the browser
        settings = SETTINGS.format(site=SITE, issuer=idp.address, console="http://127.0.0.1")
        with served(tmp_path, settings, formats=("html",)) as site, serving(site) as address, chromium() as browser:
            minutes.site = site
            provider = site.context.provider
            assert provider is not None
            provider.plan = structs.replace(provider.plan, console=address)
            page = profile(browser, java_script_enabled=False).new_page()
            page.goto(f"{address}/console/calendar")
            page.get_by_role("link", name="Sign in at localhost").click()
            expect(page.locator("h1")).to_have_text("Calendar")
            page.get_by_role("button", name="Sign out").click()
            page.wait_for_url("**/console/sign-in")
            assert "/logout" in idp.asked
            page.goto(f"{address}/console/calendar")
            expect(page.locator("h1")).to_have_text("Sign in")
