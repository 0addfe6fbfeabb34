"""The partner's guide: its code checks what the webhook channel really sends, and drops what it should."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import ipaddress
import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from documents import DOCS, block
from judges import presence

from pipeline.channels.webhook import CHANNEL, WebhookSettings
from pipeline.channels.webhook.signing import message_id, new_private_key, new_secret, read_signer, signed
from pipeline.http import EgressGuard, Http
from pipeline.model.delivery import Parcel
from pipeline.model.rendition import Rendition
from standins.receiver import Received, Receiver


def parcel() -> Parcel:
    return Parcel(
        message_id="msg_0a1b.12.3fe8ab12",
        article_id="baclofen-for-spasticity",
        title="Baclofen",
        revision=12,
        event="updated",
        rendition=Rendition("ninjs", "application/json", "{«a» 🧠}".encode()),
        extension="ninjs",
        at=dt.datetime.now(dt.UTC),
    )


def sent(secrets: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Received:
    """A delivery as it came, signed with these."""
    for name, secret in secrets.items():
        monkeypatch.setenv(name, secret)
    with Receiver() as receiver:
        settings = WebhookSettings.model_validate({"url": receiver.url, "secret": [f"env:{name}" for name in secrets]})
        http = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
        CHANNEL.open(settings, http).deliver(parcel())
        http.close()
    (received,) = receiver.received
    return received


def example(name: str) -> dict[str, Any]:
    """The names that an example in Python defines."""
    names: dict[str, Any] = {}
    exec(compile(block(DOCS / "partners.md", "python", name), name, "exec"), names)  # noqa: S102
    return names


def _in_python(key: str, headers: Mapping[str, str], body: bytes, folder: Path) -> list[Any]:
    return list(example("verify.py")["verify"](key, headers, body))


def _in_javascript(key: str, headers: Mapping[str, str], body: bytes, folder: Path) -> list[Any]:
    (folder / "verify.js").write_text(block(DOCS / "partners.md", "js", "verify.js"))
    run = "const g = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
    run += "console.log(JSON.stringify(require('./verify.js')"
    run += ".verify(g.key, g.headers, Buffer.from(g.body, 'base64'))))"
    return _answer(["node", "-e", run], folder, key, headers, body)


def _in_php(key: str, headers: Mapping[str, str], body: bytes, folder: Path) -> list[Any]:
    (folder / "verify.php").write_text(block(DOCS / "partners.md", "php", "verify.php"))
    run = "require './verify.php'; $g = json_decode(stream_get_contents(STDIN), true);"
    run += "echo json_encode(verify($g['key'], $g['headers'], base64_decode($g['body'])));"
    return _answer(["php", "-r", run], folder, key, headers, body)


def _answer(command: list[str], folder: Path, key: str, headers: Mapping[str, str], body: bytes) -> list[Any]:
    """Return the JSON that a program prints. Raises ValueError with its message if it fails."""
    given = json.dumps({"key": key, "headers": dict(headers), "body": base64.b64encode(body).decode()})
    done = subprocess.run(command, check=False, input=given, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(done.stdout + done.stderr)
    return list(json.loads(done.stdout))


LANGUAGES = {
    "python": (_in_python, new_secret),
    "javascript": (_in_javascript, new_secret),
    "php": (_in_php, new_private_key),
}
Verifier = Callable[[str, Mapping[str, str], bytes], list[Any]]


@pytest.fixture(params=list(LANGUAGES))
def language(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "javascript":
        presence.program("node", hint="apt-get install nodejs")
    if name == "php":
        presence.program("php", hint="apt-get install php-cli")
    return name


@pytest.fixture
def verifier(language: str, tmp_path: Path) -> Verifier:
    return functools.partial(_call, LANGUAGES[language][0], tmp_path)


def _call(verify: Callable[..., list[Any]], folder: Path, key: str, headers: Mapping[str, str], body: bytes) -> Any:
    return verify(key, headers, body, folder)


@pytest.fixture
def secret(language: str) -> str:
    return LANGUAGES[language][1]()


def shared_with_the_partner(secret: str) -> str:
    """What the partner verifies with: the public key, or the secret itself."""
    return read_signer(secret).public or secret


def test_a_delivery_passes_the_check_and_says_what_it_is(
    verifier: Verifier, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = sent({"NOW": secret}, monkeypatch)
    got = verifier(shared_with_the_partner(secret), one.headers, one.body)
    assert got == ["updated", "baclofen-for-spasticity", 12]


def test_an_article_whose_id_contains_dots_is_told_whole(verifier: Verifier, secret: str) -> None:
    one = replace(parcel(), article_id="version-2.1.final")
    named = {"citewire-event": "updated", "citewire-article": one.article_id, "citewire-revision": "12"}
    headers = {**signed(message_id(one), int(time.time()), b"{}", [read_signer(secret)]), **named}
    assert verifier(shared_with_the_partner(secret), headers, b"{}") == ["updated", "version-2.1.final", 12]


def test_while_a_secret_is_changed_either_is_enough(
    verifier: Verifier, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, old = (LANGUAGES[language][1]() for _ in range(2))
    one = sent({"NEW": new, "OLD": old}, monkeypatch)
    for secret in (new, old):
        assert verifier(shared_with_the_partner(secret), one.headers, one.body)[2] == 12


@pytest.mark.parametrize(
    "what",
    ["body", "webhook-id", "webhook-timestamp", "secret", "citewire-event", "citewire-article", "citewire-revision"],
)
def test_a_delivery_that_was_changed_in_any_part_or_kept_back_is_refused(
    verifier: Verifier, language: str, secret: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = sent({"NOW": secret}, monkeypatch)
    headers = dict(one.headers)
    body = one.body + b" " if what == "body" else one.body
    if what == "secret":
        secret = LANGUAGES[language][1]()
    elif what == "webhook-timestamp":
        old = signed(headers["webhook-id"], int(time.time()) - 301, body, [read_signer(secret)])
        headers.update(old)
    elif what == "citewire-event":
        headers[what] = "withdrawn"
    elif what != "body":
        headers[what] += "0"
    with pytest.raises(ValueError, match=r"secret|old|key|headers"):
        verifier(shared_with_the_partner(secret), headers, body)


def test_copies_and_what_is_older_are_dropped() -> None:
    is_new = example("receive.py")["is_new"]
    held: dict[str, int] = {}
    coming = [("a", 1), ("a", 1), ("a", 3), ("b", 2), ("a", 2), ("a", 4)]
    taken = [is_new(held, id, number) for id, number in coming]
    assert taken == [True, False, True, True, False, True]
