"""A site whose channels are real places, on the stages' bench: its settings are a file that tests rewrite."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from bench import SITE as BENCH_SITE
from bench import Bench, article
from cli.command import Result, citewire
from every_stage import deliver, enrich, feeds, prove, render

from config import load
from config.settings import Settings
from pipeline.channels.shared.manifest import decode
from pipeline.http import Http
from pipeline.ledger import Ledger, deliveries, places
from pipeline.ledger.deliveries import Delivery
from pipeline.ledger.places import Place
from pipeline.renditions import formats
from pipeline.stages.places import leaving
from pipeline.stages.places.changes import Change
from pipeline.stages.places.stage import Places
from pipeline.stages.places.take_up import take_up
from pipeline.stages.stage import drain
from pipeline.store import RenditionStore
from workers.places import Channels, configured_channels, settings_of
from workers.site import site_of
from workers.wiring import plan_of, public_http

filling = Places()
SITE = f"""
[site]
title = "{BENCH_SITE.title}"
url = "{BENCH_SITE.url}"
publisher = "{BENCH_SITE.publisher}"
disclaimer = "{BENCH_SITE.disclaimer}"
"""


def folder(channel: str, path: Path | str, format: str = "json-ld", **more: object) -> str:
    """The settings of a channel that is a folder."""
    lines = [f'id = "{channel}"', 'type = "directory"', f'format = "{format}"', f'path = "{path}"']
    lines += [f"{name} = {str(value).lower() if isinstance(value, bool) else value!r}" for name, value in more.items()]
    return "\n".join(["[[channels]]", *lines, ""])


@dataclass
class World:
    ledger: Ledger
    folder: Path
    site: str = SITE
    bench: Bench = field(init=False)
    _http: Http | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.bench = Bench(self.ledger)
        object.__setattr__(self.bench.context, "formats", formats())
        object.__setattr__(self.bench.context, "channels", {})
        object.__setattr__(self.bench.context, "store", RenditionStore.at(self.folder / "var" / "renditions"))

    def settings(self, *channels: str, places: str = "") -> Settings:
        file = self.folder / "site.toml"
        file.write_text("\n".join(('egress_allow = ["127.0.0.0/8"]', self.site, places, *channels)))
        return load({}, file=file, data=self.folder / "var")

    def take_up(self, *channels: str, empty: bool = False) -> list[Change]:
        """Put these channels in force."""
        settings = self.settings(*channels)
        with self.ledger.write() as transaction:
            found = take_up(transaction, configured_channels(settings), empty=empty, now=self.bench.clock.now)
        if not isinstance(self.bench.context.channels, Channels):
            self.open_channels(settings)
        return found

    def open_channels(self, settings: Settings) -> None:
        """Have the channels from the ledger and the site from the settings, as a process that has just begun."""
        object.__setattr__(self.bench.context, "site", site_of(settings))
        http = self._http = self._http or public_http(settings)
        live = Channels(self.ledger, lambda place: plan_of(settings_of(place), http))
        object.__setattr__(self.bench.context, "channels", live)

    def publish(self, *ids: str, text: str = "Rest.") -> None:
        for id in ids:
            self.bench.publish(article(id, text=text))

    def work(self, rounds: int = 3) -> None:
        """Do what is due, and what becomes due by that."""
        for _ in range(rounds):
            for stage in (enrich, render, filling, feeds):
                drain(self.bench.context, stage)
            with self.ledger.read() as transaction:
                keys = list(self.bench.context.channels_now(transaction))
            for key in keys:
                deliver.drain(self.bench.context, key)
            drain(self.bench.context, prove)
            self.bench.clock.pass_(2.0)

    def fill(self) -> None:
        """Let places be filled and emptied as far as the ledger goes: nothing is delivered."""
        drain(self.bench.context, filling)

    def every_row(self) -> list[Delivery]:
        with self.ledger.read() as transaction:
            return deliveries.search(transaction, state=None, channel=None, limit=100_000)

    def articles_in(self, location: str | None) -> set[str]:
        """The articles that can be read in a folder; tombstones do not count."""
        assert location is not None
        found = files(Path(location.removeprefix("file://")))
        return {name.partition(".")[0] for name, revision in found.items() if revision != "withdrawn"}

    def empty(self, key: str) -> None:
        """Empty the places whose keys begin so."""
        with self.ledger.write() as transaction:
            for one in places.every(transaction):
                if one.key.startswith(key):
                    leaving.empty(transaction, one, now=self.bench.clock.now)

    def give_up(self, key: str, *, reason: str) -> None:
        with self.ledger.write() as transaction:
            place = places.find(transaction, key)
            assert place is not None
            leaving.give_up(transaction, place, reason=reason, by="the test", now=self.bench.clock.now)

    def places(self, state: str) -> list[Place]:
        with self.ledger.read() as transaction:
            return [one for one in places.every(transaction) if one.state == state]

    def rows(self, key: str) -> dict[str, Delivery]:
        with self.ledger.read() as transaction:
            found = deliveries.search(transaction, state=None, channel=key, limit=1000)
        return {one.article: one for one in found}


def run(capsys: pytest.CaptureFixture[str], world: World, *words: object) -> Result:
    """Run a command on the world's settings and its ledger, which is on SQLite in `var`."""
    return citewire(capsys, *words, "--config", world.folder / "site.toml", "--data", world.folder / "var")


def files(path: Path) -> dict[str, int | str]:
    """The articles that a folder shows: their revision, or "withdrawn"."""
    found: dict[str, int | str] = {}
    for manifest in sorted((path / "manifest").glob("*.json")) if path.exists() else ():
        named = decode(manifest.read_bytes())
        assert named is not None
        if (path / manifest.name.removesuffix(".json")).exists():
            found[manifest.name.removesuffix(".json")] = "withdrawn" if named.event == "withdrawn" else named.revision
    return found
