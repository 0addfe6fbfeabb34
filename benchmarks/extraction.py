"""How well the article is extracted from a page, compared with bare trafilatura and readability-lxml.

    python -m benchmarks.extraction [FOLDER] [--worst N]

The metric is that of the public scrapinghub/article-extraction-benchmark: precision and recall of 4-word shingles per
page, and F1 of their means. A page that is refused counts as empty. FOLDER holds `ground-truth.json` and
`html/ID.html.gz`; by default it is `../shared/data/pages` beside the checkout.

There are two figures for Citewire. *text* is the text selected from the page. *as published* is everything that readers
see: the answer, which is the page's own summary if it has one and which the benchmark's ground truth does not include,
and the text after it has been converted to the article's tree.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lxml import html as lxml_html

from benchmarks.figures import table
from pipeline.errors import InvalidArticle
from pipeline.flattening import blocks_text, sections_text
from pipeline.intake import SourceFile, read_source
from pipeline.intake.sources.html_page import article_element
from pipeline.intake.sources.html_page.words import runs_in

PAGES = Path(__file__).resolve().parents[2] / "shared" / "data" / "pages"
_SHINGLE = 4


@dataclass(frozen=True)
class Score:
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def shingles(text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"\w+", text)
    return Counter(tuple(words[start : start + _SHINGLE]) for start in range(max(1, len(words) - _SHINGLE + 1)))


def score(marked: str, found: str) -> Score:
    """Return the score of one page."""
    wanted, given = shingles(marked), shingles(found)
    both = (wanted & given).total()
    return Score(both / given.total(), both / wanted.total())


def mean(scores: list[Score]) -> Score:
    return Score(statistics.mean(one.precision for one in scores), statistics.mean(one.recall for one in scores))


# --- contenders: from a page's bytes to its text----------------------------------------------------------------------


def chosen(page: bytes) -> str:
    return " ".join(" ".join(run.text) for run in runs_in(article_element(SourceFile(page, "page.html"))))


def as_published(page: bytes) -> str:
    article = read_source(SourceFile(page, "page.html")).article
    return "\n\n".join([article.answer, blocks_text(article.lead), sections_text(article.sections)])


def bare_trafilatura(page: bytes) -> str:
    from trafilatura import extract

    return extract(page.decode("utf-8", "replace"), include_comments=False) or ""


def precise_trafilatura(page: bytes) -> str:
    from trafilatura import extract

    return extract(page.decode("utf-8", "replace"), include_comments=False, favor_precision=True) or ""


def bare_readability(page: bytes) -> str:
    from readability import Document

    return " ".join(map(str, lxml_html.fromstring(Document(page.decode("utf-8", "replace")).summary()).itertext()))


CONTENDERS: dict[str, Callable[[bytes], str]] = {
    "citewire, text": chosen,
    "citewire, as published": as_published,
    "trafilatura": bare_trafilatura,
    "trafilatura, for precision": precise_trafilatura,
    "readability-lxml": bare_readability,
}


# --- running ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """The result of one contender. `refused`: the number of pages without a result."""

    scores: dict[str, Score]
    refused: int
    seconds: float


def run(extract: Callable[[bytes], str], pages: dict[str, bytes], marked: dict[str, str]) -> Result:
    scores, refused, started = dict[str, Score](), 0, time.process_time()
    for name, page in pages.items():
        try:
            found = extract(page)
        except InvalidArticle:
            found = ""
        refused += not found
        scores[name] = score(marked[name], found)
    return Result(scores, refused, time.process_time() - started)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.extraction", description="Finding a page's article.")
    parser.add_argument("folder", type=Path, nargs="?", default=PAGES)
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="show the N worst pages of Citewire")
    arguments = parser.parse_args()
    if not (arguments.folder / "ground-truth.json").is_file():
        sys.exit(f"{arguments.folder} holds no ground-truth.json: the benchmark's pages are not part of this project")
    truth = json.loads((arguments.folder / "ground-truth.json").read_text(encoding="utf-8"))
    marked = {name: entry["articleBody"] for name, entry in sorted(truth.items())}
    pages = {name: gzip.decompress((arguments.folder / "html" / f"{name}.html.gz").read_bytes()) for name in marked}
    logging.disable(logging.CRITICAL)  # the libraries log every page with little text
    results = {name: run(extract, pages, marked) for name, extract in CONTENDERS.items()}
    columns = ("reader", "F1", "precision", "recall", "least precision", "below 0.5", "refused", "ms a page")
    print(f"{len(pages)} pages\n")
    print(table(columns, [_row(name, result) for name, result in results.items()]))
    for name, one in _worst(results["citewire, text"])[: arguments.worst]:
        print(f"{name[:12]}  precision {one.precision:.2f}  recall {one.recall:.2f}  {truth[name].get('url', '')}")


def _row(name: str, result: Result) -> tuple[str, ...]:
    scores = list(result.scores.values())
    whole, precisions = mean(scores), [one.precision for one in scores]
    return (
        name,
        *(f"{figure:.3f}" for figure in (whole.f1, whole.precision, whole.recall, min(precisions))),
        str(sum(precision < 0.5 for precision in precisions)),
        str(result.refused),
        f"{result.seconds / len(scores) * 1000:.0f}",
    )


def _worst(result: Result) -> list[tuple[str, Score]]:
    return sorted(result.scores.items(), key=lambda entry: entry[1].f1)


if __name__ == "__main__":
    main()
