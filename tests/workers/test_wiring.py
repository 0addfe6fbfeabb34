from __future__ import annotations

from pathlib import Path

import pytest

from config import load
from pipeline.errors import ConfigError
from pipeline.model.policy import Gate
from pipeline.stages.context import NoDoorbell
from workers.queue import connect
from workers.runfile import Running, read, remove, write
from workers.wiring import build_context, check_settings

CHANNEL = '[[channels]]\nid = "partner"\ntype = "{type}"\nformat = "{format}"\n{more}\n'


def context(folder: Path, **channel: str):  # type: ignore[no-untyped-def]
    path = folder / "site.toml"
    path.write_text(CHANNEL.format(**({"more": ""} | channel)), encoding="utf-8")
    return build_context(load({"CITEWIRE_DATA": str(folder / "data")}, file=path), NoDoorbell())


@pytest.mark.parametrize(
    ("channel", "key"),
    [
        ({"type": "pigeon", "format": "rss"}, "channels.partner.type"),
        ({"type": "directory", "format": "papyrus", "more": 'path = "/tmp"'}, "channels.partner.format"),
        ({"type": "directory", "format": "rss"}, "channels.partner.path"),
        ({"type": "webhook", "format": "rss", "more": 'url = "x"\nsecret = "env:X"'}, "channels.partner.url"),
        (
            {"type": "webhook", "format": "rss", "more": 'url = "https://x.example"\nsecret = "literal"'},
            "channels.partner.secret",
        ),
    ],
)
def test_a_channel_that_cannot_stand_is_refused_at_the_start_by_its_key(
    tmp_path: Path, channel: dict[str, str], key: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        context(tmp_path, **channel)
    assert refused.value.key == key


def test_a_missing_secret_is_named_with_its_channel_when_it_is_opened(tmp_path: Path) -> None:
    built = context(
        tmp_path, type="webhook", format="rss", more='url = "https://x.example"\nsecret = "env:CITEWIRE_NO_SUCH"'
    )
    with pytest.raises(ConfigError) as refused:
        built.channels["partner"].open()
    built.ledger.close()
    assert refused.value.key == "channels.partner.secret"


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ('alerts.webhooks = [{url = "env:CITEWIRE_NO_SUCH", form = "slack"}]', "alerts.webhooks.url"),
        ('evidence.signing_key = "env:CITEWIRE_NO_SUCH"', "evidence.signing_key"),
    ],
)
def test_a_missing_secret_is_found_before_settings_are_taken_up(tmp_path: Path, settings: str, key: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(settings, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        check_settings(load({}, file=path))
    assert refused.value.key == key


def test_a_running_systems_note_is_read_back_and_a_torn_one_is_none(tmp_path: Path) -> None:
    note = Running(web="http://127.0.0.1:1", redis="redis+socket:///x", config=None)
    write(tmp_path, note)
    assert read(tmp_path) == note
    (tmp_path / "running.json").write_text("{")
    assert read(tmp_path) is None
    remove(tmp_path)
    remove(tmp_path)
    assert read(tmp_path) is None


def test_a_socket_of_celerys_is_one_of_redis_too() -> None:
    assert connect("redis+socket:///run/valkey.sock").connection_pool.connection_kwargs["path"] == "/run/valkey.sock"


def test_the_policies_on_evidence_reach_those_who_keep_to_them(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(
        '[evidence]\nrecheck_days = 7\npolicy = "notify"\nhold_on = ["concern"]\n'
        + CHANNEL.format(type="directory", format="rss", more='path = "out"\nevidence = "hold"')
        + 'gate = { min_resolved = 2, refuse = ["retracted"], newest_within_years = 5 }\n',
        encoding="utf-8",
    )
    built = build_context(load({"CITEWIRE_DATA": str(tmp_path / "data")}, file=path), NoDoorbell())
    built.ledger.close()
    policy, plan = built.policy, built.channels["partner"]
    assert (policy.recheck_days, policy.evidence, policy.hold_on) == (7, "notify", ("concern",))
    assert (plan.evidence, plan.gate) == ("hold", Gate(min_resolved=2, refuse=("retracted",), newest_within_years=5))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[evidence]\npolicy = "ignore"', "evidence.policy"),
        ('[evidence]\nhold_on = ["doubted"]', "evidence.hold_on.0"),
        ("[evidence]\nhold_on = []", "evidence.hold_on"),
        ("[evidence]\nrecheck_days = -1", "evidence.recheck_days"),
    ],
)
def test_a_policy_that_does_not_exist_is_refused_by_its_key(tmp_path: Path, text: str, key: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load({"CITEWIRE_DATA": str(tmp_path / "data")}, file=path)
    assert refused.value.key == key
