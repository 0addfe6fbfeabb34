"""What FastAPI makes again and again for the web server of each test, made once.

It makes a `TypeAdapter` for every parameter and answer of every route, and again when the route's router is included.
An adapter depends on its type and its field alone, so that equal ones can serve any number of servers.

It also takes the signature of every function apart, those of dependencies for each route that has them. What it finds
depends on the function and on which of its parameters are in the path, so that the routes of a server can share it.
"""

from __future__ import annotations

from dataclasses import replace
from types import FunctionType
from typing import Any

from fastapi import routing
from fastapi._compat import v2
from fastapi.dependencies import utils
from fastapi.dependencies.models import Dependant
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

_ATTRIBUTES = [name for name in FieldInfo.__slots__ if not name.startswith("_") and name != "metadata"]
_MADE: dict[Any, TypeAdapter[Any]] = {}
_TAKEN_APART = "_taken_apart"  # the attribute of a function with what was found, so that both end together
_take_apart = utils.get_dependant


def share() -> None:
    """Have FastAPI use what it has made before: adapters, where type, field and configuration are equal."""
    v2.TypeAdapter = _adapter
    utils.get_dependant = _shared_dependant
    routing.get_dependant = _own_dependant


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


def _own_dependant(*, path: str, call: Any, **more: Any) -> Dependant:
    """Return what FastAPI adds the dependencies of a route to."""
    found = _shared_dependant(path=path, call=call, **more)
    return replace(found, path=path, dependencies=[*found.dependencies])


def _shared_dependant(*, path: str, call: Any, **more: Any) -> Dependant:
    if not isinstance(call, FunctionType):
        return _take_apart(path=path, call=call, **more)
    said = [(name, tuple(value) if isinstance(value, list) else value) for name, value in sorted(more.items())]
    key = (call, frozenset(utils.get_path_param_names(path)), *said)
    found = call.__dict__.setdefault(_TAKEN_APART, {})
    if key not in found:
        found[key] = _take_apart(path=path, call=call, **more)
    return found[key]
