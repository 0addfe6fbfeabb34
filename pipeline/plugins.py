"""Discover plug-ins: modules and packages in one of our folders, or entry points of installed packages."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any

from pipeline.errors import ConfigError


@dataclass(frozen=True)
class Plugins(Mapping[str, Any]):
    """Every object named `attribute` in a module or package of `package`, and every entry point of `group`, by `name`.

    Looking one up by its name imports only the module that bears this name, with underscores for hyphens, if there is
    one. Everything else imports them all, and raises ConfigError if two share a name, or a value of an attribute listed
    in `unique`, which holds one string or a tuple of strings. They are sorted by name, so that nothing depends on the
    order of the file system.
    """

    package: str
    attribute: str
    group: str
    unique: tuple[str, ...] = ()
    _one: dict[str, Any] = field(default_factory=dict, init=False, compare=False)

    def __getitem__(self, name: str) -> Any:
        if name not in self._one:
            found = self._module_of(name)
            self._one[name] = found if found is not None else self.all[name]
        return self._one[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    @functools.cached_property
    def all(self) -> dict[str, Any]:
        """All of them, imported."""
        found: dict[str, Any] = {}
        taken: dict[tuple[str, str], str] = {}
        for place, plugin in (*self._ours(), *self._theirs()):
            if found.setdefault(plugin.name, plugin) is not plugin:
                raise ConfigError(f"{place} takes the name {plugin.name!r}, which is taken", code="duplicate-plugin")
            for key, value in _values(plugin, self.unique):
                if (other := taken.setdefault((key, value), plugin.name)) != plugin.name:
                    message = f"{place} ({plugin.name!r}) takes {value!r} in {key}, which {other!r} has already"
                    raise ConfigError(message, code="duplicate-plugin")
        return dict(sorted(found.items()))

    def _module_of(self, name: str) -> Any | None:
        module = name.replace("-", "_")
        if not module.isidentifier() or importlib.util.find_spec(f"{self.package}.{module}") is None:
            return None
        plugin = getattr(importlib.import_module(f"{self.package}.{module}"), self.attribute, None)
        return plugin if plugin is not None and plugin.name == name else None

    def _ours(self) -> Iterator[tuple[str, Any]]:
        path = importlib.import_module(self.package).__path__
        for module in pkgutil.iter_modules(path, f"{self.package}."):
            if plugin := getattr(importlib.import_module(module.name), self.attribute, None):
                yield module.name, plugin

    def _theirs(self) -> Iterator[tuple[str, Any]]:
        for entry in sorted(entry_points(group=self.group)):
            yield entry.value, entry.load()


def any_installed() -> bool:
    """Return whether another package adds plug-ins of any kind. Ours alone share no name, as a test verifies."""
    return any(group.startswith("citewire.") for group in entry_points().groups)


def _values(plugin: Any, attributes: Sequence[str]) -> Iterator[tuple[str, str]]:
    for key in attributes:
        value = getattr(plugin, key)
        yield from ((key, one) for one in ((value,) if isinstance(value, str) else value))
