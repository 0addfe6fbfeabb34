"""Preview publishing files: what is wrong, what is new or changed, and who would get it. Keeps nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from msgspec import structs

from config import Settings
from pipeline.errors import InvalidEvent
from pipeline.hints import meant
from pipeline.ledger import Transaction, articles
from pipeline.ledger.articles import revisions
from pipeline.model.article import Article
from pipeline.model.event import Origin, Publish
from pipeline.model.reading import ReadWarning
from pipeline.model.site import Feed
from pipeline.stages.accept.identity import identity_of, taken
from workers.cli.files import is_gone
from workers.cli.reading import FileRead, FilesOfIds, publication
from workers.cli.word_diff import word_diff

Action = Literal["new", "changed", "same", "renamed", "again", "refused", "left-out"]


@dataclass(frozen=True)
class Preview:
    """What publishing one file would do.

    `again`: the article was withdrawn and would be live again. `renamed`: the file's article would be renamed from
    `former`, and the former address would redirect to the new one.
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
    """Compare files with the settings and, if there is one, with the ledger."""

    settings: Settings
    transaction: Transaction | None
    now: dt.datetime
    take_over: bool = False

    def previews(self, files: Iterable[FileRead]) -> list[Preview]:
        """Return what publishing each file would do. Files that share an id are all refused."""
        previews, publications = list[Preview](), list[tuple[str, Publish]]()
        for one in files:
            previews.append(self._preview(one))
            if one.read is not None:
                publications.append((str(one.file), self._publication(one)))
        shared = FilesOfIds().refused(publications)
        return [_refused(one, shared[one.file]) if one.file in shared else one for one in previews]

    def _preview(self, one: FileRead) -> Preview:
        if one.left_out is not None:
            return Preview(str(one.file), "left-out", left_out=one.left_out)
        if one.read is None:
            return Preview(str(one.file), "refused", mistakes=one.mistakes)
        warnings = (*one.read.warnings, *self._unknown_topics(one))
        preview = self._against_ledger(self._publication(one), str(one.file))
        return replace(
            preview,
            scheduled=self._scheduled(one.read.article),
            channels=self._channels(one.read.article),
            feeds=self._feeds(one.read.article),
            warnings=warnings,
        )

    def _publication(self, one: FileRead) -> Publish:
        return publication(one, Origin(source="urn:citewire:preview", id=""), take_over=self.take_over)

    def _against_ledger(self, event: Publish, file: str) -> Preview:
        article = event.article
        new = Preview(file, "new", article.id, article.title, 1)
        if self.transaction is None:
            return new
        identity = identity_of(self.transaction, event, now=self.now)
        if taken_by_other := taken(self.transaction, event, identity, gone=is_gone):
            return _refused(new, taken_by_other)
        current = articles.get(self.transaction, identity.article_id)
        if current is None:
            return new
        before, after = revisions.newest_content(self.transaction, current.id).article, identity.of(article)
        same = before == after and current.state != "withdrawn"
        action: Action = "changed"
        if current.state == "withdrawn":
            action = "again"
        elif identity.renamed:
            action = "renamed"
        elif same:
            action = "same"
        return replace(
            new,
            action=action,
            article=current.id,
            revision=current.revision + (not same),
            former=identity.former if identity.renamed else None,
            difference=word_diff(before, structs.replace(after, address=before.address)),
        )

    def _scheduled(self, article: Article) -> dt.datetime | None:
        earliest = article.not_before
        return earliest if earliest and earliest > self.now else None

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
        """Warn of topics that no feed or channel asks for, if any of them asks for topics at all."""
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


def _refused(one: Preview, mistake: InvalidEvent) -> Preview:
    return Preview(one.file, "refused", mistakes=(mistake,), warnings=one.warnings)
