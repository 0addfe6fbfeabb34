"""How well the article is extracted from a page, compared with bare trafilatura and readability-lxml.

    python -m benchmarks.extraction [FOLDER] [--worst N]

The metric is that of the public scrapinghub/article-extraction-benchmark: precision and recall of 4-word shingles per
page, and F1 of their means. A page that is refused counts as empty. FOLDER holds `ground-truth.json` and
`html/ID.html.gz`; by default it is `../shared/data/pages` beside the checkout.

Citewire has four rows. *text* is the text selected from the page. The others are what readers see, the answer and the
body, in three formats: plain text, the article's HTML page and JSON-LD. They include captions, image descriptions, list
numbers and the column heads that plain text repeats in each table row, which the ground truth does not.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import json
import logging
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lxml import html as lxml_html

from benchmarks.figures import table
from pipeline.errors import InvalidArticle
from pipeline.flattening import blocks_text, sections_text
from pipeline.intake import SourceFile, read_source
from pipeline.intake.sources.html_page import article_element
from pipeline.intake.sources.html_page.words import runs_in
from pipeline.model.article import Article
from pipeline.model.revision import Revision
from pipeline.model.site import Site
from pipeline.renditions import format_named

PAGES = Path(__file__).resolve().parents[2] / "shared" / "data" / "pages"
_SHINGLE = 4
_ANSWER = ".//article/section[@class='short-answer']/*"
_BODY = ".//article/div[@class='body']"
_SITE = Site(title="Site", url="https://site.example", publisher="Site", disclaimer="")
_DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


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
    expected, given = shingles(marked), shingles(found)
    both = (expected & given).total()
    return Score(both / given.total(), both / expected.total())


def mean(scores: list[Score]) -> Score:
    return Score(statistics.mean(one.precision for one in scores), statistics.mean(one.recall for one in scores))


# --- contenders: from a page's bytes to its text----------------------------------------------------------------------


def chosen(page: bytes) -> str:
    return " ".join(" ".join(run.text) for run in runs_in(article_element(SourceFile(page, "page.html"))))


@lru_cache(maxsize=200)  # each page is read once for the three forms, which the first one's time includes
def _article(page: bytes) -> Article:
    return read_source(SourceFile(page, "page.html")).article


def as_plain_text(page: bytes) -> str:
    article = _article(page)
    return "\n\n".join([article.answer, blocks_text(article.lead), sections_text(article.sections)])


def as_html(page: bytes) -> str:
    """The words of the answer and the body in the article's page."""
    tree = lxml_html.fromstring(_rendered(page, "html").decode())
    answer = [element for element in tree.findall(_ANSWER) if element.tag != "h2"]
    return "\n".join("\n".join(map(str, element.itertext())) for element in [*answer, *tree.findall(_BODY)])


def as_json_ld(page: bytes) -> str:
    node = json.loads(_rendered(page, "json-ld"))
    return "\n\n".join([node["description"], *_texts(node)])


def _texts(node: dict[str, Any]) -> Iterator[str]:
    yield node.get("text", "")
    for part in node.get("hasPart", ()):
        yield part["name"]
        yield from _texts(part)


def _rendered(page: bytes, form: str) -> bytes:
    revision = Revision(article=_article(page), number=1, published=_DAY, updated=_DAY)
    return format_named(form).render(revision, _SITE)


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
    "citewire, plain text": as_plain_text,
    "citewire, html": as_html,
    "citewire, json-ld": as_json_ld,
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
    pages, marked = load(arguments.folder)
    logging.disable(logging.CRITICAL)  # the libraries log every page with little text
    results = {name: run(extract, pages, marked) for name, extract in CONTENDERS.items()}
    columns = ("reader", "F1", "precision", "recall", "least precision", "below 0.5", "refused", "ms a page")
    print(f"{len(pages)} pages\n")
    print(table(columns, [_row(name, result) for name, result in results.items()]))
    for name, one in _worst(results["citewire, text"])[: arguments.worst]:
        print(f"{name[:12]}  precision {one.precision:.2f}  recall {one.recall:.2f}  {truth[name].get('url', '')}")


def load(folder: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the pages and the text that people marked in each, by the page's name."""
    truth = json.loads((folder / "ground-truth.json").read_text(encoding="utf-8"))
    marked = {name: entry["articleBody"] for name, entry in sorted(truth.items())}
    return {name: gzip.decompress((folder / "html" / f"{name}.html.gz").read_bytes()) for name in marked}, marked


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
