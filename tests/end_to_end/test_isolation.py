"""A channel that answers slowly or never delays no other."""

from __future__ import annotations

from pathlib import Path

from running import article, system
from waiting import until

from pipeline.channels.webhook.signing import new_secret
from standins.eutils import EutilsStandin
from standins.receiver import Conduct, Receiver

ARTICLES, WELL = 20, 6

CHANNEL = """
[[channels]]
id = "{id}"
type = "webhook"
format = "json-ld"
url = "{url}{id}"
secret = "file:{secret}"
read_timeout = 40
total_timeout = 40
"""


def test_the_others_have_everything_before_the_slow_one_has_answered_once(tmp_path: Path) -> None:
    names = ["slow", "never", *(f"well-{number}" for number in range(WELL))]
    secrets = {name: new_secret() for name in names}
    for name, secret in secrets.items():
        (tmp_path / f"secret-{name}").write_text(secret)
    files = tmp_path / "articles"
    files.mkdir()
    for number in range(ARTICLES):
        article(files, f"article-{number:02}")
    with Receiver(secrets=secrets.values()) as receiver, EutilsStandin() as pubmed:
        receiver.conduct(Conduct(path="/slow", seconds=38))
        receiver.conduct(Conduct(path="/never", mode="hang"))
        more = "".join(CHANNEL.format(id=name, url=receiver.url, secret=tmp_path / f"secret-{name}") for name in names)
        with system(tmp_path, pubmed=pubmed.url, more=more) as running:
            assert running.publish(files, wait=False).status == 0
            until(lambda: _got(receiver, "well") == ARTICLES * WELL, what=running.tail)
            assert _got(receiver, "slow") == 1
            assert _got(receiver, "never") == 1
            running.kill()  # rather than wait for the two


def _got(receiver: Receiver, name: str) -> int:
    return sum(one.path.startswith(f"/{name}") for one in receiver.received)
