"""Attack a whole running system, and check from outside that honest readers and partners hardly notice.

    make adversary SEED=1 MINUTES=60
    python tests/adversary/run.py --seed 1 --slices 1 --place postgresql

In each slice quiet and attacked spells alternate, so that both have the same machine. Two ratios of medians are
reported: of honest readers' waiting, and of the time from an honest event's POST to its webhook. Waiting below a floor
counts as the floor, since nobody notices it and a busy machine doubles it. A slice that is over a limit is repeated
once; it is wrong only if it is over it again. Whatever is lost, leaked (see canaries.py) or answered with a status 5xx
other than a typed 503 is wrong at once. Every few slices the system's clock is set off by a day, both ways; nothing is
timed then, because a system with a wrong clock rests.

The same seed gives the same attacks; what they meet depends on the machine. The command ends with status 1 and a line
to replay if anything is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
sys.path[:0] = [str(HERE), *(str(TESTS / folder) for folder in ("faults", "end_to_end", "")), str(TESTS.parent)]

from besieged import Besieged, besieged  # noqa: E402  (after the paths that the modules of the tests need)
from canaries import Search  # noqa: E402
from faked_clock import is_here  # noqa: E402
from honest import Honest, Waited, ratio  # noqa: E402
from schedule import ATTACKS, PLACES, Place, Slice, slice_of  # noqa: E402
from servers import postgresql  # noqa: E402
from sqlalchemy.engine import URL  # noqa: E402
from waiting import until  # noqa: E402

MOST_READS, MOST_DELIVERIES = 2.0, 1.5  # times as long as in quiet spells
FLOOR_READS, FLOOR_DELIVERIES = 0.010, 0.250  # seconds
WITHIN = 180.0  # seconds after an attack, in which everything accepted has arrived everywhere
SLICES = 4  # of one system
_CLOCKS = ("+1d", "+0", "-1d", "+0")


@dataclass(frozen=True)
class Pace:
    """How a slice is divided: so many times a quiet spell and an attacked one, in seconds."""

    rounds: int = 2
    quiet: float = 6.0
    attacked: float = 8.0
    fewest: int = 5  # deliveries in each spell, which goes on for them
    warm: float = 1.0  # after the attack has begun or ended, before anything is measured


@dataclass
class Played:
    """What was seen of a slice."""

    quiet: Waited = field(default_factory=Waited)
    attacked: Waited = field(default_factory=Waited)
    seen: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)


def play(site: Besieged, honest: Honest, one: Slice, pace: Pace) -> Played:
    """Play one slice, and look for what was lost, leaked or slow."""
    played = Played()
    for _ in range(pace.rounds):
        honest.work(played.quiet, pace.quiet, pace.fewest)
        order = {"attacks": one.attacks, "conducts": one.conducts, "seed": one.seed}
        site.attackers.tell(order)
        time.sleep(pace.warm)
        honest.work(played.attacked, pace.attacked, pace.fewest)
        played.seen = site.attackers.tell({})
        time.sleep(pace.warm)
    played.figures = {"seed": one.seed, "place": one.place, "attacks": one.attacks, "conducts": one.conducts}
    played.wrong += [*played.quiet.wrong, *played.attacked.wrong, *played.seen["wrong"]]
    _settle(site, played)
    _measure(site, played)
    return played


def play_clocks(site: Besieged, honest: Honest, one: Slice, seconds: float = 6.0) -> Played:
    """Set the clock off by a day, both ways, while the attack goes on."""
    assert site.clock is not None
    played = Played(figures={"seed": one.seed, "place": one.place, "clock": _CLOCKS})
    site.attackers.tell({"attacks": one.attacks, "conducts": one.conducts, "seed": one.seed})
    for to in _CLOCKS:
        site.clock.turn(to)
        ignored = Waited()
        honest.work(ignored, seconds, 0)
        played.wrong += [what for what in ignored.wrong if not what.startswith("a reader") or "503" not in what]
    played.seen = site.attackers.tell({})
    played.wrong += played.seen["wrong"]
    _settle(site, played)
    return played


def _settle(site: Besieged, played: Played) -> None:
    """Wait until everything accepted is everywhere; what is missing then is lost."""
    begun = time.monotonic()
    lost = site.world.wrong()
    while lost and time.monotonic() < begun + WITHIN:
        time.sleep(0.5)
        lost = site.world.wrong()
    played.figures["settled"] = round(time.monotonic() - begun, 1)
    search = Search(site.canaries)
    played.wrong += [*lost[:20], *site.world.broken(), *_twice(site)]
    played.wrong += [f"leaked: {what}" for what in sorted(set(site.leaks(search)))]
    if site.clock is None and (traces := site.running.log.read_text().count("Traceback (most recent")):
        played.wrong.append(f"the log has {traces} tracebacks, though nothing is wrong with the program")
    if hits := played.seen["partner"].get("/trap", 0):
        played.wrong.append(f"{hits} redirects of partners were followed")
    played.figures |= {"canaries": len(site.canaries), "searched": search.places, "bytes": search.size}
    played.figures |= {"clients": played.seen["counts"], "partners": played.seen["partner"]}


def _twice(site: Besieged) -> Iterator[str]:
    """Yield the revisions that the honest partner, who accepts everything, was sent more than once."""
    if site.clock is not None:
        return  # a process whose clock jumps may lose its lease, and then another one repeats its work
    counts: Counter[tuple[str, str]] = Counter()
    for one in site.world.receivers["first"].received:
        if one.method == "POST" and one.headers["citewire-article"] in site.world.truth:
            counts[one.headers["citewire-article"], one.headers["citewire-revision"]] += 1
    yield from (f"the partner got {key} {times} times" for key, times in counts.items() if times > 1)


def _measure(site: Besieged, played: Played) -> None:
    quiet, attacked = (waited.deliveries(site.world) for waited in (played.quiet, played.attacked))
    for what, before, during, floor, most in (
        ("reads", played.quiet.reads, played.attacked.reads, FLOOR_READS, MOST_READS),
        ("deliveries", quiet, attacked, FLOOR_DELIVERIES, MOST_DELIVERIES),
    ):
        if not before or not during:
            played.slow.append(f"no {what} were made")
            continue
        found = ratio(before, during, floor)
        played.figures[what] = {
            "number": [len(before), len(during)],
            "ms": [round(1000 * statistics.median(times), 1) for times in (before, during)],
            "ratio": round(found, 2),
        }
        if found > most:
            played.slow.append(f"{what} took {found:.2f} times as long as in quiet, over {most}")


@contextlib.contextmanager
def begun(
    seed: int, place: Place, server: URL | None, *, with_clock: bool = False
) -> Iterator[tuple[Besieged, Honest]]:
    """A system for slices from this seed on, which has some articles."""
    with (
        tempfile.TemporaryDirectory(prefix="citewire-adversary-", ignore_cleanup_errors=True) as name,
        besieged(Path(name), seed, server if place == "postgresql" else None, with_clock=with_clock) as site,
    ):
        honest = Honest(site.world, seed)
        honest.publish_first(5)
        until(lambda: not site.world.wrong(), what=lambda: "\n".join([*site.world.wrong(), site.running.tail()]))
        yield site, honest


@dataclass
class Sums:
    slices: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    ratios: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, played: Played, place: Place) -> None:
        for what in ("reads", "deliveries"):
            if what in played.figures:
                self.ratios[f"{place} {what}"].append(played.figures[what]["ratio"])

    def line(self) -> str:
        ratios = {
            name: {"median": round(statistics.median(found), 2), "most": max(found)}
            for name, found in sorted(self.ratios.items())
        }
        counts = {name: dict(getattr(self, name)) for name in ("slices", "failed", "repeated")}
        return json.dumps(counts | {"ratios": ratios})


def several(
    first: int, place: Place, server: URL | None, slices: int, sums: Sums, *, attacks: Sequence[str], with_clock: bool
) -> None:
    """Play several slices on one system."""
    seed = first
    try:
        with begun(first, place, server, with_clock=with_clock) as (site, honest):
            for seed in range(first, first + slices):
                one = slice_of(seed, place, attacks)
                sums.slices[f"{place}, clocks" if with_clock else place] += 1
                played = play_clocks(site, honest, one) if with_clock else _timed(site, honest, one, sums)
                print(json.dumps(played.figures), flush=True)
                assert not played.wrong, "\n".join(played.wrong[:30]) + f"\n{site.running.tail()}"
    except AssertionError as error:
        sums.failed[place] += 1
        clock = " --clocks" if with_clock else ""
        clock += f" --attacks {' '.join(attacks)}" if attacks else ""
        again = f"--seed {first} --slices {seed - first + 1} --place {place}{clock}"
        print(f"FAILED {error}\nagain: python tests/adversary/run.py {again}", flush=True)


def _timed(site: Besieged, honest: Honest, one: Slice, sums: Sums) -> Played:
    played = play(site, honest, one, Pace())
    if played.slow and not played.wrong:
        print(json.dumps(played.figures | {"again for": played.slow}), flush=True)
        sums.repeated[one.place] += 1
        played = play(site, honest, one, Pace(rounds=3))
        played.wrong += played.slow
    sums.add(played, one.place)
    return played


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--minutes", type=float, default=0.0, help="start one system after the other for so long")
    parser.add_argument("--slices", type=int, default=SLICES, help="of a system, each with the next seed")
    parser.add_argument("--place", choices=PLACES, help="without it: each in turn")
    parser.add_argument("--attacks", nargs="+", choices=ATTACKS, help="only these, whatever the seed says")
    parser.add_argument("--clocks", action="store_true", help="only slices with a wrong clock")
    given = parser.parse_args()
    places = [given.place] if given.place else list(PLACES)
    if not is_here():
        print("without wrong clocks: faketime is not here; Debian's package `faketime` has it", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that everything that was started is ended
    end, seed, sums, turn = time.monotonic() + given.minutes * 60, given.seed, Sums(), 0
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgresql()) if "postgresql" in places else None
        while True:
            for place in places:
                clocks = given.clocks or (turn % 3 == 2 and is_here())
                number = 1 if clocks and not given.clocks else given.slices
                several(seed, place, server, number, sums, attacks=given.attacks or (), with_clock=clocks)
            seed, turn = seed + given.slices, turn + 1
            if time.monotonic() >= end:
                break
    print(sums.line())
    sys.exit(1 if sums.failed else 0)


if __name__ == "__main__":
    main()
