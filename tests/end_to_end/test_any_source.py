"""A paper is retracted at one source of four: within one recheck every place shows it, and a certificate proves it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet
from judges.presence import missing
from running import ROOT, Running, article, system
from waiting import PATIENCE, until

from pipeline.channels.webhook.signing import new_secret
from standins.crossref import CrossrefStandin
from standins.europe_pmc import EuropePmcStandin
from standins.eutils import EutilsStandin
from standins.papers import Paper
from standins.receiver import Receiver
from standins.retraction_watch import RetractionWatchStandin, Row
from standins.works import Notice, Work

PAPERS = {"pubmed": "101", "retraction_watch": "102", "crossref": "103", "europe_pmc": "104"}
MORE = """
[[channels]]
id = "careful"
type = "directory"
format = "ninjs"
path = "{careful}"
evidence = "hold"

[[channels]]
id = "reader"
type = "pull"
format = "ninjs"

[evidence]
signing_key = "file:{key}"

[sources]
retraction_watch = "{watch}"
crossref = "{crossref}"
europe_pmc = "{europe_pmc}"
"""


@dataclass
class World:
    pubmed: EutilsStandin
    watch: RetractionWatchStandin
    crossref: CrossrefStandin
    europe_pmc: EuropePmcStandin

    def retract(self, source: str) -> None:
        """Say at this source alone that its paper is retracted."""
        pmid = PAPERS[source]
        match source:
            case "pubmed":
                self.pubmed.retract(pmid, "999")
            case "retraction_watch":
                self.watch.rows.append(Row(pmid=pmid, doi=_doi(pmid)))
            case "crossref":
                self.crossref.add(_work(pmid, Notice(kind="retraction", doi="10.5555/n", date="2026-03-02"), known=""))
            case "europe_pmc":
                self.europe_pmc.add(_work(pmid, Notice(kind="Retraction in", pmid="999"), known=pmid))


def _doi(pmid: str) -> str:
    return f"10.5555/{pmid}"


def _work(pmid: str, *done: Notice, known: str) -> Work:
    return Work(doi=_doi(pmid), pmid=known, title=f"Trial {pmid}", year="2020", updated_by=done)


def _paper(pmid: str) -> Paper:
    return Paper(pmid=pmid, title=f"Trial {pmid}.", doi=_doi(pmid), journal="J Ex", abbreviation="J Ex", year="2020")


@contextmanager
def world() -> Iterator[World]:
    with ExitStack() as stack:
        pmids = PAPERS.values()
        yield World(
            stack.enter_context(EutilsStandin([_paper(pmid) for pmid in pmids])),
            stack.enter_context(RetractionWatchStandin([Row(pmid="9", doi="10.5555/other")])),
            stack.enter_context(CrossrefStandin([_work(pmid, known="") for pmid in pmids])),
            stack.enter_context(EuropePmcStandin([_work(pmid, known=pmid) for pmid in pmids])),
        )


def test_a_retraction_at_any_one_source_reaches_every_place_and_is_certified(tmp_path: Path) -> None:
    secret, careful, key = new_secret(), tmp_path / "careful", tmp_path / "recall.pem"
    careful.mkdir()
    private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key.write_bytes(private)
    key.chmod(0o600)
    with world() as sources, Receiver(secrets=[secret]) as receiver:
        more = MORE.format(
            careful=careful,
            key=key,
            watch=sources.watch.url,
            crossref=sources.crossref.url,
            europe_pmc=sources.europe_pmc.url,
        )
        with system(tmp_path, pubmed=sources.pubmed.url, webhook=receiver.url, secret=secret, more=more) as site:
            made = site.run("token", "create", "--name", "theirs", "--scope", "partner:reader", "--expires", "90d")
            token = made.out.splitlines()[-1]
            files = [article(tmp_path, source.replace("_", "-"), pmids=pmid) for source, pmid in PAPERS.items()]
            assert site.publish(*files, wait=False).status == 0
            until(lambda: len(receiver.received) == len(PAPERS), what=site.tail)
            _all_are_asked(site)
            until(lambda: len(_pulled(site, token)) == len(PAPERS), what=site.tail)
            for source in PAPERS:
                sources.retract(source)
            assert site.run("references", "--recheck", "--json").status == 0
            until(lambda: len(receiver.received) == 2 * len(PAPERS), what=site.tail)
            pulled = until(lambda: _all_updated(_pulled(site, token)), what=site.tail)
            for source, pmid in PAPERS.items():
                name = source.replace("_", "-")
                _every_place_shows_it(site, receiver, pulled[name], tmp_path, name)
                _the_source_is_named(site, pmid, source)
                _is_certified(site, pmid, name)


def _all_are_asked(site: Running) -> None:
    """Wait until every source has answered about every paper once, so that only a recheck brings news."""
    for pmid in PAPERS.values():
        until(lambda pmid=pmid: all(one["asked"] for one in _said(site, pmid)), what=site.tail)  # type: ignore[misc]


def _said(site: Running, pmid: str) -> list[Any]:
    answer = site.get(f"/references/{pmid}")
    sources: list[Any] = answer.json()["sources"] if answer.status_code == 200 else []
    return sources if len(sources) == len(PAPERS) else [{"asked": None}]


def _pulled(site: Running, token: str) -> dict[str, Any]:
    """Return the newest change of each article, as the partner who asks gets it, and say that they have arrived."""
    address, head = f"{site.web}/partners/reader/changes", {"Authorization": f"Bearer {token}"}
    answer = requests.get(address, headers=head, timeout=PATIENCE).json()
    requests.get(f"{address}?after={answer['cursor']}", headers=head, timeout=PATIENCE).raise_for_status()
    return {one["article"]: one for one in answer["changes"]}


def _all_updated(pulled: dict[str, Any]) -> dict[str, Any] | None:
    """Return the changes once each article's newest is the update: a partner's turn may come after the webhook's."""
    return pulled if [one["event"] for one in pulled.values()] == ["updated"] * len(PAPERS) else None


