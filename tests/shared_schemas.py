"""Validators that all web servers of a test process share: each test makes one, and would generate everything again.

FastAPI makes a `TypeAdapter` for every parameter and answer of every route, and again for the routers that include it.
An adapter depends on its type and its field alone, so that equal ones can serve any number of servers.
"""

from __future__ import annotations

from typing import Any

from fastapi._compat import v2
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

_ATTRIBUTES = [name for name in FieldInfo.__slots__ if not name.startswith("_") and name != "metadata"]
_MADE: dict[Any, TypeAdapter[Any]] = {}


def share() -> None:
    """Have FastAPI use an adapter that it has made before, where type, field and configuration are equal."""
    v2.TypeAdapter = _adapter


def _adapter(type_: Any, *, config: Any = None) -> TypeAdapter[Any]:
    try:
        key = (*_key(type_), repr(config))
        hash(key)
    except TypeError:  # a default or an example that can be changed, such as a list
        return TypeAdapter(type_, config=config)
    if key not in _MADE:
        _MADE[key] = TypeAdapter(type_, config=config)
    return _MADE[key]


def _key(type_: Any) -> tuple[Any, ...]:
    """Return the type, what is said about it, and the attributes of its field, in the order of their names.

    Values come with their types, because 1 and True are equal.
    """
    *said, field = type_.__metadata__
    assert isinstance(field, FieldInfo)
    values = [getattr(field, name, None) for name in _ATTRIBUTES]
    return type_.__origin__, *said, *field.metadata, *((type(value), value) for value in values)
