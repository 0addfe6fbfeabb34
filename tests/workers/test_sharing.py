"""Hosts of one site prove that they see the same store and the same folders, or do not start."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from own_database import own, server
from own_process import FOLDER, SITE
from sqlalchemy.engine import URL

import workers.sharing
from config import load
from config.settings import Settings
from pipeline.errors import ConfigError
from pipeline.ledger import Ledger, shared_places
from pipeline.ledger.clock import LedgerClock
from pipeline.ledger.shared_places import SharedPlace
from pipeline.stages.context import NoDoorbell
from pipeline.store import RenditionStore
from workers.sharing import prove, prove_or_refuse
from workers.wiring import build_context

__all__ = ["own", "server"]  # fixtures

FOLDER_STORE = """
[[channels]]
id = "{id}"
type = "object-store"
format = "ninjs"
url = "file://{path}"
"""


@contextlib.contextmanager
def on(host: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "gethostname", lambda: host)
        yield


class Site:
    """A site of several hosts on one PostgreSQL. Each host has a data folder, and a folder for the channel."""

    def __init__(self, url: URL, folder: Path) -> None:
        self._url = url.render_as_string(hide_password=False)
        self._folder = folder
        self._mounted: Path | None = None

    def settings(
        self, host: str, *, store: str | None = None, out: Path | None = None, channel: str = FOLDER
    ) -> Settings:
        """`channel`: its table in the file. `out`: what the host has mounted where the folder of the channel is.

        One machine plays all hosts here.
        """
        mounted, behind = self._folder / "mounted", out or self._folder / "shared"
        if self._mounted is not None:
            mounted.rename(self._mounted)
        behind.mkdir(exist_ok=True)
        behind.rename(mounted)
        self._mounted = behind
        file = self._folder / f"{host}.toml"
        file.write_text(SITE + channel.format(id="folder", path=self._folder / "mounted" / "out"))
        environment = {
            "CITEWIRE_CONFIG": str(file),
            "CITEWIRE_DATA": str(self._folder / host),
            "CITEWIRE_DATABASE_URL": self._url,
        }
        return load(environment | ({} if store is None else {"CITEWIRE_STORE_URL": store}))

    def start(self, host: str, settings: Settings) -> None:
        with on(host):
            context = build_context(settings, NoDoorbell())
            with contextlib.closing(context.ledger):
                prove_or_refuse(context.ledger, settings, context.channels)


@pytest.fixture
def site(own: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(workers.sharing, "_MARKED_WITHIN", dt.timedelta())
    return Site(own, tmp_path)


def test_a_host_that_left_the_store_at_its_default_does_not_start(site: Site) -> None:
    site.start("a", site.settings("a"))
    site.start("a", site.settings("a"))
    with pytest.raises(ConfigError) as refused:
        site.start("b", site.settings("b"))
    assert refused.value.code == "store-not-shared"
    assert "store_url" in str(refused.value)


def test_hosts_with_one_store_and_one_folder_start_in_any_order(site: Site, tmp_path: Path) -> None:
    store = str(tmp_path / "renditions")
    for host in ("a", "b", "c", "b", "a"):
        site.start(host, site.settings(host, store=store))


def test_a_mark_that_is_written_late_does_not_undo_that_of_another_host(
    site: Site, own: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first host hangs before its write; meanwhile an operator has another host take the store for the site's."""
    settings = site.settings("a", store=str(tmp_path / "renditions"))
    ledger, store = Ledger(own.render_as_string(hide_password=False)), RenditionStore.at(tmp_path / "renditions")
    ledger.migrate()
    put = RenditionStore.put_file
    taken: list[str] = []

    def late(self: RenditionStore, path: str, body: bytes, *args: Any, **more: Any) -> None:
        if not taken:
            taken.append("by b")
            with on("b"):
                prove(ledger, settings, {}, "accept")
        put(self, path, body, *args, **more)

    with contextlib.closing(ledger):
        monkeypatch.setattr(RenditionStore, "put_file", late)
        with on("a"):
            prove(ledger, settings, {}, "start")
        with ledger.read() as transaction:
            known = shared_places.known(transaction, "store")
        found = store.get_file("citewire-site")
    assert known is not None and known.host == "b"
    assert found is not None and found[0].decode().strip() == known.nonce


