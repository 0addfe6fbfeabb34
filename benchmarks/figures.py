"""Statistics of samples, and tables to print them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return an aligned Markdown table, with the first column left-aligned and the others right-aligned."""
    widths = [max(len(row[number]) for row in (columns, *rows)) for number in range(len(columns))]

    def line(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        return "| " + " | ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|"
    return "\n".join([line(columns), rule, *map(line, rows)])


def interleaved(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the CPU seconds of each contender in each round.

    A round runs all contenders in turn. CPU time excludes other processes, and a busy moment affects all contenders
    alike.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            started = time.process_time()
            run()
            seconds[name].append(time.process_time() - started)
    return seconds


def ratio(ours: Sequence[float], floor: Sequence[float]) -> float:
    """Return the median of the ratios per round."""
    return statistics.median(one / other for one, other in zip(ours, floor, strict=True))


def percentile(sample: Sequence[float], percent: int) -> float:
    """Return the smallest value that the given percentage of the sample does not exceed."""
    ordered = sorted(sample)
    return ordered[max(-(-len(ordered) * percent // 100) - 1, 0)]
