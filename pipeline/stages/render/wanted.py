"""Which formats a revision is rendered in when it is published, and how it is rendered in another one later.

A channel, a feed or the site's own pages want a format. Any other is rendered when it is first asked for, and kept:
rendering is pure, so the bytes are those that would have been made before.
"""

from __future__ import annotations

from collections.abc import Collection

import structlog

from pipeline.errors import TransientError
from pipeline.ledger import Transaction
from pipeline.ledger.articles import renditions
from pipeline.model.rendition import Rendition
from pipeline.model.revision import Revision
from pipeline.stages.context import Context
from pipeline.stages.render.fingerprint import fingerprints

PAGES = frozenset({"html", "amp"})  # an article's page, and the one that it links to

_log = structlog.get_logger()


def wanted(context: Context, revision: Revision, known_to: Collection[str]) -> frozenset[str]:
    """Return the formats that are wanted of an article. `known_to` are the channels that have it or were to have it."""
    if context.policy.render_all:
        return frozenset(context.formats)
    topics = frozenset(topic.slug for topic in revision.article.topics)
    sent = {
        name
        for plan in context.channels.values()
        if not plan.retired and (plan.id in known_to or plan.wants(topics))
        for name in (plan.format, *plan.also)
    }
    feeds = [feed for feed in context.feeds.values() if feed.holds(topics, revision.article.language)]
    listed = {
        name
        for name, format in context.formats.items()
        if format.document is not None and any(feed.built_in(name) for feed in feeds)
    }
    return (PAGES | sent | listed) & context.formats.keys()


def rendered_in(context: Context, revision: Revision, formats: Collection[str]) -> list[Rendition]:
    """Render the revision in these formats, and put the bytes into the store."""
    made = [
        Rendition(format.name, format.media_type, format.render(revision, context.site))
        for format in context.formats.values()
        if format.name in formats
    ]
    for one in made:
        context.store.put(one.digest, one.body)
    return made


def keep(context: Context, transaction: Transaction, revision: Revision, rendered: Collection[Rendition]) -> None:
    """Record renditions of a revision that was published before, whose bytes are in the store."""
    made_in = fingerprints({one.format: context.formats[one.format] for one in rendered}, context.site)
    renditions.add(transaction, revision.article.id, revision.number, list(rendered), made_in)


def on_demand(context: Context, revision: Revision, name: str) -> Rendition:
    """Return the published revision in a format that nobody has asked for before, and keep it if that is possible."""
    format = context.formats[name]
    rendition = Rendition(name, format.media_type, format.render(revision, context.site))
    try:
        context.store.put(rendition.digest, rendition.body)
        with context.ledger.write() as transaction:
            keep(context, transaction, revision, [rendition])
    except TransientError as error:
        _log.warning("not kept", article=revision.article.id, format=name, error=str(error))
    return rendition