def test_a_host_that_starts_while_another_marks_the_place_waits_for_the_mark(
    site: Site, own: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = RenditionStore.at(tmp_path / "renditions")
    settings = site.settings("b", store=str(tmp_path / "renditions"))
    ledger = Ledger(own.render_as_string(hide_password=False))
    ledger.migrate()
    with contextlib.closing(ledger):
        now = LedgerClock(ledger)()
        with ledger.write() as transaction:
            of_a = SharedPlace(name="store", nonce="of-a", location="renditions", host="a", at=now)
            shared_places.add(transaction, of_a)
        waits: list[float] = []

        def marked_meanwhile(seconds: float) -> None:
            waits.append(seconds)
            shared.put_file("citewire-site", b"of-a\n", now)

        monkeypatch.setattr(workers.sharing, "_MARKED_WITHIN", dt.timedelta(seconds=60))
        monkeypatch.setattr(time, "sleep", marked_meanwhile)
        with on("b"):
            prove_or_refuse(ledger, settings, {})
    assert len(waits) == 1


@pytest.mark.parametrize(("channel", "key"), [(FOLDER, "path"), (FOLDER_STORE, "url")])
def test_a_channel_whose_folder_is_another_on_another_host_does_not_start(
    site: Site, tmp_path: Path, channel: str, key: str
) -> None:
    store = str(tmp_path / "renditions")
    for host in ("a", "b"):
        site.start(host, site.settings(host, store=store, channel=channel))
    for host in ("b", "c"):
        with pytest.raises(ConfigError) as refused:
            site.start(host, site.settings(host, store=store, out=tmp_path / f"{host}-disk", channel=channel))
        assert refused.value.code == "folder-not-shared"
        assert f"channels.folder.{key}" in str(refused.value)


def test_a_host_that_is_alone_may_move_its_store(site: Site, tmp_path: Path) -> None:
    site.start("a", site.settings("a"))
    site.start("a", site.settings("a", store=str(tmp_path / "elsewhere")))
    with pytest.raises(ConfigError):
        site.start("b", site.settings("b"))


def test_checking_writes_nothing_and_accepting_makes_a_hosts_places_the_sites(site: Site, own: URL) -> None:
    a, b = site.settings("a"), site.settings("b")
    ledger = Ledger(own.render_as_string(hide_password=False))
    ledger.migrate()
    with contextlib.closing(ledger):
        with on("b"):
            assert ["not marked yet" in one.detail for one in prove(ledger, b, {}, "look")] == [True]
        assert not (b.data / "renditions" / "citewire-site").exists()
        with on("a"):
            prove_or_refuse(ledger, a, {})
        with on("b"):
            (refused,) = prove(ledger, b, {}, "look")
            assert isinstance(refused.error, ConfigError)
            (accepted,) = prove(ledger, b, {}, "accept")
            assert accepted.error is None
            prove_or_refuse(ledger, b, {})
        with on("a"), pytest.raises(ConfigError):
            prove_or_refuse(ledger, a, {})


def test_the_mark_is_not_taken_for_an_article(site: Site, tmp_path: Path) -> None:
    site.start("a", site.settings("a"))
    out = tmp_path / "mounted" / "out"
    assert [one.name for one in out.iterdir()] == ["manifest"]
    assert not [one.name for one in (out / "manifest").iterdir() if not one.name.startswith(".")]


def test_one_host_on_sqlite_has_nothing_to_prove(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(SITE + FOLDER.format(id="folder", path=tmp_path / "out"))
    settings = load({"CITEWIRE_CONFIG": str(file), "CITEWIRE_DATA": str(tmp_path / "var")})
    context = build_context(settings, NoDoorbell())
    with contextlib.closing(context.ledger):
        assert prove(context.ledger, settings, context.channels, "start") == []
    assert not (tmp_path / "out").exists()
