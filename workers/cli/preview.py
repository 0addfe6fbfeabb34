"""Preview publishing files: what is wrong, what is new or changed, and who would get it. Keeps nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

from config.settings import Settings
from pipeline.errors import InvalidEvent
from pipeline.ledger import Transaction
from pipeline.model.event import Origin, Publish
from pipeline.model.reading import ReadWarning
from pipeline.model.site import Feed
from pipeline.stages.accept.files import FilesOfIds
from pipeline.stages.accept.preview import (
    Action,
    Foreseen,
    channels_for,
    feeds_for,
    foresee,
    scheduled,
    unknown_topics,
)
from pipeline.views.word_diff import changes_foreseen
from workers.cli.files import is_gone
from workers.cli.reading import FileRead, publication


@dataclass(frozen=True)
class Preview:
    """What publishing one file would do; `action`: of `Foreseen`, or `refused` or `left-out`."""

    file: str
    action: Action | str
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
        file = str(one.file)
        if one.left_out is not None:
            return Preview(file, "left-out", left_out=one.left_out)
        if one.read is None:
            return Preview(file, "refused", mistakes=one.mistakes)
        article, channels = one.read.article, self.settings.channels
        preview = self._against_ledger(self._publication(one), file)
        return replace(
            preview,
            scheduled=scheduled(article, self.now),
            channels=channels_for(channels, article),
            feeds=feeds_for(self._feeds, article),
            warnings=(*one.read.warnings, *unknown_topics(article, channels, self._feeds, file=file)),
        )

    def _publication(self, one: FileRead) -> Publish:
        return publication(one, Origin(source="urn:citewire:preview", id=""), take_over=self.take_over)

    def _against_ledger(self, event: Publish, file: str) -> Preview:
        article = event.article
        new = Preview(file, "new", article.id, article.title, 1)
        if self.transaction is None:
            return new
        try:
            found = foresee(self.transaction, event, now=self.now, gone=is_gone)
        except InvalidEvent as error:
            return _refused(new, error)
        return replace(
            new,
            action=found.action,
            article=article.id if found.action == "new" else found.article,
            revision=found.revision,
            former=found.former,
            difference=_difference(found),
        )

    @cached_property
    def _feeds(self) -> list[Feed]:
        return [Feed(**feed.model_dump()) for feed in self.settings.feeds]


def _difference(found: Foreseen) -> list[str]:
    return [str(change) for change in changes_foreseen(found)]


def _refused(one: Preview, mistake: InvalidEvent) -> Preview:
    return Preview(one.file, "refused", mistakes=(mistake,), warnings=one.warnings)
