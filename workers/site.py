"""The site and its feeds, as renderers know them, from the settings."""

from __future__ import annotations

from config.settings import Settings
from pipeline.errors import ConfigError
from pipeline.hints import nearest
from pipeline.model.site import Feed, Site
from pipeline.renditions import formats


def site_of(settings: Settings) -> Site:
    return Site(**settings.site.model_dump(), feeds=feeds_of(settings), own_hub=settings.hub.enabled)


def feeds_of(settings: Settings) -> tuple[Feed, ...]:
    """Return the feeds. Raises ConfigError for a format that does not exist or has no feeds."""
    for feed in settings.feeds:
        for name in feed.formats:
            if name not in formats() or formats()[name].document is None:
                known = [format.name for format in formats().values() if format.document is not None]
                message = f"{name!r} is not a format of feeds"
                raise ConfigError(message, key=f"feeds.{feed.id}.formats", hint=nearest(name, known))
    return tuple(Feed(**feed.model_dump()) for feed in settings.feeds)
