"""One article, its correction and its withdrawal, to every platform at once, from a whole running system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from made_keys import certificate, pem_of, rsa_key
from running import Running, article, system
from smtp_server import Mailbox, mail_server
from waiting import PATIENCE

from standins.amp_cache import AmpCache
from standins.announced import IndexNowEngine, PublicHub
from standins.apple_news import AppleNews
from standins.endpoint import Reply
from standins.eutils import EutilsStandin

HOST = "notes.example.org"
READER = "desk@partner.example.org"
CHANNELS = """
[[channels]]
id = "apple"
type = "apple-news"
url = "{apple}"
channel_id = "{channel_id}"
key_id = "env:APPLE_KEY"
secret = "env:APPLE_SECRET"

[[channels]]
id = "amp"
type = "amp-cache"
key = "env:AMP_KEY"
caches = [{{ id = "stand-in", address = "{amp}/{{subdomain}}" }}]

[[channels]]
id = "search"
type = "indexnow"
key = "0123456789abcdef"
url = "{indexnow}"

[[channels]]
id = "hub"
type = "websub"
hub = "{hub}"

[[channels]]
id = "mail"
type = "email"
host = "127.0.0.1"
port = {smtp}
ca_file = "{ca_file}"
sender = "news@notes.example.org"
recipients = ["desk@partner.example.org"]
"""


@dataclass
class Platforms:
    running: Running
    apple: AppleNews
    amp: AmpCache
    search: IndexNowEngine
    hub: PublicHub
    box: Mailbox

    def subjects(self) -> list[str]:
        return [str(message["Subject"]) for message in self.box.of(READER)]


@pytest.fixture
def platforms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platforms]:
    """They find the site's own addresses at the running system."""
    running: list[Running] = []

    def visit(address: str) -> Reply:
        parts = urlsplit(address)
        assert parts.hostname == HOST, address
        answer = requests.get(running[0].web + parts.path, timeout=PATIENCE)
        return Reply(answer.status_code, answer.content, answer.headers["content-type"])

    apple, amp = AppleNews(), AmpCache(visit, {HOST: "notes-example-org"})
    search, hub, box = IndexNowEngine(visit), PublicHub(visit), Mailbox()
    for name, value in {
        "APPLE_KEY": apple.key_id,
        "APPLE_SECRET": apple.secret,
        "AMP_KEY": pem_of(rsa_key()),
    }.items():
        monkeypatch.setenv(name, value)
    with ExitStack() as stack:
        ca_file = certificate(tmp_path)
        settings = CHANNELS.format(
            apple=stack.enter_context(apple.serve()).url,
            channel_id=apple.channel_id,
            amp=stack.enter_context(amp.serve()).url,
            indexnow=stack.enter_context(search.serve()).url,
            hub=stack.enter_context(hub.serve()).url,
            smtp=stack.enter_context(mail_server(box, ca_file)),
            ca_file=ca_file,
        )
        pubmed = stack.enter_context(EutilsStandin())
        running.append(stack.enter_context(system(tmp_path, pubmed=pubmed.url, more=settings)))
        yield Platforms(running[0], apple, amp, search, hub, box)


@pytest.mark.timeout(240)
def test_every_platform_learns_of_an_article_its_correction_and_its_withdrawal(
    platforms: Platforms, tmp_path: Path
) -> None:
    running, path = platforms.running, f"{HOST}/articles/spasms.amp"
    assert running.publish(article(tmp_path, "spasms")).status == 0
    first = platforms.apple.find("spasms")
    assert first is not None
    assert b"Rest and stretch." in platforms.amp.copies[path].body
    assert platforms.search.fetched[f"https://{HOST}/articles/spasms"].status == 200
    assert b"Rest and stretch." in platforms.hub.fetched[f"https://{HOST}/feeds/latest.atom"].body
    assert platforms.subjects() == ["About spasms"]

    assert running.publish(article(tmp_path, "spasms", "Stretch and rest.")).status == 0
    corrected = platforms.apple.find("spasms")
    assert corrected is first and corrected.changes == 2
    assert b"Stretch and rest." in platforms.amp.copies[path].body
    assert b"Stretch and rest." in platforms.search.fetched[f"https://{HOST}/articles/spasms"].body
    assert b"Stretch and rest." in platforms.hub.fetched[f"https://{HOST}/feeds/latest.atom"].body
    assert platforms.subjects() == ["About spasms", "Updated: About spasms"]
    mails = platforms.box.of(READER)
    assert mails[1]["In-Reply-To"] == mails[0]["Message-ID"]

    withdrawn = running.run("withdraw", "spasms", "--reason", "The dose was wrong.", "--wait", "--json")
    assert withdrawn.status == 0, withdrawn.out + withdrawn.err
    assert not platforms.apple.articles
    assert path not in platforms.amp.copies
    assert platforms.search.fetched[f"https://{HOST}/articles/spasms"].status == 410
    assert b"Stretch and rest." not in platforms.hub.fetched[f"https://{HOST}/feeds/latest.atom"].body
    assert platforms.subjects()[2:] == ["Withdrawn: About spasms"]
