"""Feeds strange files to the intake for some minutes: `python tests/intake/fuzz_intake.py --minutes 10`.

Ends with 1 and the file at fault where anything but an article or InvalidArticle comes out. Not collected by pytest.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

import intake_strategies as strange  # noqa: E402
import test_intake_properties as properties  # noqa: E402
from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

inputs = st.one_of(
    st.tuples(strange.raw, st.sampled_from(strange.NAMES)),
    st.tuples(strange.bodies, st.just("a.md")),
    st.tuples(strange.json_articles, st.just("a.json")),
    st.tuples(strange.html_bodies, st.just("a.html")),
    st.tuples(strange.pages, st.just("a.txt")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    end = time.monotonic() + 60 * parser.parse_args().minutes
    tried = 0

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
        print(f"{tried:,} files, nothing but articles and InvalidArticle", flush=True)


if __name__ == "__main__":
    main()
