"""The example articles as they are really rendered, for channels that read what they carry."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

from channel_harness import parcel

from pipeline.channels.email import CHANNEL as EMAIL
from pipeline.intake import read_article
from pipeline.model.delivery import Links, Parcel
from pipeline.model.reference import CitedReference
from pipeline.model.rendition import Rendition
from pipeline.model.revision import EventType, Revision, Withdrawal
from pipeline.model.site import Site
from pipeline.renditions import format_named, formats

FILES = sorted((Path(__file__).resolve().parents[2] / "examples" / "articles").iterdir())
SITE = Site(
    title="Doctor's Note",
    url="https://notes.example.org",
    publisher="Example Health",
    disclaimer="This does not replace your doctor's advice.",
)
START = dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)


def rendered(file: Path, format: str, *, revision: int = 1, event: EventType | None = None) -> Parcel:
    """Return revision n of an article, n minutes after the first, or its tombstone."""
    article, kind = read_article(file.read_bytes(), name=file.name), format_named(format)
    moment = START + dt.timedelta(minutes=revision)
    if event == "withdrawn":
        gone = Withdrawal(
            article_id=article.id,
            title=article.title,
            number=revision,
            reason="The dose was wrong.",
            published=START,
            withdrawn=moment,
            language=article.language,
        )
        made = {one.name: one.tombstone(gone, SITE) for one in formats().values()}
    else:
        cited = tuple(CitedReference(number, work, "pending") for number, work in enumerate(article.references, 1))
        state = Revision(article=article, number=revision, published=START, updated=moment, references=cited)
        made = {one.name: one.render(state, SITE) for one in formats().values()}
    page = SITE.article_url(article.id)
    links = Links(
        page=page, rendition=f"{page}.{kind.extension}", amp=f"{page}.amp", feeds=(f"{SITE.url}/feeds/x.rss",)
    )
    rendition = Rendition(kind.name, kind.media_type, made[kind.name])
    also = {name: Rendition(name, formats()[name].media_type, made[name]) for name in EMAIL.also}
    one = parcel(revision, event, article=article.id)
    return replace(one, title=article.title, rendition=rendition, extension=kind.extension, links=links, also=also)
