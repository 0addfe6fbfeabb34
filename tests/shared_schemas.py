"""What FastAPI makes again and again for the web server of each test, made once.

It makes a `TypeAdapter` for every parameter and answer of every route, and again when the route's router is included.
An adapter depends on its type and its field alone, so that equal ones can serve any number of servers.

It also takes the signature of every function apart, those of dependencies for each route that has them. What it finds
depends on the function and on which of its parameters are in the path, so that the routes of a server can share it. Of
another server the functions are others, but the same lines of code made them: they differ in what they refer to, and
in the functions that they need, which are taken apart again.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import replace
from types import CodeType, FunctionType
from typing import Annotated, Any, get_origin

from fastapi import routing
from fastapi._compat import v2
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies import utils
from fastapi.dependencies.models import Dependant
from fastapi.params import Depends
from fastapi.utils import create_model_field
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

_ATTRIBUTES = [name for name in FieldInfo.__slots__ if not name.startswith("_") and name != "metadata"]
_MADE: dict[Any, TypeAdapter[Any]] = {}
_TAKEN_APART = "_taken_apart"  # the attribute of a function with what was found, so that both end together
_LIKE: defaultdict[CodeType, dict[Hashable, Dependant]] = defaultdict(dict)  # what was found, without any function
_MOST = 8  # ways to take functions apart that the same lines made
_take_apart = utils.get_dependant
_return_annotation = utils.get_typed_return_annotation

Needs = Mapping[str, FunctionType]  # the functions that a function depends on, by its parameters


def share() -> None:
    """Have FastAPI use what it has made before: adapters, where type, field and configuration are equal."""
    v2.TypeAdapter = _adapter
    utils.get_dependant = _shared_dependant
    routing.get_dependant = _own_dependant
    routing.get_typed_return_annotation = _returned
    routing.create_model_field = _response_field


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
        found[key] = _like_another(path, call, more, key[1:])
    return found[key]


def _like_another(path: str, call: FunctionType, more: Mapping[str, Any], around: tuple[Hashable, ...]) -> Dependant:
    """Take a function apart as the one before that the same lines made, or else anew."""
    try:
        said, needs = _signature(call)
        key = (said, around)
        hash(key)
    except TypeError:  # it says something that is not compared by its value
        return _take_apart(path=path, call=call, **more)
    known = _LIKE[call.__code__]
    if key in known:
        like = known[key]
        return replace(
            like, path=path, call=call, dependencies=[_needed(one, path, needs) for one in like.dependencies]
        )
    found = _take_apart(path=path, call=call, **more)
    if len(known) < _MOST:
        known[key] = replace(found, call=None, dependencies=[_left_open(one, needs) for one in found.dependencies])
    return found


def _signature(call: FunctionType) -> tuple[tuple[Hashable, ...], Needs]:
    """Return what the function says of its parameters, and what it needs. Raises TypeError for what is not understood.

    The names of parameters and their order are in its code.
    """
    defaults = [*(call.__defaults__ or ()), *(call.__kwdefaults__ or {}).values()]
    if not _is_plain(call) or any(isinstance(one, FieldInfo | Depends) for one in defaults):
        raise TypeError
    said: list[Hashable] = [call.__module__, *((type(one), one) for one in defaults)]
    needs: dict[str, FunctionType] = {}
    for name, annotation in call.__annotations__.items():
        if name == "return":
            continue
        if get_origin(annotation) is not Annotated:
            said.append((name, annotation))
            continue
        match annotation.__metadata__:
            case (Depends(dependency=FunctionType() as need, _concurrency=None) as one,) if type(one) is Depends:
                needs[name] = need
                said.append((name, annotation.__origin__, Depends, one.use_cache, one.scope))
            case about if any(isinstance(one, Depends) and isinstance(one.dependency, FunctionType) for one in about):
                raise TypeError
            case about:
                said.append((name, annotation.__origin__, *map(_value, about)))
    return tuple(said), needs


def _is_plain(call: object) -> bool:
    """Return whether the signature is in the function itself."""
    return isinstance(call, FunctionType) and not hasattr(call, "__wrapped__") and not hasattr(call, "__signature__")


def _value(about: Hashable) -> Hashable:
    """Return what is said of a parameter so that the same, said again, is equal."""
    if not isinstance(about, FieldInfo):
        return about  # compared as it is: as itself, at worst
    own = [(name, type(value), _plain(value)) for name, value in sorted(vars(about).items())]
    values = [(type(value), value) for value in (getattr(about, name, None) for name in _ATTRIBUTES)]
    return type(about), *values, *about.metadata, *own


def _plain(value: Any) -> Any:
    """Return what FastAPI wraps where nothing was said, which cannot be hashed."""
    return value.value if isinstance(value, DefaultPlaceholder) else value


def _left_open(one: Dependant, needs: Needs) -> Dependant:
    """Return a dependency as it is asked for, without the function, if it is one that the next server replaces."""
    if one.name not in needs:
        return one
    return Dependant(
        name=one.name,
        own_oauth_scopes=one.own_oauth_scopes,
        parent_oauth_scopes=one.parent_oauth_scopes,
        use_cache=one.use_cache,
        scope=one.scope,
    )


def _needed(one: Dependant, path: str, needs: Needs) -> Dependant:
    if one.name not in needs:
        return one
    return _shared_dependant(
        path=path,
        call=needs[one.name],
        name=one.name,
        own_oauth_scopes=one.own_oauth_scopes,
        parent_oauth_scopes=one.parent_oauth_scopes,
        use_cache=one.use_cache,
        scope=one.scope,
        concurrency=None,
    )


def _returned(call: Any) -> Any:
    """Return the type of a function's answer, which FastAPI takes the whole signature apart for."""
    if not _is_plain(call) or isinstance(said := call.__annotations__.get("return"), str):
        return _return_annotation(call)
    return said


def _response_field(name: str, type_: Any, **more: Any) -> v2.ModelField:
    try:
        return _shared_field(name, type_, **more)
    except TypeError:  # something that is not compared by its value
        return create_model_field(name=name, type_=type_, **more)


@functools.lru_cache(maxsize=1024, typed=True)
def _shared_field(name: str, type_: Any, **more: Any) -> v2.ModelField:
    return create_model_field(name=name, type_=type_, **more)