def _every_place_shows_it(site: Running, receiver: Receiver, pulled: Any, folder: Path, name: str) -> None:
    got = [one for one in receiver.received if one.headers["citewire-article"] == name]
    assert [one.headers["citewire-event"] for one in got] == ["published", "updated"]
    assert "Retracted" in got[-1].body.decode()
    held = lambda where: json.loads((folder / where / f"{name}.ninjs").read_text())  # noqa: E731 (used three times here)
    until(lambda: held("careful")["pubStatus"] == "canceled", what=site.tail)
    until(lambda: "Retracted" in json.dumps(held("out")), what=site.tail)
    assert 'class="mark' in site.get(f"/articles/{name}.html").text
    until(lambda: "Retracted" in _in_feed(site, name), what=site.tail)
    assert "Retracted" in pulled["content"]


def _in_feed(site: Running, name: str) -> str:
    """Return the article's entry."""
    items = site.get("/feeds/latest.json").json()["items"]
    (entry,) = [one for one in items if one["id"].endswith(f"/{name}")]
    return json.dumps(entry)


def _the_source_is_named(site: Running, pmid: str, source: str) -> None:
    said = {one["source"]: one for one in _said(site, pmid)}
    assert {name: one["says"] for name, one in said.items()} == {
        name: ["retracted"] if name == source else [] for name in PAPERS
    }
    assert said[source]["verdicts"][0]["state"] == "retracted"
    printed = site.run("references", pmid).out
    assert said[source]["label"] in printed


def _is_certified(site: Running, pmid: str, name: str) -> None:
    # Who looks at a place sees what has arrived a moment before the ledger knows of it.
    given = until(lambda: (got := site.run("recall", pmid, "--json")).status == 0 and got, what=site.tail).json
    keys = site.get("/.well-known/jwks.json").json()
    with pytest.warns(SecurityWarning, match="RFC 9864"):
        verified = jws.deserialize_compact(given["jws"], KeySet.import_key_set(keys), algorithms=["EdDSA"])
    assert json.loads(verified.payload) == given["certificate"] == _verified_in_javascript(given["jws"], keys)
    (about,) = given["certificate"]["articles"]
    assert about["article"] == name
    assert about["corrected"] is not None
    assert {one["place"]: one["reached"] for one in about["places"]} == {
        "careful": True, "folder": True, "partner": True, "reader": True,
    }  # fmt: skip
    assert given["certificate"]["unreached"] == []


def _verified_in_javascript(compact: str, keys: Any) -> Any:
    node = shutil.which("node")
    if node is None or not (ROOT / "node_modules" / "jose").is_dir():
        missing("Node with the package jose", "run `npm ci`")
    script = ROOT / "tests" / "cli" / "verify_jws.mjs"
    given = json.dumps({"jws": compact, "jwks": keys})
    done = subprocess.run([node, script], input=given, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
