"""Compute a digest of a value that stays the same when a later release adds fields."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from msgspec import UNSET, Struct, structs

from pipeline.model.rendition import digest_of


def value_digest(value: object) -> str:
    """Return a digest of a model value, treating a field that has its default as absent.

    msgspec's own `omit_defaults` compares by identity, so it may keep a default that was read from a file.
    """
    return digest_of(msgspec.json.encode(_without_defaults(value)))


def _without_defaults(value: object) -> object:
    if isinstance(value, Struct):
        return _fields_of(value)
    if isinstance(value, tuple):
        return [_without_defaults(one) for one in value]
    return value


def _fields_of(value: Struct) -> dict[str, object]:
    tag, defaults = _shape(type(value))
    set_values = {name: getattr(value, name) for name in value.__struct_fields__}
    set_here = {name: _without_defaults(one) for name, one in set_values.items() if one != defaults.get(name, UNSET)}
    return set_here if tag is None else {"type": tag} | set_here


@cache
def _shape(type: type[Struct]) -> tuple[object, dict[str, Any]]:
    """Return the type's tag and the defaults of its fields."""
    fields = structs.fields(type)
    return type.__struct_config__.tag, {one.name: one.default for one in fields if not one.required}
