"""Whether an article is published as quickly while a whole site is rendered again.

    python -m benchmarks.refresh [--articles N] [--alone N] [--rate R]

A real `citewire up` has N articles at a webhook. A few articles are published one at a time, and timed from the event's
POST to the partner; then the disclaimer changes, `citewire reload` takes it up, and as many are published while the N
are rendered and delivered again. The articles cite nothing, so none waits for PubMed. The ratio of the medians must be
at most 1.5. R is `render.refresh_rate`, in articles per second. In the end every rendition, every page, every file in a
folder and the feed must show the new disclaimer.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import requests

from benchmarks.figures import percentile, table
from benchmarks.processes import end_on_signals, plain_environment, until
from benchmarks.receiving import Receiving, receiving
from benchmarks.samples import short
from benchmarks.system import Running, configured, running
from config.settings import RenderSettings
from pipeline.renditions import formats
from standins.eutils import EutilsStandin

MOST = 1.5
_APART = 1.0  # seconds between two articles that are published alone
_WITHIN = 3600.0
_OLD, _NEW = "for information only", "for your information only"
_MORE = """
[render]
refresh_rate = {rate}

[[channels]]
id = "archive"
type = "directory"
format = "json-ld"
path = "{path}"
"""
_EXTENSIONS = tuple(one.extension for one in formats().values() if one.extension != "html")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.refresh", description="Publish during a refresh.")
    parser.add_argument("--articles", type=int, default=2000)
    parser.add_argument("--alone", type=int, default=30)
    parser.add_argument("--rate", type=float, default=RenderSettings.model_fields["refresh_rate"].default)
    arguments = parser.parse_args()
    end_on_signals()
    plain = plain_environment()
    with tempfile.TemporaryDirectory(prefix="citewire-benchmark-") as name:
        folder = Path(name)
        with EutilsStandin() as pubmed, receiving(folder, plain) as partner:
            more = _MORE.format(path=folder / "archive", rate=arguments.rate)
            environment = configured(folder, pubmed=pubmed.url, partner=partner.url, more=more)
            with running(folder, environment) as system:
                print(_compared(folder, system, partner, arguments.articles, arguments.alone))
    print(f"{os.cpu_count()} cores; load average {os.getloadavg()[0]:.1f}: above about 1 before, others worked")


def _compared(folder: Path, system: Running, partner: Receiving, articles: int, alone: int) -> str:
    system.citewire("publish", _files(folder / "site", articles))
    partner.wait_for(articles, within=_WITHIN)
    quiet = _one_by_one(system, partner, folder / "quiet", alone)
    settings = folder / "site.toml"
    settings.write_text(settings.read_text().replace(_OLD, _NEW))
    system.citewire("reload", "--timeout", "600")
    begun = time.monotonic()
    until(lambda: _refreshed(partner) > 0, within=60, what="the first refreshed article")
    busy = _one_by_one(system, partner, folder / "busy", alone)
    left = articles + alone - _refreshed(partner)
    assert left > 0, "the site was refreshed before the last article was published: give more --articles"
    until(lambda: _refreshed(partner) >= articles + alone, within=_WITHIN, what="all articles to be refreshed")
    seconds = time.monotonic() - begun
    until(lambda: not _lacking(folder, system), within=300, what="the new disclaimer to be shown everywhere")
    rows = [
        (name, *(f"{percentile(one, each) * 1000:.0f}" for each in (50, 95)))
        for name, one in (("quiet", quiet), ("during the refresh", busy))
    ]
    print(f"{articles:,} articles; {alone} published alone in each state\n")
    print(table(("from the event's POST to the partner", "p50 ms", "p95 ms"), rows), end="\n\n")
    print("peak memory:", ", ".join(f"{name} {most:.0f} MB" for name, most in system.memory().items()))
    found = statistics.median(busy) / statistics.median(quiet)
    rate = (articles + alone) / seconds
    assert found <= MOST, f"a publish takes {found:.2f} times as long"
    return f"{found:.2f} times as long during the refresh, which did {rate:.1f} articles per second"


def _lacking(folder: Path, system: Running) -> list[str]:
    """Return where the new disclaimer is not shown yet: files, pages, renditions and the feed, asked from outside."""
    names = {path.stem for path in (folder / "archive").glob("*.json-ld")}
    lacking = [path.name for path in (folder / "archive").glob("*.json-ld") if _NEW not in path.read_text()]
    paths = [f"/articles/{name}{suffix}" for name in names for suffix in ("", *(f".{one}" for one in _EXTENSIONS))]
    with requests.Session() as session:
        for path in [*paths, "/feeds/latest.rss", "/feeds/latest.atom", "/feeds/latest.json"]:
            answer = session.get(system.web + path, timeout=30)
            if answer.status_code != 200 or _NEW not in answer.text:
                lacking.append(path)
    return lacking


def _files(folder: Path, count: int) -> Path:
    """Create a folder with articles that are named after it."""
    folder.mkdir()
    for number in range(count):
        name = f"{folder.name}-{number}"
        (folder / f"{name}.md").write_text(short(name, "Rest, and stretch every day. " * 100))
    return folder


def _one_by_one(system: Running, partner: Receiving, folder: Path, count: int) -> list[float]:
    """Publish articles one after the other, and return the seconds until the partner had each."""
    before, sent = partner.count(), dict[str, float]()
    with system.posting() as post:
        for file in sorted(_files(folder, count).iterdir()):
            sent[file.stem] = time.time()
            post(file)
            time.sleep(_APART)
    until(lambda: len(_came(partner, before, sent)) == count, within=300, what="the articles published alone")
    return [at - sent[article] for article, at in _came(partner, before, sent).items()]


def _came(partner: Receiving, before: int, sent: dict[str, float]) -> dict[str, float]:
    records = partner.since(before)
    own = [one for one in records if one["headers"]["citewire-event"] == "published"]
    return {
        one["headers"]["citewire-article"]: float(one["at"])
        for one in own
        if one["headers"]["citewire-article"] in sent
    }


def _refreshed(partner: Receiving) -> int:
    return sum(one["headers"].get("citewire-cause") == "refreshed" for one in partner.since(0))


if __name__ == "__main__":
    main()
