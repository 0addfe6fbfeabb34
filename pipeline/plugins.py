"""Discover plug-ins: modules and packages in one of our folders, or entry points of installed packages."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from typing import Any

from pipeline.errors import ConfigError


def discover(package: str, attribute: str, group: str, *, unique: Sequence[str] = ()) -> dict[str, Any]:
    """Return every object named `attribute` in `package`, and every entry point of `group`, by its `name`.

    A plug-in is a module of `package` or a package in it. They are sorted by name, so that nothing depends on the order
    of the file system. Raises ConfigError if two share a name, or a value of an attribute listed in `unique`, which
    holds one string or a tuple of strings.
    """
    found: dict[str, Any] = {}
    taken: dict[tuple[str, str], str] = {}
    for place, plugin in (*_ours(package, attribute), *_theirs(group)):
        if found.setdefault(plugin.name, plugin) is not plugin:
            raise ConfigError(f"{place} takes the name {plugin.name!r}, which is taken", code="duplicate-plugin")
        for key, value in _values(plugin, unique):
            if (other := taken.setdefault((key, value), plugin.name)) != plugin.name:
                message = f"{place} ({plugin.name!r}) takes {value!r} in {key}, which {other!r} has already"
                raise ConfigError(message, code="duplicate-plugin")
    return dict(sorted(found.items()))


def _values(plugin: Any, attributes: Sequence[str]) -> Iterator[tuple[str, str]]:
    for key in attributes:
        value = getattr(plugin, key)
        yield from ((key, one) for one in ((value,) if isinstance(value, str) else value))


def _theirs(group: str) -> Iterator[tuple[str, Any]]:
    for entry in sorted(entry_points(group=group)):
        yield entry.value, entry.load()


def _ours(package: str, attribute: str) -> Iterator[tuple[str, Any]]:
    path = importlib.import_module(package).__path__
    for module in pkgutil.iter_modules(path, f"{package}."):
        if plugin := getattr(importlib.import_module(module.name), attribute, None):
            yield module.name, plugin
