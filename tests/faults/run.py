"""Run a whole system under random faults, and check from outside that it ends with the truth everywhere.

    make faults SEED=1 MINUTES=5
    python tests/faults/run.py --seed 1 --runs 10 --seconds 8 --site hosts

The same seed gives the same plan; when a step hits depends on the machine. Each run ends all faults, publishes one more
article, and gives the system 60 seconds, without a restart by hand. To spend the time on faults and not on starts, a
system takes several runs, one after the other, and keeps what it has of those before. The command ends with status 1
and a replay line if anything is wrong. It says which of the planned faults were seen to happen, and why the others were
not.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "end_to_end"), str(HERE.parent), str(ROOT)]

from faulty import Faults  # noqa: E402  (after the paths that the modules of the tests need)
from network import why_not  # noqa: E402
from plan import ARTICLES, PUBLISHING, SITES, Place, plan  # noqa: E402
from servers import postgresql  # noqa: E402
from sites import HOSTS, Site, one_host, servers, three_hosts  # noqa: E402
from sqlalchemy.engine import URL  # noqa: E402
from world import World  # noqa: E402

WITHIN = 60.0  # seconds after the last fault has ended


class Servers:
    """The servers that runs share. Each is started when a run needs it."""

    def __init__(self, stack: contextlib.ExitStack, given: URL | None = None) -> None:
        self._stack, self._postgresql, self._network = stack, given, None  # type: tuple[Any, URL | None, Any]

    def site(self, folder: Path, place: Place, seed: int) -> contextlib.AbstractContextManager[Site]:
        if place == "hosts":
            if self._network is None:
                own = self._stack.enter_context(folder_for("network"))
                own.chmod(0o755)
                self._network = self._stack.enter_context(servers(own))
            return three_hosts(folder, self._network)
        if place == "postgresql" and self._postgresql is None:
            self._postgresql = self._stack.enter_context(postgresql())
        return one_host(folder, self._postgresql if place == "postgresql" else None, pooled=seed % 2 == 0)


def run(seed: int, seconds: float, place: Place, shared: Servers) -> dict[str, Any]:
    """Run once. Raises AssertionError, with the replay line, if anything is wrong."""
    with begun(seed, place, shared) as (site, world):
        return one_run(site, world, seed, seconds, place)


@contextlib.contextmanager
def begun(seed: int, place: Place, shared: Servers) -> Iterator[tuple[Site, World]]:
    """A system for runs from this seed on."""
    with folder_for("faults") as folder, shared.site(folder, place, seed) as site:
        out = folder / "shared" / "out" if place == "hosts" else folder / "out"
        hosts = HOSTS if place == "hosts" else (socket.gethostname(),)
        world = World(site.systems, site.receivers, folder, out, hosts, seed)
        for scope in ("publish", "partner:pulled"):
            answer = site.systems[0].run("token", "create", "--name", scope.replace(":", "-"), "--scope", scope)
            world.tokens[scope] = answer.out.split()[-1]
        yield site, world


def one_run(site: Site, world: World, seed: int, seconds: float, place: Place) -> dict[str, Any]:
    """Break the system according to the plan of this seed, and check it."""
    faults, sent = Faults(site, world), world.sent
    try:
        took = _play(world, faults, plan(seed, seconds, place))
    except AssertionError as error:
        runs = f"--seed {world.seed} --runs {seed - world.seed + 1} --seconds {seconds:g} --site {place}"
        tails = "\n".join(f"--- {system.data.parent.name}\n{system.tail()}" for system in site.systems)
        counts = f"{dict(faults.done)} {dict(faults.missed)}"
        raise AssertionError(f"{error}\n{counts}\nagain: python tests/faults/run.py {runs}\n{tails}") from error
    counts = {"faults": dict(faults.done), "missed": dict(faults.missed)}
    return {"seed": seed, "site": place, "events": world.sent - sent, "settled": round(took, 1), **counts}


def _play(world: World, faults: Faults, steps: list[Any]) -> float:
    """Return how many seconds after the last fault everything was as it must be."""
    started = time.monotonic()
    for step in steps:
        time.sleep(max(started + step.at - time.monotonic(), 0.0))
        if step.what == "crossing":
            world.cross(ARTICLES)
        elif step.what in PUBLISHING:
            world.send(step.what, step.article)
        else:
            faults.begin(step.what, step.seconds)
    faults.end()
    ended = time.monotonic()
    world.send("publish", 99)
    wrong = world.wrong()
    while wrong and time.monotonic() < ended + WITHIN:
        time.sleep(0.5)
        wrong = world.wrong()
    took = time.monotonic() - ended
    assert not wrong, "\n".join(wrong[:20])
    assert not (broken := world.broken()), "\n".join(broken[:20])
    _checks_can_fail(world)
    silent = list(world.silent())
    while silent and time.monotonic() < ended + WITHIN:
        time.sleep(1.0)
        silent = list(world.silent())
    assert not silent, "\n".join(silent)
    return took


def _checks_can_fail(world: World) -> None:
    """Check the checks: a state that does not exist must be reported missing everywhere."""
    known = world.truth["article-99"]
    text, known.text = known.text, "what nobody published"
    missed = " ".join(world.wrong())
    known.text = text
    for place in ("first has", "second has", "folder lacks", "feed in rss", "feed in json", "changes lack", "page has"):
        assert place in missed, f"the check of {place!r} found nothing: {missed}"


@contextlib.contextmanager
def folder_for(what: str) -> Any:
    with tempfile.TemporaryDirectory(prefix=f"citewire-{what}-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--seconds", type=float, default=8.0, help="in which something is broken, in each run")
    parser.add_argument("--runs", type=int, default=10, help="of a system, each with the next seed")
    parser.add_argument("--minutes", type=float, default=0.0, help="start one system after the other for so long")
    parser.add_argument("--site", choices=SITES, help="without it: each in turn")
    given = parser.parse_args()
    places = [given.site] if given.site else list(SITES)
    if "hosts" in places and (reason := why_not()):
        print(f"without three hosts: {reason}", flush=True)
        places.remove("hosts")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that everything that was started is ended
    until, seed, counts = time.monotonic() + given.minutes * 60, given.seed, Counts()
    with contextlib.ExitStack() as stack:
        shared = Servers(stack)
        while True:
            for place in places:
                _several(seed, given.seconds, place, shared, given.runs, counts)
            seed += given.runs
            if time.monotonic() >= until:
                break
    print(json.dumps(counts.all))
    sys.exit(1 if counts.failed else 0)


@dataclass
class Counts:
    runs: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    @property
    def all(self) -> dict[str, dict[str, int]]:
        return {name: dict(sorted(found.items())) for name, found in vars(self).items()}


def _several(first: int, seconds: float, place: Place, shared: Servers, runs: int, counts: Counts) -> None:
    """Run several seeds on one system. After one that failed, a new system takes the rest."""
    left = list(range(first, first + runs))
    while left:
        on_this = 0
        try:
            with begun(left[0], place, shared) as (site, world):
                while left:
                    seed, on_this = left.pop(0), on_this + 1
                    counts.runs[place] += 1
                    done = one_run(site, world, seed, seconds, place)
                    counts.faults.update(done["faults"])
                    counts.missed.update(done["missed"])
                    print(json.dumps(done), flush=True)
        except AssertionError as error:
            counts.failed[place] += 1
            print(f"FAILED {error}", flush=True)
            if not on_this:  # it did not start
                del left[0]


if __name__ == "__main__":
    main()
