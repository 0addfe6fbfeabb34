from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from config import load
from pipeline.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_anything_the_defaults_stand() -> None:
    settings = load({})
    assert settings.data == Path("var")
    assert settings.evidence.wait == 10
    assert [feed.id for feed in settings.feeds] == ["latest"]
    assert settings.ledger_url.startswith("sqlite:////")


def test_the_file_stands_over_the_defaults_and_the_environment_over_both(tmp_path: Path) -> None:
    file = written(tmp_path, 'data = "from-file"\npubmed_email = "file@example.org"\n[evidence]\nwait = 3\n')
    settings = load({"CITEWIRE_CONFIG": str(file), "CITEWIRE_DATA": "from-environment"})
    assert (settings.data, settings.pubmed_email) == (Path("from-environment"), "file@example.org")
    assert settings.evidence.wait == 3
    assert settings.delivery.retries[0] == 5


def test_a_table_is_merged_key_by_key_and_a_list_of_tables_replaced(tmp_path: Path) -> None:
    file = written(tmp_path, '[site]\ntitle = "Notes"\n[[feeds]]\nid = "own"\ntitle = "Own"\n')
    settings = load({}, file=file)
    assert (settings.site.title, settings.site.language) == ("Notes", "en")
    assert [feed.id for feed in settings.feeds] == ["own"]


def test_ncbis_converter_is_asked_beside_ncbis_pubmed_only() -> None:
    assert (load({}).idconv_location or "").startswith("https://pmc.ncbi.nlm.nih.gov/")
    assert load({"CITEWIRE_PUBMED_URL": "http://127.0.0.1:1/"}).idconv_location is None
    own = {"CITEWIRE_PUBMED_URL": "http://127.0.0.1:1/", "CITEWIRE_IDCONV_URL": "http://127.0.0.1:2/"}
    assert load(own).idconv_location == "http://127.0.0.1:2/"


def test_other_sources_are_asked_beside_ncbis_pubmed_or_where_an_address_is_set() -> None:
    assert load({}).source_location("crossref") == "https://api.crossref.org/"
    own = {"CITEWIRE_PUBMED_URL": "http://127.0.0.1:1/", "CITEWIRE_CROSSREF_URL": "http://127.0.0.1:2/"}
    assert load(own).source_location("crossref") == "http://127.0.0.1:2/"
    assert load(own).source_location("europe_pmc") is None


def test_a_source_can_be_switched_off_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    off = written(tmp_path, '[sources]\ncrossref = ""\n')
    assert load({}, file=off).source_location("crossref") is None
    with pytest.raises(ConfigError) as caught:
        load({}, file=written(tmp_path, '[sources]\ncrosref = "https://example.org/"\n'))
    assert "crossref" in caught.value.message


def test_networks_may_be_listed_in_the_environment() -> None:
    settings = load({"CITEWIRE_EGRESS_ALLOW": "127.0.0.0/8, ::1/128"})
    assert settings.egress_allow == (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('pubmed_url = "ftp://example.org"', "pubmed_url"),
        ("unknown = 1", "unknown"),
        ("[evidence]\nwait = -1", "evidence.wait"),
        ('[[channels]]\nid = "Not An Id"\ntype = "x"\nformat = "y"', "channels.0.id"),
        ('[[channels]]\nid = "a"\nformat = "y"', "channels.a.type"),
        ('[[feeds]]\nid = "a"\ntitle = "A"\n[[feeds]]\nid = "a"\ntitle = "A"', "feeds.id"),
        ('pubmed_api_key = "0123456789abcdef"', "pubmed_api_key"),
        ('egress_allow = ["everywhere"]', "egress_allow.0.IPv4Network"),
    ],
)
def test_a_mistake_names_its_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load({}, file=written(tmp_path, text))
    assert refused.value.key is not None
    assert refused.value.key.startswith(key.split(".IPv4", maxsplit=1)[0])


def test_a_mistake_never_quotes_a_value(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load({}, file=written(tmp_path, 'pubmed_api_key = "0123456789abcdef"'))
    assert "0123456789abcdef" not in str(refused.value)


def test_a_broken_file_is_named_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load({}, file=written(tmp_path, "data = \n"))
    assert "site.toml" in str(refused.value)
    assert "line 1" in str(refused.value)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError) as refused:
        load({"CITEWIRE_CONFIG": "absent.toml"})
    assert (refused.value.code, "absent.toml" in str(refused.value)) == ("config-unreadable", True)


@pytest.mark.parametrize(
    "address",
    [
        "http://desk.example.org",
        "https://192.0.2.7",
        "https://[2001:db8::1]",
        "http://127.0.0.1:8080",
        "https://desk.example.org.",
        "https://bücher.example",
        "https://desk.example.org/?a=1",
        "desk.example.org",
    ],
)
def test_passkeys_belong_to_a_name_that_browsers_reach_over_tls(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load({}, file=written(tmp_path, f'[web.passkeys]\nconsole_url = "{address}"\n'))
    assert caught.value.key == "web.passkeys.console_url"


@pytest.mark.parametrize(
    "address", ["https://desk.example.org", "https://xn--bcher-kva.example", "http://localhost:8080"]
)
def test_an_address_to_which_passkeys_can_belong_is_taken(tmp_path: Path, address: str) -> None:
    found = load({}, file=written(tmp_path, f'[web.passkeys]\nconsole_url = "{address}/"\n')).web
    assert found.passkeys is not None and found.passkeys.console_url == address
    assert found.session_limits.passkeys
