"""The partner's guide: its code checks what the webhook channel really sends, and drops what it should."""

from __future__ import annotations

import datetime as dt
import ipaddress
import time
from collections.abc import Mapping
from typing import Any

import pytest
from documents import DOCS, block

from pipeline.channels.webhook import CHANNEL, WebhookSettings
from pipeline.http import EgressGuard, Http
from pipeline.model.delivery import Parcel
from pipeline.model.rendition import Rendition
from standins.receiver import Received, Receiver, new_secret


def parcel() -> Parcel:
    return Parcel(
        message_id="msg_a.1",
        article_id="a",
        title="A",
        revision=1,
        event="published",
        rendition=Rendition("ninjs", "application/json", "{«a» 🧠}".encode()),
        extension="ninjs",
        at=dt.datetime.now(dt.UTC),
    )


def example(name: str) -> dict[str, Any]:
    """The names that an example defines."""
    names: dict[str, Any] = {}
    exec(compile(block(DOCS / "partners.md", "python", name), name, "exec"), names)  # noqa: S102
    return names


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


def test_a_delivery_passes_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = new_secret()
    one = sent({"NOW": secret}, monkeypatch)
    assert example("verify.py")["verify"](secret, one.headers, one.body) == one.headers["webhook-id"]


def test_while_a_secret_is_changed_either_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    new, old = new_secret(), new_secret().removeprefix("whsec_")
    one = sent({"NEW": new, "OLD": old}, monkeypatch)
    verify = example("verify.py")["verify"]
    assert verify(new, one.headers, one.body) == verify(old, one.headers, one.body)


@pytest.mark.parametrize("what", ["body", "id", "age", "secret"])
def test_what_was_changed_is_old_or_was_signed_by_another_is_refused(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = new_secret()
    one = sent({"NOW": secret}, monkeypatch)
    headers = dict(one.headers)
    body = one.body + b" " if what == "body" else one.body
    if what == "id":
        headers["webhook-id"] += "0"
    if what == "age":
        later = time.time() + 301
        monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(ValueError, match=r"secret|old"):
        example("verify.py")["verify"](new_secret() if what == "secret" else secret, headers, body)


def test_copies_and_what_is_older_are_dropped() -> None:
    is_new = example("receive.py")["is_new"]
    held: dict[str, int] = {}
    coming = [("a", 1), ("a", 1), ("a", 3), ("b", 2), ("a", 2), ("a", 4)]
    taken = [is_new(held, {"citewire-article": id, "citewire-revision": str(number)}) for id, number in coming]
    assert taken == [True, False, True, True, False, True]
