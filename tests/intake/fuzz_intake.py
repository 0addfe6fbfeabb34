"""Feeds strange files to the intake for some minutes: `python tests/intake/fuzz_intake.py --minutes 10`.

Ends with 1 and the file at fault where anything but an article or InvalidArticle comes out, or where one that repeats
a few characters costs more than in proportion to its size. Not collected by pytest.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), *(str(Path(__file__).parents[level]) for level in (1, 2))]

import intake_strategies as strange  # noqa: E402
import test_intake_properties as properties  # noqa: E402
from growing import growth  # noqa: E402
from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from test_intake_growth import BEFORE, read  # noqa: E402

inputs = st.one_of(
    st.tuples(strange.raw, st.sampled_from(strange.NAMES)),
    st.tuples(strange.bodies, st.just("a.md")),
    st.tuples(strange.json_articles, st.just("a.json")),
    st.tuples(strange.html_bodies, st.just("a.html")),
    st.tuples(strange.pages, st.just("a.txt")),
)

# What each form's parsers look for. A few of them, repeated, is what a text is made of that takes long.
PIECES = {
    "html": [
        "<",
        "</",
        ">",
        "a",
        "1",
        "/",
        "=",
        '"',
        "'",
        " ",
        "\n",
        "!",
        "?",
        "-",
        "&",
        "#1;",
        "<!--",
        "<p>",
        "<script",
    ],
    "md": [*'<>a/="*_ \n!-&`[]()^~|:#\\{', "1.", "10.1000/", "http://", "::: note\n"],
    "txt": [*"a \n()[]1.©:•|-,’", "By ", "PMID", "10.1000/", "http://", "References\n"],
}
_SIZE, _ENOUGH = 20_000, 0.05  # bytes, and the seconds that they must cost before their growth is looked at


def repeat(chance: random.Random) -> None:
    form = chance.choice(list(PIECES))
    unit = "".join(chance.choices(PIECES[form], k=chance.randint(1, 4)))

    def work(size: int) -> None:
        read(BEFORE[form] + unit * (size // len(unit.encode())), f"a.{form}")

    begun = time.process_time()
    work(_SIZE)
    if time.process_time() - begun > _ENOUGH and (wrong := growth(work)):
        sys.exit(f"{unit!r} in .{form}, again and again: {wrong}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    end = time.monotonic() + 60 * parser.parse_args().minutes
    tried, repeated, chance = 0, 0, random.Random()

    @settings(
        max_examples=2000,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.target, Phase.shrink],
    )
    @given(inputs)
    def feed(source: tuple[bytes, str]) -> None:
        nonlocal tried
        tried += 1
        properties.check(*source)

    while time.monotonic() < end:
        feed()
        for _ in range(200):
            repeat(chance)
            repeated += 1
        print(
            f"{tried:,} files, nothing but articles and InvalidArticle; {repeated:,} repeat something, none too long",
            flush=True,
        )


if __name__ == "__main__":
    main()
