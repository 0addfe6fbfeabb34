"""Renditions as those who run the site look at them: the newest rendered revision in any format, and its verdict.

What is not rendered in a format yet is rendered, and kept. Rendering and judging have the time that a worker has (ADR
0059), because a plug-in's format or judge may never end. Judging has threads of its own: a judge that never ends takes
none of those that render for readers.
"""

from __future__ import annotations

import structlog
from msgspec import Struct

from pipeline.errors import TransientError
from pipeline.ledger import articles
from pipeline.ledger.articles import names, renditions, revisions
from pipeline.model.rendition import Rendition
from pipeline.stages.context import Context
from pipeline.stages.render import made_again
from pipeline.stages.render.wanted import on_demand
from pipeline.stages.stage import caught
from pipeline.views.judged import RenditionVerdict, judged
from pipeline.web.bounded import Bounded

_log = structlog.get_logger()


class LookedAt(Struct, frozen=True):
    article: str
    revision: int
    rendition: Rendition


class Renditions:
    """Finds renditions for whoever may look at everything, and has them judged."""

    def __init__(self, context: Context, bounded: Bounded) -> None:
        self._context, self._rendering = context, bounded
        self._judging = Bounded(context.policy.article_budget, "judging")

    def find(self, name: str, format: str) -> LookedAt | None:
        """Return an article's rendition, or None if its readers see nothing, or there is no such format.

        Raises TransientError if it takes too long to render, or the ledger or the store does not answer.
        """
        context = self._context
        with context.ledger.read() as transaction:
            article = names.article_named(transaction, name)
            current = articles.get(transaction, article)
            number = current.rendered if current is not None and current.state == "live" else None
            if number is None or format not in context.formats:
                return None
            stored = renditions.one(transaction, article, number, format)

        def made() -> bytes:
            with context.ledger.read() as transaction:
                revision = revisions.get(transaction, article, number)
            return made_again(context, stored, revision) if stored else on_demand(context, revision, format).body

        body = context.store.get(stored.digest, stored.bytes) if stored else None
        if body is None:
            body = self._rendering.within((article, number, format), made)
        return LookedAt(article, number, Rendition(format, context.formats[format].media_type, body))

    def verdict(self, name: str, format: str) -> RenditionVerdict | None:
        """Return what the judge of the format says of it, or None where `find` does. Raises TransientError as that."""
        found = self.find(name, format)
        if found is None:
            return None
        key = (found.article, found.revision, format)
        return self._judging.within(key, lambda: judged(found.article, found.revision, found.rendition))

    def verdict_now(self, name: str, format: str) -> tuple[RenditionVerdict | None, str | None]:
        """Return the verdict, or why there is none now, for a page whose rest does not depend on it."""
        outcome = caught(lambda: self.verdict(name, format))
        match outcome:
            case TransientError():
                return None, outcome.message
            case Exception():  # of a format: its preview fails too
                _log.error("no verdict", article=name, format=format, exc_info=outcome)
                return None, f"it cannot be rendered, and the log says why ({type(outcome).__name__})"
            case _:
                return outcome, None
