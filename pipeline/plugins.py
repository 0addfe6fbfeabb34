"""Modules found by being there: in a folder of ours, or named by an installed package's entry point."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any

from pipeline.errors import ConfigError


def discover(package: str, attribute: str, group: str) -> dict[str, Any]:
    """Every object named `attribute` in a module of `package`, and every entry point of `group`, by its `name`.

    In the order of their names, so that nothing depends on the file system's. Two of one name are refused.
    """
    found: dict[str, Any] = {}
    for place, plugin in (*_ours(package, attribute), *_theirs(group)):
        if found.setdefault(plugin.name, plugin) is not plugin:
            raise ConfigError(f"{place} takes the name {plugin.name!r}, which is taken", code="duplicate-plugin")
    return dict(sorted(found.items()))


def _theirs(group: str) -> Iterator[tuple[str, Any]]:
    for entry in sorted(entry_points(group=group)):
        yield entry.value, entry.load()


def _ours(package: str, attribute: str) -> Iterator[tuple[str, Any]]:
    path = importlib.import_module(package).__path__
    for module in pkgutil.iter_modules(path, f"{package}."):
        if not module.ispkg and (plugin := getattr(importlib.import_module(module.name), attribute, None)):
            yield module.name, plugin
