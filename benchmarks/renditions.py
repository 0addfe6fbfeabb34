"""The cost of rendering: each format and all of them, in CPU and in the store, feed documents, and the memory that a
very long article needs.

python -m benchmarks.renditions [--rounds N] [--megabytes N]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence

from msgspec import structs

from benchmarks.figures import interleaved, percentile, table
from benchmarks.samples import ROOT, SITE, big, revision_of, seed
from pipeline.intake import read_article
from pipeline.model.article import Article
from pipeline.model.rendition import Format, digest_of
from pipeline.model.revision import Revision
from pipeline.renditions import formats
from pipeline.store.frames import packed, unpacked

SEVEN = ("rss", "atom", "json-feed", "amp", "ninjs", "apple-news", "json-ld")
FORMS = ("md", "json", "html", "txt")
ENTRIES = 50  # of a feed document
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.renditions", description="What rendering costs.")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--megabytes", type=float, default=5.0, help="size of the article used for measuring memory")
    parser.add_argument("--memory-of", choices=FORMS, help=argparse.SUPPRESS)  # in a separate process
    arguments = parser.parse_args()
    size = int(arguments.megabytes * 1024 * 1024)
    if arguments.memory_of:
        print(json.dumps(_memory(arguments.memory_of, size)))
        return
    article, what = seed()
    revision = revision_of(article)
    print(f"Rendering {what}, {len(revision.references)} references; CPU time, {arguments.rounds} rounds, warm\n")
    print(_formats(revision, arguments.rounds), end="\n\n")
    print("All formats of an article in the store; CPU time of compressing, and of decompressing and verifying\n")
    print(_kept(article, arguments.rounds), end="\n\n")
    print(f"Feed documents of {ENTRIES} such articles\n")
    print(_documents(revision, max(arguments.rounds // 10, 3)), end="\n\n")
    print(f"Peak memory for an article file of {arguments.megabytes:g} MB, in a process of its own\n")
    print(_memories(arguments.megabytes))


def _formats(revision: Revision, rounds: int) -> str:
    def rendering(format: Format) -> Callable[[], bytes]:
        return lambda: format.render(revision, SITE)

    contenders = {name: rendering(format) for name, format in formats().items()}
    sizes = {name: len(render()) for name, render in contenders.items()}  # which also warms up every format
    seconds = interleaved(contenders, rounds)
    seven = [sum(seconds[name][number] for name in SEVEN) for number in range(rounds)]
    rows = [_row(name, seconds[name], f"{sizes[name]:,}") for name in contenders]
    rows.append(_row("all seven", seven, f"{sum(sizes[name] for name in SEVEN):,}"))
    return table(("format", "ms, median", "ms, 90th percentile", "bytes"), rows)


def _row(name: str, seconds: Sequence[float], size: str) -> tuple[str, ...]:
    return name, f"{statistics.median(seconds) * 1000:.2f}", f"{percentile(seconds, 90) * 1000:.2f}", size


def _kept(seed: Article, rounds: int) -> str:
    folder = ROOT / "examples" / "articles"
    examples = [read_article(file.read_bytes(), name=file.name) for file in sorted(folder.iterdir())]
    long = read_article(big("md", 500_000), name="big.md")
    articles = {f"the {len(examples)} examples": examples, "the seed page": [seed], "500 kB of Markdown": [long]}
    rows = [(name, *_row_kept(some, rounds)) for name, some in articles.items()]
    return table(("article", "bytes", "bytes in the store", "ms to compress", "ms to read"), rows)


def _row_kept(articles: Sequence[Article], rounds: int) -> tuple[str, ...]:
    bodies = [format.render(revision_of(one), SITE) for one in articles for format in formats().values()]
    frames = [(packed(body), digest_of(body)) for body in bodies]
    ways: dict[str, Callable[[], object]] = {
        "write": lambda: [packed(body) for body in bodies],
        "read": lambda: [unpacked(frame, digest) for frame, digest in frames],
    }
    seconds = interleaved(ways, rounds)
    sizes = (sum(map(len, bodies)), sum(len(frame) for frame, _ in frames))
    times = (f"{statistics.median(seconds[name]) * 1000 / len(articles):.2f}" for name in ways)
    return *(f"{size // len(articles):,}" for size in sizes), *times


def _documents(revision: Revision, rounds: int) -> str:
    feed = SITE.feeds[0]
    entries = [
        structs.replace(revision, article=structs.replace(revision.article, id=f"article-{number}"))
        for number in range(ENTRIES)
    ]

    def building(format: Format) -> Callable[[], bytes]:
        assert format.document is not None
        document = format.document
        return lambda: document(feed, entries, SITE)

    contenders = {name: building(format) for name, format in formats().items() if format.document is not None}
    sizes = {name: len(build()) for name, build in contenders.items()}
    seconds = interleaved(contenders, rounds)
    rows = [_row(name, seconds[name], f"{sizes[name]:,}") for name in contenders]
    return table(("format", "ms, median", "ms, 90th percentile", "bytes"), rows)


# --- memory -------------------------------------------------------------------------------------------------------


def _memories(megabytes: float) -> str:
    rows = []
    for form in FORMS:
        command = [sys.executable, "-m", "benchmarks.renditions", "--memory-of", form, "--megabytes", str(megabytes)]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, timeout=300, check=True)
        peaks: dict[str, float] = json.loads(done.stdout)
        rows.append((f".{form}", *(f"{peak:,.0f}" for peak in peaks.values())))
    return table(("source", "MB at start", "MB after reading", "MB after every format", "seconds"), rows)


def _memory(form: str, size: int) -> dict[str, float]:
    """Return peak resident memory in MB after reading the file and after rendering each format in turn."""
    known = formats()
    data = big(form, size)
    peaks = {"start": _peak()}
    article = read_article(data, name=f"big.{form}")
    peaks["read"] = _peak()
    revision = revision_of(article)
    for format in known.values():
        format.render(revision, SITE)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return peaks | {"rendered": _peak(), "seconds": usage.ru_utime + usage.ru_stime}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT / 1e6


if __name__ == "__main__":
    main()
