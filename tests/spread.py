"""The order of test files for several processes: files that wait are spread among those that compute, long ones first.

Half of the suite's time is spent in tests that start processes and wait for them. Run one after the other, as their
folders are, they leave the cores idle, and those that compute then share the cores among too many. And a long file
that begins last would run alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from heapq import merge
from itertools import accumulate

import pytest

# Folders whose tests mostly wait for the processes that they start.
WAITING = frozenset({"channels", "cli", "deployment", "end_to_end", "faults", "places", "standins", "workers"})
# About how many seconds a test of a folder takes. They need not be right: what is wrong costs seconds, and no test.
_SECONDS = {"end_to_end": 2.7, "faults": 9.4, "places": 0.7, "feeds": 0.4, "stages": 0.3, "web": 0.3, "deployment": 0.5}
_OTHERS = 0.12
# The seconds of files that take much longer than their folder says.
_LONG = {
    "end_to_end/test_wrong_clocks.py": 75,
    "end_to_end/test_console_dead_letters.py": 60,
    "end_to_end/test_clocks.py": 40,
    "stages/test_in_turn.py": 41,
    "stages/test_deliver.py": 40,
    "web/test_console_browser.py": 40,
    "intake/test_intake_growth.py": 37,
    "stages/test_enrich.py": 35,
    "renditions/test_every_judge.py": 32,
    "web/test_audit_of_routes.py": 31,
    "feeds/test_late_writers.py": 30,
    "renditions/test_browser.py": 29,
    "web/test_bulk_web.py": 20,
}


def spread(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Return the tests in the order in which several processes should begin them; those of a file stay together."""
    files = defaultdict(list)
    for item in items:
        files[item.nodeid.partition("::")[0].removeprefix("tests/")].append(item)
    seconds = {file: seconds_of(file, len(tests)) for file, tests in files.items()}
    return [item for file in in_order(seconds) for item in files[file]]


def in_order(seconds: Mapping[str, float]) -> list[str]:
    """Merge the two kinds of files so that each has the same share of its seconds behind it at any time."""
    kinds: tuple[dict[str, float], dict[str, float]] = {}, {}
    for file in sorted(seconds, key=lambda file: (-seconds[file], file)):
        kinds[_folder(file) in WAITING][file] = seconds[file]
    return [file for _, file in merge(*map(_begins, kinds))]


def seconds_of(file: str, tests: int) -> float:
    """Estimate how long the file with so many tests takes."""
    return _LONG.get(file) or tests * _SECONDS.get(_folder(file), _OTHERS)


def _begins(seconds: Mapping[str, float]) -> Iterable[tuple[float, str]]:
    """Yield each file with the share of all seconds that come before it."""
    whole = sum(seconds.values()) or 1.0
    return zip((before / whole for before in accumulate(seconds.values(), initial=0.0)), seconds, strict=False)


def _folder(file: str) -> str:
    return file.partition("/")[0]
