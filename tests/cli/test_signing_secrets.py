"""Secrets that sign webhooks, as an operator makes and mixes them up."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import citewire

from pipeline.channels.webhook.signing import new_secret, read_signer
from standins.receiver import Receiver


def test_a_secret_is_printed_alone_and_can_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    result = citewire(capsys, "secret")
    assert result.status == 0
    assert result.out.startswith("whsec_")
    assert read_signer(result.out.strip()).public is None
    assert result.err == ""


def test_a_private_key_comes_with_the_public_key_for_the_partner(capsys: pytest.CaptureFixture[str]) -> None:
    result = citewire(capsys, "secret", "--ed25519")
    public = read_signer(result.out.strip()).public
    assert public is not None
    assert result.err == f"the public key, for the partner: {public}\n"


def test_two_channels_with_one_secret_are_refused_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITEWIRE_EGRESS_ALLOW", "127.0.0.0/8")
    monkeypatch.setenv("A_SECRET", one := new_secret())
    monkeypatch.setenv("B_SECRET", one)
    with Receiver() as receiver:
        site = tmp_path / "site.toml"
        site.write_text(
            "".join(
                f'[[channels]]\nid = "{id}"\ntype = "webhook"\nformat = "ninjs"\n'
                f'url = "{receiver.url}{id}"\nsecret = "env:{id.upper()}_SECRET"\n'
                for id in ("a", "b")
            )
        )
        refused = citewire(capsys, "check", "--config", site, "--data", tmp_path / "var")
        assert refused.status == 2
        assert "channels.b.secret: channels.a has the same secret" in " ".join(refused.err.split())
        assert "[secret-unusable]" in refused.err
        assert one not in refused.err
        monkeypatch.setenv("B_SECRET", one.removeprefix("whsec_").rstrip("="))
        written_otherwise = citewire(capsys, "check", "--config", site, "--data", tmp_path / "var")
        assert "channels.b.secret: channels.a has the same secret" in " ".join(written_otherwise.err.split())
        monkeypatch.setenv("B_SECRET", new_secret())
        assert citewire(capsys, "check", "--config", site, "--data", tmp_path / "var").status == 0
