"""What publishing files would do: what is wrong, what is new or changed, and who would get it. Keeps nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from config import Settings
from pipeline.errors import InvalidEvent
from pipeline.hints import meant
from pipeline.ledger import Transaction, articles
from pipeline.ledger.articles import revisions
from pipeline.model.article import Article
from pipeline.model.reading import ReadWarning
from pipeline.model.site import Feed
from workers.cli.reading import FileRead, same_id
from workers.cli.word_diff import word_diff

Action = Literal["new", "changed", "same", "renamed", "again", "refused", "left-out"]


@dataclass(frozen=True)
class Preview:
    """What publishing one file would do.

    `again`: it was withdrawn and would be live once more. `renamed`: a live article has its title or address under
    another id, `former`, which would stay live.
    """

    file: str
    action: Action
    article: str | None = None
    title: str | None = None
    revision: int | None = None
    former: str | None = None
    scheduled: dt.datetime | None = None
    difference: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    feeds: list[str] = field(default_factory=list)
    left_out: str | None = None
    mistakes: tuple[InvalidEvent, ...] = ()
    warnings: tuple[ReadWarning, ...] = ()


@dataclass
class Previewer:
    """Compares files with the settings and, where there is one, with the ledger."""

    settings: Settings
    transaction: Transaction | None
    now: dt.datetime
    ids: dict[str, Path] = field(default_factory=dict)

    def previews(self, files: Iterable[FileRead]) -> Iterator[Preview]:
        for one in files:
            yield self._preview(one)

    def _preview(self, one: FileRead) -> Preview:
        if one.left_out is not None:
            return Preview(str(one.file), "left-out", left_out=one.left_out)
        if one.read is None:
            return Preview(str(one.file), "refused", mistakes=one.mistakes)
        article, warnings = one.read.article, (*one.read.warnings, *self._unknown_topics(one))
        other = self.ids.setdefault(article.id, one.file)
        if other != one.file:
            return Preview(
                str(one.file), "refused", mistakes=(same_id(one.file, other, article.id),), warnings=warnings
            )
        action, revision, former, difference = self._against_ledger(article)
        return Preview(
            str(one.file),
            action,
            article.id,
            article.title,
            revision,
            former,
            self._scheduled(article),
            difference,
            self._channels(article),
            self._feeds(article),
            warnings=warnings,
        )

    def _against_ledger(self, article: Article) -> tuple[Action, int, str | None, list[str]]:
        current = articles.get(self.transaction, article.id) if self.transaction else None
        if self.transaction is None or current is None:
            former = articles.live_with_title(self.transaction, article.title) if self.transaction else None
            return ("renamed" if former else "new"), 1, former, []
        before = revisions.newest_content(self.transaction, article.id).article
        if current.state == "withdrawn":
            return "again", current.revision + 1, None, word_diff(before, article)
        if before == article:
            return "same", current.revision, None, []
        return "changed", current.revision + 1, None, word_diff(before, article)

    def _scheduled(self, article: Article) -> dt.datetime | None:
        latest = max(filter(None, (article.embargo, article.published)), default=None)
        return latest if latest and latest > self.now else None

    def _channels(self, article: Article) -> list[str]:
        slugs = {topic.slug for topic in article.topics}
        return [
            channel.id
            for channel in self.settings.channels
            if channel.enabled and (not channel.topics or not slugs.isdisjoint(channel.topics))
        ]

    def _feeds(self, article: Article) -> list[str]:
        slugs = {topic.slug for topic in article.topics}
        feeds = (Feed(**feed.model_dump()) for feed in self.settings.feeds)
        return [feed.id for feed in feeds if feed.holds(slugs, article.language)]

    def _unknown_topics(self, one: FileRead) -> Iterator[ReadWarning]:
        """Topics that no feed or channel asks for, where any asks for topics at all."""
        known = {slug for feed in self.settings.feeds for slug in (*feed.topics, *feed.without_topics)}
        known.update(slug for channel in self.settings.channels for slug in channel.topics)
        for topic in one.read.article.topics if one.read and known else ():
            if topic.slug not in known:
                close = meant(topic.slug, known)
                yield ReadWarning(
                    code="unknown-topic",
                    message=f"no feed or channel asks for the topic {topic.slug!r}",
                    file=str(one.file),
                    field="topics",
                    hint=f"did you mean {close!r}?" if close else None,
                )
