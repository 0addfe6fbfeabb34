"""The certificate of a recall: what each place showed of a retracted paper, and a signature that others can verify."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from bench import paper
from command import citewire
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from empty_ledger import empty_ledger
from joserfc import jws
from joserfc.errors import BadSignatureError, SecurityWarning
from joserfc.jwk import KeySet
from judges.presence import missing
from watched import Watched, publish

from pipeline.jws import Signer
from pipeline.stages.context import Policy

KEY = (
    Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)


def retracted(folder: Path, **policy: Any) -> None:
    """An article at two places, one of which does not answer when the paper that it cites is retracted."""
    ledger = empty_ledger(folder)
    bench = Watched(ledger, "partner", "other", policy=Policy(**policy))
    bench.know(paper("1"), paper("2"))
    publish(bench, "1", "2")
    publish(bench, "2", id="unconcerned")
    bench.receivers["other"].mood = "down"
    bench.turn("1", "retracted")
    bench.recheck()
    ledger.close()


def recalled(capsys: pytest.CaptureFixture[str], folder: Path, pmid: str = "1") -> Any:
    return citewire(capsys, "recall", pmid, "--json", "--data", folder).json


def test_a_certificate_says_what_each_place_showed_and_whom_the_recall_did_not_reach(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    retracted(tmp_path)
    answer = recalled(capsys, tmp_path)
    assert answer["jws"] is None
    certificate = answer["certificate"]
    assert (certificate["pmid"], certificate["editorial"]) == ("1", ["retracted"])
    assert certificate["noticed"] is not None
    assert certificate["sources"][0]["says"] == ["retracted"]
    (article,) = certificate["articles"]
    assert article["article"] == "spasms"
    assert [(one["revision"], one["editorial"]) for one in article["site"]] == [(1, []), (2, ["retracted"])]
    assert article["corrected"] == article["site"][1]["since"] == article["site"][0]["until"]
    other, partner = article["places"]
    assert (partner["place"], partner["reached"], len(partner["shown"])) == ("partner", True, 2)
    assert partner["corrected"] is not None
    assert (other["place"], other["reached"], len(other["shown"]), other["corrected"]) == ("other", False, 1, None)
    assert other["error"]
    assert certificate["unreached"] == ["spasms at other"]


def test_a_place_that_never_answered_is_certified_as_not_reached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = empty_ledger(tmp_path)
    bench = Watched(ledger, "partner", "other")
    bench.know(paper("1"))
    bench.receivers["other"].mood = "down"
    publish(bench, "1")
    bench.turn("1", "retracted")
    bench.recheck()
    ledger.close()
    (article,) = recalled(capsys, tmp_path)["certificate"]["articles"]
    other = article["places"][0]
    assert (other["place"], other["shown"], other["reached"]) == ("other", [], False)


def test_what_was_taken_back_is_certified_with_its_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    retracted(tmp_path, evidence="hold")
    (article,) = recalled(capsys, tmp_path)["certificate"]["articles"]
    assert article["state"] == "withdrawn"
    assert article["taken_back"] is not None
    partner = article["places"][1]
    assert [one["event"] for one in partner["shown"]] == ["published", "withdrawn"]
    assert (partner["reached"], partner["taken_back"] is not None) == (True, True)


@pytest.mark.parametrize("pmid", ["2", "77"])
def test_a_paper_in_good_standing_and_an_unknown_one_have_no_certificate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pmid: str
) -> None:
    retracted(tmp_path)
    result = citewire(capsys, "recall", pmid, "--json", "--data", tmp_path)
    assert result.status == 4
    assert "unknown-recall" in result.err


@pytest.fixture
def signed(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    retracted(tmp_path)
    monkeypatch.setenv("RECALL_KEY", KEY)
    config = tmp_path / "site.toml"
    config.write_text('[evidence]\nsigning_key = "env:RECALL_KEY"\n')
    return citewire(capsys, "recall", "1", "--json", "--data", tmp_path, "--config", config).json


def test_a_certificate_is_verified_with_a_jose_library(signed: Any) -> None:
    keys = KeySet.import_key_set(json.loads(Signer(KEY).jwks()))
    verified = verify(signed["jws"], keys)
    assert json.loads(verified.payload) == signed["certificate"]
    head, payload, signature = signed["jws"].split(".")
    with pytest.raises(BadSignatureError):
        verify(f"{head}.{payload[:-4]}AAAA.{signature}", keys)


def verify(compact: str, keys: KeySet) -> jws.CompactSignature:
    """RFC 9864 prefers "Ed25519" to "EdDSA" as the algorithm's name, which most libraries do not know yet."""
    with pytest.warns(SecurityWarning, match="RFC 9864"):
        return jws.deserialize_compact(compact, keys, algorithms=["EdDSA"])


def test_a_certificate_is_verified_in_another_language(signed: Any) -> None:
    node = shutil.which("node")
    root = Path(__file__).resolve().parents[2]
    if node is None or not (root / "node_modules" / "jose").is_dir():
        missing("Node with the package jose", "run `npm ci`")
    given = json.dumps({"jws": signed["jws"], "jwks": json.loads(Signer(KEY).jwks())})
    script = Path(__file__).with_name("verify_jws.mjs")
    done = subprocess.run([node, script], input=given, capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == signed["certificate"]


def test_a_key_of_another_kind_is_refused() -> None:
    for pem in ("nonsense", KEY.replace("MC4", "MC5")):
        with pytest.raises(ValueError, match="key"):
            Signer(pem)
