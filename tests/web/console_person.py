"""Somebody at the console: keeps the cookie, follows links and sends forms as a browser without scripts does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urljoin

from asgi import HOST, Answer, send
from fastapi import FastAPI
from lxml import html

OURS = {"Sec-Fetch-Site": "same-origin", "Origin": f"http://{HOST}"}
FORM = "application/x-www-form-urlencoded"


@dataclass
class Person:
    app: FastAPI
    cookies: dict[str, str] = field(default_factory=dict)
    at: str = ""  # the page that is shown
    shown: Answer | None = None

    def get(self, address: str) -> Answer:
        return self._follow("GET", address)

    def post(self, address: str, fields: Mapping[str, str], headers: Mapping[str, str] = OURS) -> Answer:
        """Send a form and follow where it leads."""
        return self._follow("POST", address, urlencode(fields).encode(), {"Content-Type": FORM} | dict(headers))

    def sign_in(self, name: str = "root") -> Answer:
        self.get("/console/sign-in")
        return self.submit("Sign in", token=name)

    def submit(self, button: str, **fields: str) -> Answer:
        """Press the button on the page that is shown, after filling in these fields."""
        address, given = self.form_of(button)
        return self.post(address, given | fields)

    def form_of(self, button: str) -> tuple[str, dict[str, str]]:
        for form in self.page.iter("form"):
            if any(text(one) == button for one in form.iter("button")):
                fields = {one.get("name"): one.get("value", "") for one in form.iter("input") if one.get("name")}
                return urljoin(self.at, form.get("action", "")), fields
        raise AssertionError(f"no button {button!r}: {self.buttons}")

    @property
    def page(self) -> html.HtmlElement:
        assert self.shown is not None
        return html.fromstring(self.shown.body.decode())

    @property
    def buttons(self) -> list[str]:
        return [text(one) for one in self.page.iter("button")]

    @property
    def heading(self) -> str:
        return text(self.page.find(".//h1"))

    @property
    def words(self) -> str:
        return text(self.page.find(".//main"))

    def links(self) -> list[str]:
        return [urljoin(self.at, one.get("href")) for one in self.page.iter("a")]

    def _follow(self, method: str, address: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        answer = asyncio.run(send(self.app, method, address, body=body, headers=self._with_cookies(headers or {})))
        for cookie in answer.headers.get("set-cookie", "").splitlines():
            self._take(cookie)
        if answer.status == 303:
            next = urljoin(address, answer.headers["location"])
            if next.startswith("/"):
                return self._follow("GET", next)
            address = next  # another site's, which is not followed
        self.at, self.shown = address, answer
        return answer

    def _with_cookies(self, headers: Mapping[str, str]) -> dict[str, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return dict(headers) | ({"Cookie": cookie} if cookie else {})

    def _take(self, cookie: str) -> None:
        pair, *attributes = cookie.split("; ")
        name, _, value = pair.partition("=")
        if "Max-Age=0" in attributes:
            self.cookies.pop(name, None)
        elif name:
            self.cookies[name] = value


def text(element: html.HtmlElement | None) -> str:
    assert element is not None
    return re.sub(r"\s+", " ", element.text_content()).strip()
