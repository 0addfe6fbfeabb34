"""Random changes of articles and settings, with kills at any step; the places are checked from outside at the end."""

from __future__ import annotations

import gc
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import place_restoring
from bench import article
from empty_ledger import emptied_ledger
from place_child import PIPELINE, Work, new_world, some_stages, stages, work_in_a_process
from place_killing import Killed, Killer, killable
from place_servers import CHANNELS, TYPES, Servers, Spot, formats_of, spots
from places_world import World

from config.settings import Settings
from pipeline.ledger import Ledger
from pipeline.ledger.places import Place
from pipeline.stages.stage import drain
from workers import planning
from workers.places import configured_channels
from workers.reconciling import reconcile
from workers.site import site_of

STEPS = 14
_SITE = """
[site]
title = "Notes"
url = "https://notes.example.org"
publisher = "Example Health"
disclaimer = "{disclaimer}"
"""


@dataclass(frozen=True)
class Chosen:
    """A channel's settings."""

    spot: Spot
    format: str


@dataclass(frozen=True)
class Backup:
    file: Path
    texts: dict[str, str]
    withdrawn: frozenset[str]


@dataclass
class Run:
    servers: Servers
    world: World
    chance: random.Random
    killer: Killer
    types: Sequence[str] = TYPES
    processes: bool = False  # the work is done in processes that are really killed
    texts: dict[str, str] = field(default_factory=dict)  # the newest of each live article
    withdrawn: set[str] = field(default_factory=set)
    channels: dict[str, Chosen] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)  # of each channel's partner
    ever: set[Spot] = field(default_factory=set)  # places
    locations: dict[Spot, str] = field(default_factory=dict)
    backups: list[Backup] = field(default_factory=list)
    restores: bool = False
    spare: str | None = None  # another PostgreSQL database, into which backups are restored
    disclaimer: str = "Ask your doctor, part 0."
    log: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def step(self) -> None:
        steps: list[tuple[Callable[[], None], int]] = [
            (self.publish, 4),
            (self.edit, 3),
            (self.withdraw, 3),
            (self.move, 3),
            (self.reformat, 2),
            (self.remove, 1),
            (self.add, 3),
            (self.apply, 2),
            (self.new_disclaimer, 1),
            (self.replace_partner, 1),
        ]
        if self.restores:
            steps += [(self.back_up, 1), (self.restore, 3)]
        chosen = self.chance.choices([step for step, _ in steps], [weight for _, weight in steps])[0]
        chosen()
        if self.chance.random() < 0.7:
            self.work()

    # --- what people do

    def publish(self) -> None:
        self._publish(f"article-{len(self.texts) + len(self.withdrawn)}")

    def edit(self) -> None:
        known = sorted({*self.texts, *self.withdrawn})
        if known:
            self._publish(self.chance.choice(known))

    def _publish(self, name: str) -> None:
        text, event = f"Rest {self.chance.randrange(10**9)}.", self._event()
        self._said(f"publish {name}: {text}")
        self._insist(lambda: self.world.bench.publish(article(name, text=text), id=event))
        self.texts[name] = text
        self.withdrawn.discard(name)

    def withdraw(self) -> None:
        if self.texts:
            self._withdraw(self.chance.choice(sorted(self.texts)))

    def _withdraw(self, name: str) -> None:
        self._said(f"withdraw {name}")
        self._insist(lambda: self.world.bench.withdraw(name))
        self.texts.pop(name, None)
        self.withdrawn.add(name)

    def add(self) -> None:
        free = [name for name in CHANNELS if name not in self.channels]
        if free:
            name = self.chance.choice(free)
            self._put(name)

    def move(self) -> None:
        if self.channels:
            name = self.chance.choice(sorted(self.channels))
            self._put(name)

    def _put(self, name: str) -> None:
        free = self._free(name)
        if not free:
            return
        spot = self.chance.choice(free)
        former = self.channels.get(name)
        possible = formats_of(spot.type)
        keeps = former is not None and former.format in possible and self.chance.random() < 0.7
        format = former.format if former is not None and keeps else self.chance.choice(possible)
        self.channels[name] = Chosen(spot, format)
        self._take_up(f"{name} to {spot.type} {spot.name} {spot.address} as {format}")

    def reformat(self) -> None:
        if self.channels:
            name = self.chance.choice(sorted(self.channels))
            spot = self.channels[name].spot
            self.channels[name] = Chosen(spot, self.chance.choice(formats_of(spot.type)))
            self._take_up(f"{name} as {self.channels[name].format}")

    def remove(self) -> None:
        if self.channels:
            name = self.chance.choice(sorted(self.channels))
            del self.channels[name]
            self._take_up(f"remove {name}")

    def replace_partner(self) -> None:
        """Another partner takes the place of one that is in force."""
        partners = [name for name, one in sorted(self.channels.items()) if one.spot.type == "webhook"]
        if partners:
            name = self.chance.choice(partners)
            number = self.numbers.get(name, 1) + 1
            self.numbers[name] = number
            self.channels[name] = replace(self.channels[name], spot=Spot("webhook", f"{name}-{number}", "x"))
            self._said(f"replace the partner of {name}")
            settings = self._settings()
            self._insist(lambda: self._replaced(name, settings))
            self._learn_partners()

    def _replaced(self, name: str, settings: Settings) -> None:
        """A process killed after the work was done must not repeat it."""
        (new,) = (one for one in configured_channels(settings) if one.channel == name)
        if not any(one.key == name and one.settings == new.settings for one in self.world.places("in-force")):
            planning.replaced(self.world.ledger, settings, name, by="a test", now=self.world.bench.clock.now)

    def apply(self) -> None:
        """Empty the places that channels have left, or have the file read again and nothing more."""
        settings, empty = self._settings(), self.chance.random() < 0.6
        self._said(f"apply{' --empty' if empty else ''}")
        now = self.world.bench.clock.now
        self._insist(lambda: planning.apply(self.world.ledger, settings, empty=empty, by="a test", now=now))

    def new_disclaimer(self) -> None:
        self.disclaimer = f"Ask your doctor, part {self.chance.randrange(10**6)}."
        self._said(self.disclaimer)
        self._give_site(self._settings())

    def _free(self, name: str) -> list[Spot]:
        taken = {one.spot for one in self.channels.values()}
        number = self.numbers.setdefault(name, 1)
        own = [Spot("webhook", f"{name}-{number}", address) for address in ("x", "y")]
        return [one for one in (*spots(), *own) if one not in taken and one.type in self.types]

    def back_up(self) -> None:
        file = self.world.folder / f"{len(self.backups)}.backup"
        self._said(f"backup {file.name}")
        self._settings()
        self._insist(lambda: place_restoring.back_up(self.world, file))
        self.backups.append(Backup(file, dict(self.texts), frozenset(self.withdrawn)))

    def restore(self) -> None:
        """An older backup is brought back, and an operator decides what lies beyond it."""
        if not self.backups:
            return
        backup, before = self.chance.choice(self.backups), dict(self.texts)
        url = self._new_database()
        self._said(f"restore {backup.file.name}")
        self.done["restores"] += 1
        self._settings()
        while self._is_killed(lambda: place_restoring.restore(self.world, backup.file, url)):
            self._said("killed, again")
            gc.collect()  # what a process has open is closed when it is killed
            if self.spare is not None:
                emptied_ledger(url).close()
        place_restoring.reopen(self.world, url)
        self._restart()
        withdrawn = {*self.withdrawn}
        self.texts, self.withdrawn = dict(backup.texts), {*backup.withdrawn} | (withdrawn - backup.texts.keys())
        for name in sorted(withdrawn & backup.texts.keys()):
            self._withdraw(name)  # as a person does who knows of it; the former ledger may have told it already
        self._learn_partners()
        told = {one.article for one in place_restoring.undecided(self.world) if one.kind in ("withdrawn", "accepted")}
        for name in sorted(before):
            must = name not in backup.texts or name in told  # or else it would be missed
            if before[name] != self.texts.get(name) and (must or self.chance.random() < 0.6):
                self._publish(name)
        if place_restoring.undecided(self.world):
            self._said("the backup counts")
            place_restoring.accept_all(self.world)
        place_restoring.resume(self.world)

    def _new_database(self) -> str:
        """Return where the next ledger is: in place of this one, or in the other database, emptied."""
        if self.spare is None:
            return self.world.ledger.url.render_as_string(hide_password=False)
        used, self.spare = self.world.ledger.url.render_as_string(hide_password=False), self.spare
        self.spare, url = used, self.spare
        emptied_ledger(url).close()
        return url

    # --- how it is done

    def _take_up(self, what: str) -> None:
        self._said(what)
        self._settings()
        self._insist(lambda: self.world.take_up(*self._tables()))
        self._learn_partners()

    def _learn_partners(self) -> None:
        """Ask where the copies of partners lie: a restore gives the number of one that never got anything again."""
        for place in self.world.places("in-force"):
            spot = self.channels[place.channel].spot
            if spot.type == "webhook":
                same = [one for one, location in self.locations.items() if location == place.location]
                self.locations |= dict.fromkeys(same, "") | {spot.place: place.location or ""}

    def _tables(self) -> list[str]:
        return [self.servers.table(name, one.spot, one.format) for name, one in sorted(self.channels.items())]

    def _settings(self) -> Settings:
        self.world.site = _SITE.format(disclaimer=self.disclaimer)
        settings = self.world.settings(*self._tables())
        for configured in configured_channels(settings):
            place = self.channels[configured.channel].spot.place
            self.locations[place] = configured.location or self.locations.get(place, "")
            self.ever.add(place)
            self.done[place.type] += 1
        return settings

    def _give_site(self, settings: Settings) -> None:
        object.__setattr__(self.world.bench.context, "site", site_of(settings))

    def _insist(self, command: Callable[[], object]) -> None:
        """Give a command, which may be killed: then again, as a person does who got no answer."""
        if self._is_killed(command):
            self._said("killed, again")
            self._restart()
            command()

    def _is_killed(self, command: Callable[[], object]) -> bool:
        try:
            with self.killer.about(0.1 if self.chance.random() < 0.3 else 0.0):
                command()
        except Killed:
            return True
        return False

    def _restart(self) -> None:
        """Forget what a process knew."""
        self.done["kills"] += 1
        settings = self._settings()
        self._give_site(settings)
        self.world.open_channels(settings)

    def work(self) -> None:
        """Some stages run, and a process may be killed anywhere; what it had leased is free after two minutes."""
        likely = 0.03 if self.chance.random() < 0.5 else 0.0
        if self.processes:
            self._work_in_a_process(likely)
        else:
            try:
                with self.killer.about(likely):
                    some_stages(self.world.bench.context, self.chance)
            except Killed:
                self._said("killed at work")
                self._restart()
        self.world.bench.clock.pass_(self.chance.choice([0.5, 3.0, 300.0]))

    def _work_in_a_process(self, likely: float) -> None:
        self.done["processes"] += 1
        work = Work(
            ledger=self.world.ledger.url.render_as_string(hide_password=False),
            folder=self.world.folder,
            site=self.world.site,
            tables=tuple(self._tables()),
            now=self.world.bench.clock.now,
            seed=self.chance.randrange(2**32),
            likely=likely,
            number=self.done["processes"],
        )
        if work_in_a_process(work):
            self._said("killed -9 at work")
            self.done["kills -9"] += 1

    def settle(self) -> None:
        """Let everything that is due be done."""
        for _ in range(6):
            self.world.bench.clock.pass_(300.0)
            for _ in range(2):
                self._all_stages()
            if not self._is_busy():
                return

    def _all_stages(self) -> None:
        context = self.world.bench.context
        for name in PIPELINE:
            drain(context, stages[name])
        with self.world.ledger.read() as transaction:
            keys = list(context.channels_now(transaction))
        for key in keys:
            stages["deliver"].drain(context, key)
        drain(context, stages["prove"])
        self.world.bench.clock.pass_(2.0)

    def _is_busy(self) -> bool:
        now, context = self.world.bench.clock.now, self.world.bench.context
        named = [stages[name] for name in (*PIPELINE, "deliver", "prove")]
        with self.world.ledger.read() as transaction:
            return any(list(stage.due(context, transaction, now)) for stage in named)

    def _event(self) -> str:
        return f"event-{next(self.world.bench.events)}"

    def _said(self, what: str) -> None:
        self.log.append(what)

    # --- looked at from outside

    def faults(self) -> list[str]:
        return [*self._in_force(), *self._elsewhere(), *self._delivered(), *self._read_back()]

    def _in_force(self) -> Iterator[str]:
        for name, one in self.channels.items():
            there = self.servers.readable(one.spot)
            where = f"{name} at {one.spot.type} {one.spot.name}"
            if one.spot.type == "apple-news":
                yield from (f"{where}: {twice} times {id}" for id, twice in _articles(there).items() if twice > 1)
                there = {f"{_article(file)}.apple-news": body for file, body in there.items()}
            configured = {self.servers.name(one.spot, id, one.format): text for id, text in self.texts.items()}
            yield from (f"{where}: {file} is missing" for file in sorted(configured.keys() - there.keys()))
            yield from (f"{where}: {file} is too much" for file in sorted(there.keys() - configured.keys()))
            for file in configured.keys() & there.keys():
                yield from self._not_newest(f"{where}: {file}", _article(file), there[file])

    def _not_newest(self, where: str, article_id: str, body: bytes) -> Iterator[str]:
        if self.texts.get(article_id, "").encode() not in body:
            yield f"{where} is not the newest"
        elif self.disclaimer.encode() not in body:
            yield f"{where} has not the newest disclaimer"

    def _elsewhere(self) -> Iterator[str]:
        in_force = {one.spot.place for one in self.channels.values()}
        shown = {one.location for state in ("orphan", "emptying") for one in self.world.places(state)}
        for place in sorted(self.ever, key=str):
            for file, body in self.servers.readable(place).items():
                where = f"{file} at {place.type} {place.name}"
                if _article(file) in self.withdrawn:
                    yield f"{where} shows an article that was withdrawn"
                if place in in_force:
                    continue
                if self.locations[place] not in shown:
                    yield f"{where} is orphaned, and nobody is told"
                elif _article(file) in self.texts:
                    yield from self._not_newest(f"{where}, an orphan,", _article(file), body)

    def _delivered(self) -> Iterator[str]:
        spots = {self.locations[place]: place for place in self.ever}
        for place in [one for state in ("in-force", "orphan", "emptying") for one in self.world.places(state)]:
            rows = self.world.rows(place.key)
            there = self.servers.readable(spots[place.location or ""]) if rows else {}
            shown = {_article(file) for file in there}
            for row in rows.values():
                where = f"{row.article} at {place.key} ({place.location})"
                if row.state != "delivered":
                    yield f"{where} is {row.state}: {row.error}"
                elif row.target_digest and row.article not in shown:
                    yield f"{where} is delivered, and is not there"
                elif not row.target_digest and row.article in shown and not self._is_anothers(place):
                    yield f"{where} is withdrawn, and is there"

    def _is_anothers(self, place: Place) -> bool:
        return sum(one.location == place.location for one in self.world.places("in-force")) > (
            place.state == "in-force"
        )

    def _read_back(self) -> Iterator[str]:
        """What Citewire finds when it reads the places back itself."""
        for place in reconcile(self.world.bench.context, [], mends=None):
            if place.error:
                yield f"{place.place} cannot be read back: {place.error}"
            for drift in place.drift:
                yield f"{place.place} as read back: {drift.name} {drift.kind}: {drift.detail}"


def _article(file: str) -> str:
    return file.partition(".")[0]


def _articles(there: dict[str, bytes]) -> Counter[str]:
    return Counter(_article(file) for file in there)


def run_once(
    servers: Servers,
    ledger: Ledger,
    folder: Path,
    seed: int,
    types: Sequence[str] = TYPES,
    *,
    processes: bool = False,
    restores: bool = False,
    spare: str | None = None,
) -> Run:
    """Make one run. Raises AssertionError with what was done if anything is wrong in the end."""
    chance = random.Random(seed)
    world, killer = new_world(ledger, folder, _SITE), Killer(chance)
    run = Run(servers, world, chance, killer, types, processes, restores=restores, spare=spare)
    servers.begin(world.bench.clock)
    run._give_site(run._settings())
    world.take_up()
    with killable(killer):
        for begin in (run.publish, run.add, run.add, run.work, *([run.back_up] if restores else [])):
            begin()
        for _ in range(STEPS):
            run.step()
        run.settle()
        faults = run.faults()
        assert not faults, "\n".join([f"seed {seed}:", *run.log, "---", *faults])
    run.world.ledger.close()
    return run
