"""Random runs of everything that changes what lies where, with kills anywhere, looked at from outside at the end.

CITEWIRE_RANDOM_RUNS=1000 runs as many; each is repeated by its seed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from bench import article
from every_stage import deliver, enrich, prove, render
from places_world import World, filling, folder

from pipeline.channels.directory import Directory
from pipeline.channels.shared.manifest import decode
from pipeline.ledger import Ledger
from pipeline.ledger.database import Transaction
from pipeline.model.delivery import Parcel, Receipt
from pipeline.model.rendition import digest_of
from pipeline.renditions import formats
from pipeline.stages.stage import drain
from workers import planning

RUNS = int(os.environ.get("CITEWIRE_RANDOM_RUNS", "12"))
FIRST = int(os.environ.get("CITEWIRE_RANDOM_FIRST", "0"))
FORMATS = ("json-ld", "markdown", "plain-text")
NAMES = ("a", "b", "c")
FOLDERS = ("one", "two", "three", "four")


class Killed(BaseException):
    """The process is gone: nothing that it does afterwards, in a `finally` for instance, has an effect."""


@dataclass
class Killer:
    """Kills at a random commit or send, before or after it."""

    chance: random.Random
    likely: float = 0.0
    dead: bool = False

    def strike(self) -> None:
        if self.dead or (self.likely and self.chance.random() < self.likely):
            self.dead = True
            raise Killed


@dataclass
class Run:
    world: World
    chance: random.Random
    killer: Killer
    live: dict[str, str] = field(default_factory=dict)  # the newest text of each article
    withdrawn: set[str] = field(default_factory=set)
    channels: dict[str, tuple[str, str]] = field(default_factory=dict)  # folder and format
    ever: set[str] = field(default_factory=set)  # folders
    log: list[str] = field(default_factory=list)

    def step(self) -> None:
        steps = [self.publish, self.edit, self.withdraw, self.move, self.reformat, self.remove, self.add, self.apply]
        weights = [4, 3, 2, 2, 2, 1, 3, 2]
        chosen = self.chance.choices(steps, weights)[0]
        self.log.append(chosen.__name__)
        chosen()
        if self.chance.random() < 0.7:
            self.work()

    def publish(self) -> None:
        name = f"article-{len(self.live) + len(self.withdrawn)}"
        self._publish(name)

    def edit(self) -> None:
        known = sorted({*self.live, *self.withdrawn})
        if known:
            self._publish(self.chance.choice(known))

    def _publish(self, name: str) -> None:
        text = f"Rest {self.chance.randrange(10**9)}."
        self.world.bench.publish(article(name, text=text))
        self.live[name] = text
        self.withdrawn.discard(name)

    def withdraw(self) -> None:
        if self.live:
            name = self.chance.choice(sorted(self.live))
            self.world.bench.withdraw(name)
            del self.live[name]
            self.withdrawn.add(name)

    def move(self) -> None:
        if self.channels:
            name = self.chance.choice(sorted(self.channels))
            self.channels[name] = (self.chance.choice(self._free()), self.channels[name][1])
            self._take_up()

    def reformat(self) -> None:
        if self.channels:
            name = self.chance.choice(sorted(self.channels))
            self.channels[name] = (self.channels[name][0], self.chance.choice(FORMATS))
            self._take_up()

    def remove(self) -> None:
        if self.channels:
            del self.channels[self.chance.choice(sorted(self.channels))]
            self._take_up()

    def add(self) -> None:
        free = [name for name in NAMES if name not in self.channels]
        if free:
            format = self.chance.choice(FORMATS)
            self.channels[self.chance.choice(free)] = (self.chance.choice(self._free()), format)
            self._take_up()

    def _free(self) -> list[str]:
        taken = {path for path, _ in self.channels.values()}
        return [path for path in FOLDERS if path not in taken]

    def _settings(self) -> list[str]:
        self.ever |= {path for path, _ in self.channels.values()}
        return [folder(name, self.world.folder / path, form) for name, (path, form) in sorted(self.channels.items())]

    def _take_up(self) -> None:
        self.world.take_up(*self._settings())

    def apply(self) -> None:
        """Empty the places that channels have left, or have the file read again and nothing more."""
        settings = self.world.settings(*self._settings())
        now = self.world.bench.clock.now
        planning.apply(self.world.ledger, settings, empty=self.chance.random() < 0.6, by="a test", now=now)

    def work(self) -> None:
        """Some stages run, and a process may be killed anywhere; what it had leased is free after two minutes."""
        self.killer.likely = 0.04 if self.chance.random() < 0.5 else 0.0
        context = self.world.bench.context
        try:
            for _ in range(self.chance.randrange(1, 8)):
                stage = self.chance.choice([enrich, render, filling, deliver, deliver, prove])
                if stage is not deliver:
                    drain(context, stage)
                elif keys := sorted(context.channels):
                    deliver.drain(context, self.chance.choice(keys))
        except Killed:
            self.log.append("killed")
        finally:
            self.killer.likely, self.killer.dead = 0.0, False
        self.world.bench.clock.pass_(self.chance.choice([0.5, 3.0, 300.0]))

    def settle(self) -> None:
        """Let everything that is due be done."""
        for _ in range(3):
            self.world.bench.clock.pass_(300.0)
            self.world.work(2)

    # --- looked at from outside

    def faults(self) -> list[str]:
        return [*self._in_force(), *self._elsewhere(), *self._delivered()]

    def _in_force(self) -> Iterator[str]:
        for name, (path, form) in self.channels.items():
            extension = formats()[form].extension
            there = self._readable(path)
            wanted = {f"{article}.{extension}" for article in self.live}
            yield from (f"{name}: {one} is missing in {path}" for one in sorted(wanted - set(there)))
            yield from (f"{name}: {one} is too much in {path}" for one in sorted(set(there) - wanted))
            for article_id, text in self.live.items():
                body = there.get(f"{article_id}.{extension}", b"")
                if text.encode() not in body:
                    yield f"{name}: {article_id} in {path} is not the newest"

    def _elsewhere(self) -> Iterator[str]:
        shown = {one.location: one for state in ("orphan", "emptying") for one in self.world.places(state)}
        in_force = {path for path, _ in self.channels.values()}
        for path in self.ever:
            readable = self._readable(path)
            for name in readable:
                article_id = name.partition(".")[0]
                if article_id in self.withdrawn:
                    yield f"{name} in {path} shows an article that was withdrawn"
                if path not in in_force and f"file://{self.world.folder / path}" not in shown:
                    yield f"{name} in {path} is orphaned, and nobody is told"
                if path not in in_force and self.live.get(article_id, "").encode() not in readable[name]:
                    yield f"{name} in the orphan {path} was not corrected"

    def _delivered(self) -> Iterator[str]:
        for place in self.world.places("in-force"):
            path = Path((place.location or "").removeprefix("file://"))
            for row in self.world.rows(place.key).values():
                file = path / f"{row.article}.{formats()[row.format].extension}"
                if row.state != "delivered":
                    yield f"{row.article} at {place.key} is {row.state}: {row.error}"
                elif not file.exists():
                    yield f"{row.article} at {place.key} is delivered, and {file} is not there"
                elif row.wanted_digest and digest_of(file.read_bytes()) != row.wanted_digest:
                    yield f"{row.article} at {place.key} is delivered, and {file} is something else"

    def _readable(self, path: str) -> dict[str, bytes]:
        """The files in a folder that show an article, whatever the ledger says of them."""
        root, found = self.world.folder / path, {}
        for file in sorted(root.iterdir()) if root.exists() else ():
            if file.is_file() and not file.name.startswith("."):
                manifest = root / "manifest" / f"{file.name}.json"
                named = decode(manifest.read_bytes()) if manifest.exists() else None
                body = file.read_bytes()
                if named is None or named.event != "withdrawn" or digest_of(body) != named.digest:
                    found[file.name] = body
        return found


def new_run(ledger: Ledger, path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> Run:
    chance = random.Random(seed)
    world, killer = World(ledger, path), Killer(chance)
    few = {name: formats()[name] for name in FORMATS}
    object.__setattr__(world.bench.context, "formats", few)
    write, send = ledger.write, Directory.deliver

    @contextmanager
    def killable() -> Iterator[Transaction]:
        killer.strike()
        with write() as transaction:
            yield transaction
            killer.strike()
        killer.strike()

    def killed_sending(self: Any, parcel: Parcel) -> Receipt:
        killer.strike()
        receipt = send(self, parcel)
        killer.strike()
        return receipt

    monkeypatch.setattr(ledger, "write", killable)
    monkeypatch.setattr(Directory, "deliver", killed_sending)
    run = Run(world, chance, killer)
    world.take_up()
    return run


def check_run(ledger: Ledger, folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    run = new_run(ledger, folder, seed, monkeypatch)
    for _ in range(14):
        run.step()
    run.settle()
    assert not run.faults(), run.log


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_nothing_is_missing_orphaned_unseen_or_still_readable(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    check_run(ledger, tmp_path, monkeypatch, seed)


@pytest.mark.parametrize("ledger", ["postgresql"], indirect=True)
@pytest.mark.parametrize("seed", [3, 5])
def test_nor_is_anything_on_postgresql(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    check_run(ledger, tmp_path, monkeypatch, seed)
