"""The plain way: one Celery task renders an article as RSS, AMP and JSON and posts each to a webhook.

It is what a team writes in an afternoon, with PyYAML, markdown-it, feedgen, Jinja2 and requests: no ledger, no
signatures, no citations, and the retries are Celery's. In the environment, BENCHMARK_REDIS is the queue, BENCHMARK_URLS
are the addresses, which get RSS, AMP and JSON in turn, and BENCHMARK_FEED, if set, is a folder where each article
rebuilds a feed.

    python -m benchmarks.plain_celery FOLDER

sends a task for each file in the folder.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import json
import os
import sys
from pathlib import Path
from typing import Any

import jinja2
import requests
import yaml
from celery import Celery
from feedgen.feed import FeedGenerator
from markdown_it import MarkdownIt

app = Celery("plain", broker=os.environ.get("BENCHMARK_REDIS"))
app.conf.update(broker_transport_options={"global_keyprefix": "plain:"}, task_ignore_result=True)
_AMP = """<!doctype html><html ⚡ lang="{{ language }}"><head><meta charset="utf-8">
<script async src="https://cdn.ampproject.org/v0.js"></script><title>{{ title }}</title>
<link rel="canonical" href="{{ url }}"><meta name="viewport" content="width=device-width">
<style amp-boilerplate>body{animation:none}</style></head><body><h1>{{ title }}</h1><p>{{ summary }}</p>{{ body|safe }}
<ol>{% for pmid in pmids %}<li><a href="https://pubmed.ncbi.nlm.nih.gov/{{ pmid }}/">{{ pmid }}</a></li>{% endfor %}
</ol><p>{{ disclaimer }}</p></body></html>"""
_template = jinja2.Environment(autoescape=True).from_string(_AMP)
_markdown = MarkdownIt()


@app.task(name="plain.syndicate", acks_late=True, autoretry_for=(requests.RequestException,), retry_backoff=True)
def syndicate(text: str) -> None:
    article = _read(text)
    made = {
        "application/rss+xml": _feed([article]),
        "text/html": _template.render(article).encode(),
        "application/json": json.dumps(article).encode(),
    }
    for url, (kind, body) in zip(os.environ["BENCHMARK_URLS"].split(), itertools.cycle(made.items()), strict=False):
        headers = {"content-type": kind, "webhook-id": f"{article['id']}-{url}", "citewire-article": article["id"]}
        _session().post(url, data=body, headers=headers, timeout=20).raise_for_status()
    if "BENCHMARK_FEED" in os.environ:
        _rebuild(Path(os.environ["BENCHMARK_FEED"]), article)


def _read(text: str) -> dict[str, Any]:
    _, front, body = text.split("---\n", 2)
    fields = yaml.safe_load(front)
    kept = {name: str(fields.get(name, "")) for name in ("id", "title", "summary", "published", "updated")}
    more = {"url": f"https://notes.example.org/{kept['id']}", "language": "en", "pmids": fields.get("references", [])}
    return kept | more | {"body": _markdown.render(body), "disclaimer": "This is for information only."}


def _feed(articles: list[dict[str, Any]]) -> bytes:
    feed = FeedGenerator()
    feed.title("Doctor's Note")
    feed.link(href="https://notes.example.org/")
    feed.description("Doctor's Note: latest")
    for article in articles:
        entry = feed.add_entry(order="append")
        entry.guid(article["id"])
        entry.title(article["title"])
        entry.link(href=article["url"])
        entry.content(article["body"], type="CDATA")
        entry.published(dt.datetime.fromisoformat(article["published"][:10]).replace(tzinfo=dt.UTC))
    rss: bytes = feed.rss_str()
    return rss


def _rebuild(folder: Path, article: dict[str, Any]) -> None:
    """Keep the article, and write the feed of the newest 50 again."""
    (folder / f"{article['id']}.json").write_text(json.dumps(article))
    newest = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)[:50]
    part = folder / f"feed.{os.getpid()}"
    part.write_bytes(_feed([json.loads(file.read_text()) for file in newest]))
    part.replace(folder / "feed.xml")


@functools.cache
def _session() -> requests.Session:
    return requests.Session()


if __name__ == "__main__":
    for file in sorted(Path(sys.argv[1]).iterdir()):
        syndicate.delay(file.read_text(encoding="utf-8"))
